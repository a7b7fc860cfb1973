"""What an external program found, in COCO's result formats.

    panoptic.json         {"annotations": [{"image_id" or "file_name", "segments_info": [{"id", "category_id"}, ...]}, ...]}
    panoptic/<name>.png   ids of the segments: R + 256 G + 65536 B
    instances.json        [{"image_id" or "file_name", "category_id", "bbox", "score", "segmentation"}, ...]
    semantic/<name>.png   8-bit: place in the categories sorted by id, 255 where no class was given

Each of the three answers may be absent as a whole. A picture without an entry in instances.json has no object: the format has no other
way to say so. `segmentation` may be absent: then there are boxes only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from semsr.errors import SemanticError
from semsr.segmentation.answers import agreeing_areas, category_ids, instance_of, segment_of
from semsr.segmentation.found import Category, Found, Ids, Instance, Segment
from semsr.segmentation.json_entries import Entry, read_json
from semsr.segmentation.maps import read_classes, read_ids

_ADVICE = "mend the program that wrote it, or its call, and run it again"


class CocoResults:
    """A folder of results; JSON is read at once, maps picture by picture."""

    def __init__(
        self,
        folder: Path,
        categories: Sequence[Category],
        panoptic: Mapping[str, Entry] | None,
        instances: Mapping[str, Sequence[Entry]] | None,
    ) -> None:
        self.folder, self.categories = folder, tuple(categories)
        self._panoptic, self._instances, self._known = panoptic, instances, category_ids(categories)

    @classmethod
    def read(cls, folder: Path, names: Iterable[str], categories: Sequence[Category]) -> CocoResults:
        """Read what a program left.

        Args:
            folder: what it wrote to.
            names: of the pictures it was given. Entries are theirs by the stem of `file_name`, or by `image_id`, which is the name or the
                number that the name's digits are.
            categories: the data set's, sorted by id.

        Raises:
            SemanticError: damaged JSON, an entry of no picture given, two for one picture, or no result at all.
        """
        pictures = _Pictures(names)
        panoptic, instances = folder / "panoptic.json", folder / "instances.json"
        # A folder of that name is there, too: reading it says what is wrong with it.
        maps, objects = (path.is_file() or path.is_dir() for path in (panoptic, instances))
        if not (maps or objects or (folder / "semantic").is_dir()):
            raise SemanticError(
                f"{folder}: no panoptic.json, no instances.json and no semantic/; one of them is needed: {_ADVICE}"
            )
        return cls(
            folder,
            categories,
            _one_each(read_json(panoptic, _ADVICE)["annotations"], pictures) if maps else None,
            _by_picture(read_json(instances, _ADVICE), pictures) if objects else None,
        )

    def found(self, name: str, size: tuple[int, int]) -> Found:
        """What was found in one picture.

        Args:
            name: the picture's, one of those given.
            size: (H, W) that every answer must have.

        Returns:
            Every answer that is there; instances the best first.

        Raises:
            SemanticError: a picture or its PNG is missing; a file is damaged or of another size; ids in the map and in the list differ,
                or are there twice; an unknown category; a mask of another size; values that are not finite.
        """
        ids, segments = self._segments(name, size)
        classes = None
        if (self.folder / "semantic").is_dir():
            classes = read_classes(self.folder / "semantic" / f"{name}.png", size, len(self.categories), _ADVICE)
        instances: tuple[Instance, ...] | None = None
        if self._instances is not None:
            answers = [instance_of(entry, self._known, size) for entry in self._instances.get(name, ())]
            instances = tuple(sorted(answers, key=lambda instance: -instance.score))
        return Found(name, size, ids, segments, classes, instances)

    def _segments(self, name: str, size: tuple[int, int]) -> tuple[Ids | None, tuple[Segment, ...]]:
        if self._panoptic is None:
            return None, ()
        entry, path = self._panoptic.get(name), self.folder / "panoptic" / f"{name}.png"
        if entry is None:
            raise SemanticError(f"{self.folder / 'panoptic.json'}: no entry of picture {name!r}; each needs one: {_ADVICE}")
        listed = entry["segments_info"]
        segments = tuple(segment_of(found, self._known) for found in listed)
        ids = read_ids(path, size, _ADVICE)
        agreeing_areas(ids, [segment.id for segment in segments], str(path), f"{listed.file}: {listed.key}", _ADVICE)
        return ids, segments


class _Pictures:
    """Which picture an entry is of."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        self.numbers: dict[int, list[str]] = {}
        for name in sorted(self.names):
            if name.isascii() and name.isdigit():
                self.numbers.setdefault(int(name), []).append(name)

    def of(self, entry: Entry) -> str:
        """Raises: SemanticError: of none, or of two."""
        file = entry.get("file_name")
        found = file or entry["image_id"]
        value: Any = Path(file.text()).stem if file else found.value
        if isinstance(value, str) and value in self.names:
            return value
        numbered = self.numbers.get(value, []) if isinstance(value, int) and not isinstance(value, bool) else []
        if len(numbered) == 1:
            return numbered[0]
        if numbered:
            raise found.wrong(f"the name of one picture, since {' and '.join(numbered)} both have this number")
        raise found.wrong(f"one of the {len(self.names)} pictures given, such as {min(self.names, default='none')!r}")


def _one_each(entries: Entry, pictures: _Pictures) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for entry in entries:
        name = pictures.of(entry)
        if name in found:
            raise SemanticError(
                f"{entry.file}: {found[name].key} and {entry.key} are both of picture {name!r}; keep one: {_ADVICE}"
            )
        found[name] = entry
    return found


def _by_picture(entries: Entry, pictures: _Pictures) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(pictures.of(entry), []).append(entry)
    return found
