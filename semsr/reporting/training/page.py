"""Puts the page on training together: one HTML file with its figures inside, and a folder of pictures beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from markupsafe import Markup

from semsr import __version__
from semsr.reporting.templating import environment
from semsr.reporting.training.class_pictures import PAPER_CLASSES, ClassPictures
from semsr.reporting.training.curves import Curves
from semsr.reporting.training.drawing import draw_marker
from semsr.reporting.training.found import Classes, Looks
from semsr.reporting.training.read import Training
from semsr.reporting.training.samples import Sample
from semsr.reporting.training.separation import NEIGHBOURS

PICTURES = "pictures"
"""The folder beside the page."""


@dataclass(frozen=True)
class Change:
    """What a validation column did in the trainings of one variant."""

    label: str
    column: str
    before: tuple[float, ...]
    after: tuple[float, ...]

    @property
    def differences(self) -> list[float]:
        """After minus before, a value a seed."""
        return [after - before for before, after in zip(self.before, self.after, strict=True)]


@dataclass
class Group:
    """All that the page says of one method's trainings on one data set.

    Attributes:
        method, dataset: which.
        trainings: by variant and seed.
        curves: their figures.
        samples: by variant; pictures that can't be shown are in `problems`.
        shown: the pictures that features were taken of; None: none, and `problems` says why.
        classes: what was found.
        looks: of each variant with cross-attention; none: `problems` says why.
        problems: by part of the page ("trainings", "samples", "classes", "attention"), a line each.
    """

    method: str
    dataset: str
    trainings: Sequence[Training]
    curves: Curves
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    shown: ClassPictures | None = None
    classes: Classes | None = None
    looks: list[Looks] = field(default_factory=list)
    problems: dict[str, list[str]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The group's name in links."""
        return f"{self.method}-{self.dataset}"

    @property
    def losses(self) -> list[str]:
        """Columns of all logs."""
        return list(dict.fromkeys(name for training in self.trainings for name in training.losses))

    @property
    def columns(self) -> list[str]:
        """Columns of all validations."""
        return list(dict.fromkeys(name for training in self.trainings for name in training.validation.columns))

    @property
    def labels(self) -> dict[str, str]:
        """The label of each variant."""
        return {training.variant: training.label for training in self.trainings}

    @property
    def legend(self) -> list[tuple[str, str]]:
        """(marker, name) of each class."""
        names = self.shown.classes if self.shown else ()
        return [(draw_marker(number, f"{self.key}-class-{number}"), name) for number, name in enumerate(names)]

    def changes(self) -> list[Change]:
        """Each variant and validation column, over its seeds."""
        found = []
        for variant in dict.fromkeys(training.variant for training in self.trainings):
            mine = [training for training in self.trainings if training.variant == variant and training.ended]
            for column in self.columns:
                having = [its.validation for its in mine if column in its.validation.columns]
                if having:
                    ends = tuple(its.first(column) for its in having), tuple(its.last(column) for its in having)
                    found.append(Change(mine[0].label, column, *ends))
        return found

    def told(self, part: str) -> list[str]:
        """What is to be said on a part of the page."""
        return self.problems.get(part, [])

    def say(self, part: str, *lines: str) -> None:
        """Have something said on a part of the page."""
        self.problems.setdefault(part, []).extend(line for line in lines if line not in self.told(part))


def render(groups: Sequence[Group], profile: str, title: str, made: str) -> str:
    """The page as HTML; text from cards, names and errors is escaped.

    Args:
        groups: methods, in the page's order.
        profile, title: the profile's id and title.
        made: when, in words.
    """
    templates = environment()
    templates.filters.update(
        value=value,
        signed=lambda found: value(found) if not found > 0 else f"+{value(found)}",
        count=lambda found: f"{found:,}",
        src=lambda shown: quote(f"{PICTURES}/{shown.file}"),
        mean=mean,
        drawn=Markup,  # figures of our own making, whose text was escaped when they were drawn
    )
    return templates.get_template("training.html").render(
        groups=groups,
        profile=profile,
        title=title,
        made=made,
        version=__version__,
        paper_classes=PAPER_CLASSES,
        neighbours=NEIGHBOURS,
    )


def value(found: float | None) -> str:
    """A number in five significant digits; a dash where there is none."""
    if found is None or math.isnan(found):
        return "–"
    return f"{found:.5g}".replace("-", "−")


def mean(values: Sequence[float]) -> float:
    """The mean of values, each of which counts alike."""
    return math.fsum(values) / len(values)
