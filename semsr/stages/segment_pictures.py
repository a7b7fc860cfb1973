"""The part of `segment` that decides what is found: a segmenter goes through the pictures. This file counts in the fingerprint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import semsr
from semsr.cards import ProfileCard, SegmenterCard, SemanticProtocolCard
from semsr.errors import SegmenterError, located
from semsr.evaluation.pairing import Size
from semsr.fingerprint import fingerprint
from semsr.plugins import load_plugin
from semsr.project import Project
from semsr.restoration.weights import WeightsFiles
from semsr.segmentation.checks import broken
from semsr.segmentation.contract import Segmenter
from semsr.segmentation.found import Category, Found
from semsr.stages.cell_facts import method_code


class Finder:
    """One segmenter, loaded when the first picture is asked for."""

    def __init__(
        self,
        project: Project,
        profile: ProfileCard,
        card: SegmenterCard,
        protocol: SemanticProtocolCard,
        categories: Sequence[Category],
        weights: WeightsFiles,
        device: str,
    ) -> None:
        self._project, self._profile, self._card, self._protocol = project, profile, card, protocol
        self._categories, self.weights, self.device = tuple(categories), weights, device
        self._segmenter: Segmenter | None = None

    def find(self, pictures: Mapping[str, Path], sizes: Mapping[str, Size]) -> Iterator[Found]:
        """What is in each picture, in their order, checked. Raises: SegmenterError, PictureError."""
        answers = self._by_command(pictures, sizes) if self._card.runner == "command" else self._here(pictures, sizes)
        for name, found in zip(pictures, answers, strict=True):
            if problem := broken(self._card, found, self._categories, sizes[name], name=name):
                raise SegmenterError(f"{self._card.id}: {name}: {problem}")
            yield found

    def _by_command(self, pictures: Mapping[str, Path], sizes: Mapping[str, Size]) -> Iterator[Found]:
        from semsr.segmentation.command import run_command

        with TemporaryDirectory(prefix="semsr-") as scratch:
            yield from run_command(
                self._card, self.weights.files, pictures, sizes, self._categories, self._protocol.post_processing, Path(scratch)
            )

    def _here(self, pictures: Mapping[str, Path], sizes: Mapping[str, Size]) -> Iterator[Found]:
        import torch

        from semsr.imaging.pictures import read_rgb
        from semsr.restoration.python import seed_everything
        from semsr.restoration.seeding import picture_seed

        segmenter = self._segmenter = self._segmenter or self._load()
        on = torch.device(self.device)
        for name, path in pictures.items():
            picture = torch.from_numpy(read_rgb(path).copy()).permute(2, 0, 1)[None].to(on).float().div_(255.0)
            # A segmenter that draws from the global generators is at least the same for a picture whatever came before.
            seed_everything(picture_seed(0, name))
            with torch.inference_mode():
                yield segmenter.segment(name, picture, sizes[name])

    def _load(self) -> Segmenter:
        import torch

        from semsr.restoration.python import make_deterministic

        make_deterministic(self._profile.threads)
        card = self._card
        assert card.entry is not None
        with located(f"segmenters/{card.id}/segmenter.yaml"):
            make = load_plugin(self._project, "segmenter", card.id, card.entry)
            if not (isinstance(make, type) and issubclass(make, Segmenter)):
                raise SegmenterError(f"entry: {card.entry!r} is not a subclass of semsr.segmentation.contract.Segmenter")
            try:
                segmenter = make(**card.options)
            except TypeError as error:
                raise SegmenterError(f"options: {card.options!r} are not what the segmenter takes: {error}") from error
            segmenter.files = dict(self.weights.files)
            segmenter.categories, segmenter.post_processing = self._categories, self._protocol.post_processing
            segmenter.load(torch.device(self.device))
        return segmenter


def device_of(card: SegmenterCard, profile: ProfileCard) -> str:
    """The device that answers; a program of its own is not asked about it."""
    if card.runner != "python":
        return "cuda" if profile.device == "cuda" else "cpu"
    from semsr.restoration.python import choose_device

    return choose_device(profile.device)


def found_fingerprint(
    project: Project,
    card: SegmenterCard,
    protocol: SemanticProtocolCard,
    categories: Sequence[Category],
    made_by: str,
    sizes: Mapping[str, Size],
    weights: Sequence[Mapping[str, Any]],
    device: str,
) -> str:
    """The hash of everything that decides what is found; `made_by` is that of the pictures."""
    package = Path(semsr.__file__).parent
    code = [
        *method_code(project.folders("segmenter")[card.id]),
        package / "segmentation",
        Path(__file__),
        *sorted((package / "imaging").glob("*.py")),
    ]
    return fingerprint(
        project,
        code,
        segmenter=card.id,
        entry=card.entry,
        command=card.command.model_dump(exclude={"time_limit_minutes"}) if card.command else None,
        options=card.options,
        weights=[entry["sha256"] for entry in weights],
        post_processing=protocol.post_processing.model_dump(),
        categories=[(category.id, category.name, category.thing) for category in categories],
        sizes=sorted(sizes.items()),
        pictures=made_by,
        device=device,
    )
