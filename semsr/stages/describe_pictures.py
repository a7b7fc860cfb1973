"""The part of `describe` that decides what is said: a describer goes through the pictures. This file counts in the fingerprint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import semsr
from semsr.cards import MethodCard
from semsr.errors import MethodError, located
from semsr.fingerprint import fingerprint
from semsr.plugins import load_plugin
from semsr.preparation.manifest import Entry, Prepared
from semsr.project import Project
from semsr.restoration.weights import WeightsRecord
from semsr.stages.cell_facts import method_code

if TYPE_CHECKING:
    import torch

    from semsr.restoration.describer import Describer, Description


def describe_pictures(
    project: Project,
    card: MethodCard,
    name: str,
    options: Mapping[str, Any],
    files: Mapping[str, Path],
    pairs: Sequence[Entry],
    *,
    device: str,
    threads: int | None,
) -> list[dict[str, Any]]:
    """Both descriptions of every picture. Picture by picture: a batch changes the last bits, and with them a tag at its threshold.

    Args:
        project: where the method's code is.
        card: the method's.
        name: the description's, for errors.
        options: what the describer is made with.
        files: the weights by asset id or role.
        pairs: pictures with HR and LR, each read as it is.
        device: "cpu" or "cuda".
        threads: CPU threads; None: every core.

    Returns:
        {"name": ..., "clean": {"tags": [...], "text": ...}, "degraded": the same of LR} for each picture, in their order.

    Raises:
        MethodError: the describer broke its contract. PictureError: a picture can't be read.
    """
    import torch

    from semsr.restoration.python import make_deterministic

    make_deterministic(threads)
    where = f"{card.id}, description {name}"
    on = torch.device(device)
    with located(project.entry(card.id, "method.yaml", f"descriptions.{name}")):
        describer = _make_describer(project, card, options, files)
        describer.load(on)
    pictures = []
    with torch.inference_mode():
        for entry in pairs:
            assert entry.hr is not None and entry.lr is not None
            told = {"clean": entry.hr, "degraded": entry.lr}
            said = {each: _say(describer, path, entry.name, on, where) for each, path in told.items()}
            pictures.append({"name": entry.name, **said})
    return pictures


def _make_describer(project: Project, card: MethodCard, options: Mapping[str, Any], files: Mapping[str, Path]) -> Describer:
    from semsr.restoration.describer import Describer

    assert card.describer is not None
    make = load_plugin(project, "method", card.id, card.describer)
    if not (isinstance(make, type) and issubclass(make, Describer)):
        raise MethodError(f"{card.describer!r} is not a subclass of semsr.restoration.describer.Describer")
    try:
        describer: Describer = make(**options)
    except TypeError as error:
        raise MethodError(f"options {dict(options)!r} are not what the describer takes: {error}") from error
    describer.files = dict(files)
    return describer


def _say(describer: Describer, path: Path, name: str, device: torch.device, where: str) -> dict[str, Any]:
    """One picture's description as plain values. Raises: MethodError, PictureError."""
    import torch

    from semsr.imaging.pictures import read_rgb
    from semsr.restoration.describer import Description
    from semsr.restoration.python import seed_everything
    from semsr.restoration.seeding import picture_seed

    picture = torch.from_numpy(read_rgb(path).copy()).permute(2, 0, 1)[None].to(device).float().div_(255.0)
    # A describer that draws from the global generators is at least the same for a picture whatever came before.
    seed_everything(picture_seed(0, name))
    found: list[Description] = describer.describe(picture)
    if not (isinstance(found, list) and len(found) == 1 and isinstance(found[0], Description)):
        raise MethodError(f"{where}: {name}: describe() returned {found!r}; expected a list of one Description a picture")
    said = found[0]
    if len(set(said.tags)) != len(said.tags):
        raise MethodError(f"{where}: {name}: tags stand twice in {said.tags!r}; each once")
    return {"tags": list(said.tags), "text": said.text}


def said_fingerprint(
    project: Project,
    card: MethodCard,
    name: str,
    options: Mapping[str, Any],
    weights: WeightsRecord,
    prepared: Prepared,
    *,
    device: str,
    threads: int | None,
) -> str:
    """The hash of everything that decides what is said."""
    package = Path(semsr.__file__).parent
    folder = project.folders("method")[card.id]
    return fingerprint(
        project,
        [*method_code(folder), package / "restoration", *sorted((package / "imaging").glob("*.py")), Path(__file__)],
        method=card.id,
        describer=card.describer,
        description=name,
        options=dict(options),
        weights=[entry["sha256"] for entry in weights],
        dataset=prepared.sha256,
        device=device,
        threads=threads,
    )
