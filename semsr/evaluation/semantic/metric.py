"""The contract of a semantic metric: what one picture contributes is kept, and the value of any draw of pictures is made of that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from semsr.cards.metric import MetricCard, OptionValue
from semsr.cards.segmenter import Answer
from semsr.evaluation.semantic.truth import Truth
from semsr.segmentation.found import Category, Found

Columns = Mapping[str, NDArray[Any]]
"""Arrays of one length, by name: the rows that pictures add to a metric's contributions."""
Weights = NDArray[np.int64]
"""(R, N): how often each of N pictures stands in each of R draws; a row of ones is the data set itself."""


class SemanticMetric(ABC):
    """One definition. `needs`: the answers a segmenter must give.

    Contributions depend on the metric alone; what a protocol's column chooses (a figure, a denominator) says how they are summed up.
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
    def values(
        self, rows: Columns, picture: NDArray[np.int64], weights: Weights, options: Mapping[str, OptionValue]
    ) -> NDArray[np.float64]:
        """The metric of each draw.

        Args:
            rows: contributions of all pictures together.
            picture: (K,) the number of the picture that each row is of.
            weights: (R, N).
            options: every option of the card, with the protocol's choices filled in.

        Returns:
            (R,) in percent; NaN where a draw has nothing to be measured by.
        """

    def each_class(
        self, rows: Columns, picture: NDArray[np.int64], weights: Weights, options: Mapping[str, OptionValue]
    ) -> NDArray[np.float64]:
        """(R, number of categories): the same class by class, NaN where a class does not count; categories sorted by id."""
        raise NotImplementedError
