"""The contract of a semantic metric: what one picture contributes is kept, and the value of any draw of pictures is made of that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from semsr.cards.metric import MetricCard, OptionValue
from semsr.cards.segmenter import Answer
from semsr.evaluation.semantic.sums import Weights, mean_of_classes
from semsr.evaluation.semantic.truth import Truth
from semsr.segmentation.found import Category, Found

Columns = Mapping[str, NDArray[Any]]
"""Arrays of one length, by name: the rows that pictures add to a metric's contributions."""


class SemanticMetric(ABC):
    """One definition. `needs`: the answers a segmenter must give.

    Contributions depend on the metric alone; what a protocol's column chooses (a figure, a denominator) says how they are summed up: class
    by class, and the metric is the mean of the classes that count.
    """

    needs: ClassVar[tuple[Answer, ...]]

    def __init__(self, card: MetricCard, categories: Sequence[Category]) -> None:
        self.card, self.categories = card, tuple(categories)

    @abstractmethod
    def contribution(self, truth: Truth, found: Found) -> Columns:
        """What one picture adds: any number of rows, of columns that are always the same.

        Raises:
            SemanticError: what was found does not fit the annotations (size, category); one line with the picture's name.
        """

    @abstractmethod
    def each_class(
        self, rows: Columns, picture: NDArray[np.int64], weights: Weights, options: Mapping[str, OptionValue]
    ) -> NDArray[np.float64]:
        """The metric of each draw, class by class.

        Args:
            rows: contributions of all pictures together.
            picture: (K,) the number of the picture that each row is of.
            weights: (R, N).
            options: every option of the card, with the protocol's choices filled in.

        Returns:
            (R, number of categories) in percent, categories sorted by id; NaN where a class does not count.
        """

    def values(
        self, rows: Columns, picture: NDArray[np.int64], weights: Weights, options: Mapping[str, OptionValue]
    ) -> NDArray[np.float64]:
        """The metric of each draw: (R,) in percent, the mean of the classes that count; NaN where none does. See `each_class`."""
        return mean_of_classes(self.each_class(rows, picture, weights, options))
