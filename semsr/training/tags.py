"""Tags of pictures: a folder with <name>.txt for each, as SeeSR keeps the words that its tagger found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from semsr.errors import PairingError
from semsr.training.index import Index, Source


class Tags:
    """The tags of an index's pictures; all of them must be there.

    Raises:
        PairingError: some data sets have a folder and others have not, no such folder, or pictures without a file.
    """

    def __init__(self, sources: Sequence[Source], index: Index) -> None:
        bare = [source.prepared.card.id for source in sources if source.tags is None]
        if bare:
            raise PairingError(f"training: no folder of tags for {', '.join(bare)}; give one for every data set, or for none")
        self._folders = [source.tags for source in sources if source.tags is not None]
        for folder in self._folders:
            if not folder.is_dir():
                raise PairingError(f"{folder}: no such folder; tags are files <name>.txt in it")
        there = [{path.name for path in folder.iterdir()} for folder in self._folders]
        missing = [index.name(at) for at in range(len(index)) if f"{index.stem(at)}.txt" not in there[index.source(at)]]
        if missing:
            names = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
            raise PairingError(
                f"{', '.join(map(str, self._folders))}: {len(missing)} of {len(index)} pictures have no tags (<name>.txt): {names}; "
                f"make them, or train without tags"
            )

    def read(self, index: Index, at: int) -> str:
        """The picture's tags as they stand in the file, without space around them. Raises: PairingError."""
        path: Path = self._folders[index.source(at)] / f"{index.stem(at)}.txt"
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise PairingError(f"{path}: can't be read ({error}); make the tags again") from None
