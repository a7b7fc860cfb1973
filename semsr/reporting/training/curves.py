"""Loss and validation curves of all variants of a method: one figure a column, one line a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from semsr.reporting.training.drawing import Line, draw_lines, line_sample
from semsr.reporting.training.read import Training


@dataclass(frozen=True)
class Figure:
    """One figure of the page: what it shows, and its inline SVG."""

    title: str
    svg: str


@dataclass(frozen=True)
class Curves:
    """All curves of a method.

    Attributes:
        legend: (sample of the line as SVG, variant's label) in the figures' order.
        losses, validation: a figure a column.
    """

    legend: tuple[tuple[str, str], ...]
    losses: tuple[Figure, ...]
    validation: tuple[Figure, ...]


def draw_curves(trainings: Sequence[Training]) -> Curves:
    """Draw the curves of one method's trainings."""
    variants = {training.variant: training.label for training in trainings}
    groups = {variant: number for number, variant in enumerate(variants)}
    losses = list(dict.fromkeys(name for training in trainings for name in (*training.losses, *training.norms)))
    columns = list(dict.fromkeys(name for training in trainings for name in training.validation.columns))

    def figure(kind: str, column: str) -> Figure:
        lines, shown = [], []
        for training in trainings:
            curve = training.log if kind == "loss" else training.validation
            if column in curve.columns:
                lines.append(Line(curve.steps, curve.columns[column], groups[training.variant]))
                shown.append(training.name)
        described = f"{column} over steps, a line each for {', '.join(shown)}"
        return Figure(column, draw_lines(lines, column, f"{trainings[0].method}-{kind}-{column}", described=described))

    return Curves(
        tuple((line_sample(groups[variant]), label) for variant, label in variants.items()),
        tuple(figure("loss", column) for column in losses),
        tuple(figure("validation", column) for column in columns),
    )
