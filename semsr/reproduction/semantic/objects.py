"""What is counted of single objects, beside the columns of a protocol: lost, made up, and brought back."""

from __future__ import annotations

from semsr.cards.protocol import ObjectMatching
from semsr.reproduction.table import Column

METRIC = "objects"
"""What CSV files call the metric of these columns; `semsr.evaluation.semantic.objects` counts them."""
VERSION = 1
"""Grows whenever a value of theirs changes."""


def object_columns(matching: ObjectMatching) -> tuple[Column, ...]:
    """Omission, hallucination and improvement, in the order of `OBJECT_COLUMNS`, as a protocol counts them."""
    seen = (
        f"an object counts as seen where an instance of its class with a score of {matching.score:g} or more overlaps it by an IoU of "
        f"{matching.iou:g} or more ({matching.by}); {matching.score:g} is what confident means"
    )
    return (
        Column("omission", "lower", "%", METRIC, VERSION, f"share of the objects seen on HR that are not seen on SR; {seen}"),
        Column(
            "hallucination",
            "lower",
            "%",
            METRIC,
            VERSION,
            "share of the confident instances on SR that match neither an annotated object nor a confident instance of their class on HR; "
            "those on crowds are left out",
        ),
        Column(
            "improvement",
            "higher",
            "%",
            METRIC,
            VERSION,
            "share of the objects seen on HR and lost on zoomed LR that are seen on SR",
        ),
    )
