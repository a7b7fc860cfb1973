"""Which file plays which role when SeeSR restores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from semsr.errors import MethodError

from .options import SeeSrOptions


def files_by_role(
    files: Mapping[str, Path], roles: Mapping[str, str] | None, card: SeeSrOptions, *, looks: bool
) -> dict[str, Path]:
    """The files that restore, by role.

    Args:
        files: by asset; or by role, where `roles` is None (what was trained here).
        roles: role -> asset.
        card: the networks' options; they say which roles are needed.
        looks: whether the tagger is wanted.

    Raises:
        MethodError: an asset that the variant does not name, or a role that is needed and missing.
    """
    found = dict(files)
    if roles is not None:
        unknown = sorted(set(roles.values()) - set(found))
        if unknown:
            raise MethodError(f"options.files names the asset {unknown[0]!r}, which is not among the weights: {sorted(found)}")
        found = {role: found[asset] for role, asset in roles.items()}
    needed = ["autoencoder"]
    if card.text.kind != "hashed":
        needed.append("text-encoder")
    if looks:
        needed += ["tagger", *(["dape"] if card.tagger.lora is not None else [])]
    missing = [role for role in needed if role not in found]
    if missing:
        raise MethodError(
            f"no weights for the role {missing[0]!r}; found: {', '.join(sorted(found)) or 'none'}; name its asset in options.files"
        )
    return found
