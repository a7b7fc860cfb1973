"""What one picture adds to every metric of a protocol; a function of plain data, so that processes can share the pictures."""

from __future__ import annotations

from collections.abc import Mapping

from semsr.evaluation.semantic.metric import Columns, SemanticMetric
from semsr.evaluation.semantic.truth import Truth
from semsr.segmentation.found import Found


def contributions(metrics: Mapping[str, SemanticMetric], truth: Truth, found: Found) -> dict[str, Columns]:
    """Each metric's rows of one picture, by the metric's id.

    Raises:
        SemanticError: what was found does not fit the annotations; one line with the picture's name.
    """
    return {name: metric.contribution(truth, found) for name, metric in metrics.items()}
