"""What every runner does, whoever's code restores: named LR pictures in, named SR pictures out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from semsr.cards.method import MethodCard, Variant
from semsr.errors import MethodError
from semsr.imaging.pictures import Rgb
from semsr.project import seeded

Restored = tuple[str, Rgb]
"""A picture's name and its restored pixels, (H, W, 3) uint8 RGB."""


@dataclass(frozen=True)
class LrPicture:
    """One picture to restore: its file and its size (height, width)."""

    path: Path
    size: tuple[int, int]


@dataclass(frozen=True)
class Task:
    """One variant of a method and the pictures it is to restore.

    Attributes:
        card, variant: the method's card and the variant's name.
        folder: the method's folder.
        lr: LR pictures by name, in the data set's order.
        scale: how much larger the results must be.
        weights: weights files by asset id, the main one first; empty where the variant names none.
        dataset: the data set's id.
        root: the project's root, which relative folders of the card start from.
        cell: where a runner may keep its log.
        seed: the run's seed.
        device: "cpu" or "cuda".
        threads: CPU threads to use; None: as many as there are.
        batch: pictures of one size restored at once.
        tile: tile to start with, in LR pixels; None: the whole picture, or what the method asks for.
        make: makes the `Restorer` of a python runner.
        on_change: told facts that a continued run must know, before any picture made under them is handed out.
        generator: of a variant that is trained here, the recipe's generator: the method's option of this name.
    """

    card: MethodCard
    variant: str
    folder: Path
    lr: Mapping[str, LrPicture]
    scale: int
    root: Path
    cell: Path
    dataset: str = ""
    weights: Mapping[str, Path] = field(default_factory=dict)
    seed: int = 0
    device: Literal["cpu", "cuda"] = "cpu"
    threads: int | None = None
    batch: int = 1
    tile: int | None = None
    make: Callable[..., Any] | None = None
    on_change: Callable[[dict[str, Any]], None] = lambda facts: None
    generator: Mapping[str, Any] | None = None

    @property
    def row(self) -> Variant:
        """The variant's entry in the card."""
        return self.card.variants[self.variant]

    @property
    def options(self) -> dict[str, Any]:
        """What the runner is made with: the card's options, and the generator where it was trained here."""
        return dict(self.row.options) if self.generator is None else {**self.row.options, "generator": dict(self.generator)}

    @property
    def name(self) -> str:
        """What errors call it: `dat`, `sed/rrdb-p-released`, or `sed/rrdb-p@1` where it was trained here with seed 1."""
        variant = seeded(self.variant, self.seed) if self.row.training else self.variant
        return self.card.id if variant == "default" else f"{self.card.id}/{variant}"


class Runner(ABC):
    """Restores the pictures of one task. `facts` holds, after the run, what `run.json` should say about it."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.facts: dict[str, Any] = {}

    @abstractmethod
    def run(self, done: Collection[str] = ()) -> Generator[list[Restored], None, None]:
        """Restore every picture not in `done`, batch by batch; the next batch is begun only when it is asked for.

        Pictures of a batch that is not done as a whole come again, with the same pixels.

        Raises:
            MethodError: the method broke its contract; names the picture where there is one.
        """

    def check_size(self, name: str, rgb: Rgb, where: str) -> Rgb:
        """`rgb`, if it is as large as it must be. Raises: MethodError."""
        height, width = (side * self.task.scale for side in self.task.lr[name].size)
        if rgb.shape != (height, width, 3):
            raise MethodError(
                f"{where}: {rgb.shape[1]}x{rgb.shape[0]} pixels; expected {width}x{height} ({self.task.scale} times the LR picture {name})"
            )
        return rgb


def make_runner(task: Task) -> Runner:
    """The runner that the card asks for; only the python one imports torch."""
    if task.card.runner == "python":
        from semsr.restoration.python import PythonRunner

        return PythonRunner(task)
    if task.card.runner == "command":
        from semsr.restoration.command import CommandRunner

        return CommandRunner(task)
    from semsr.restoration.outputs import OutputsRunner

    return OutputsRunner(task)
