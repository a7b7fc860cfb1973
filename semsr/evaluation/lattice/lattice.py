"""The lattice of one row on one data set: what its columns give in every way of measuring that is tried."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from semsr.evaluation.lattice.changes import Change, changes_of, under
from semsr.evaluation.lattice.edits import Edit, edits_of
from semsr.evaluation.lattice.measure import EditName, Kept, Pictures, Wanted, measure
from semsr.evaluation.lattice.ways import OWN, Way, pairs_of
from semsr.evaluation.measuring import Found
from semsr.evaluation.protocol import ResolvedColumn, ResolvedProtocol
from semsr.evaluation.workbench import Workbench, build
from semsr.plugins import load_plugin
from semsr.project import Project

Values = Mapping[str, Mapping[Way, float]]
"""By column name: the mean (or pooled value) that each way gives."""


@dataclass(frozen=True)
class Means:
    """What one pass over the pictures gave.

    Attributes:
        values: by column name and way.
        untried: ways that could not be measured, by column name: their words, and why.
    """

    values: Values
    untried: Mapping[str, tuple[str, ...]]


class Lattice:
    """Measures columns of a protocol in other ways.

    Single changes are measured for all columns; pairs of them only on demand, and only of metrics without a network, which are quick.
    Metrics of the whole set (FID, KID) are not in it: what moves them is how many pictures there are.
    """

    def __init__(
        self,
        project: Project,
        protocol: ResolvedProtocol,
        columns: Sequence[str],
        pictures: Sequence[Pictures],
        *,
        scale: int,
        device: str = "cpu",
        kept: Kept | None = None,
        threads: int | None = None,
        asset: Callable[[str], Path] | None = None,
    ) -> None:
        """Find out what can be changed; nothing is measured yet.

        Args:
            project: where metrics are.
            protocol: whose columns to change.
            columns: their names.
            pictures: one set a seed; the value of a way is the mean of theirs.
            scale: the factor of super-resolution.
            device: where networks run.
            kept: where finished batches are kept and looked up; default: nowhere.
            threads: cores to use; None: all that are available.
            asset: gives an asset's verified file by its id; default: the store.
        """
        self._project, self._protocol, self._pictures = project, protocol, tuple(pictures)
        self._device, self._kept, self._threads = device, kept or Kept(), threads
        self._asset = asset
        self.progress: Callable[[int], object] = lambda pictures: None
        """Told how many pictures (counted once an edit) have been dealt with."""
        self._reference = all(each.references is not None for each in pictures)
        sizes = {size for each in pictures for size in each.sizes.values()}
        self._edits: dict[EditName, Edit] = {
            (edit.axis, edit.setting): edit for edit in edits_of(sizes, scale=scale, reference=self._reference)
        }
        self._columns = {column.name: column for column in protocol.columns if column.name in columns and not column.of_set}
        self.changes: dict[str, tuple[Change, ...]] = {
            name: changes_of(project, column, tuple(self._edits.values()), scale=scale)
            for name, column in self._columns.items()
        }
        """Single changes, by column name."""
        self._quick = {name for name, column in self._columns.items() if _is_quick(project, column)}

    @property
    def work(self) -> int:
        """How many pictures `singles` deals with at most, counted once an edit, for a bar."""
        return sum(len(each.sizes) for each in self._pictures) * (len(self._edits) + 1)

    def is_quick(self, column: str) -> bool:
        """Whether a column is measured without a network."""
        return column in self._quick

    def singles(self, columns: Collection[str]) -> Means:
        """Columns in the protocol's way and with every single change. Raises: PictureError, MetricError."""
        return self.measure(
            {
                name: [OWN, *(Way((change,)) for change in changes if self.is_quick(name) or self._is_cheap(change))]
                for name, changes in self.changes.items()
                if name in columns
            }
        )

    def pairs(self, columns: Collection[str], worth: Callable[[str, Change], bool] = lambda column, change: True) -> Means:
        """Pairs of changes, of those columns whose metric is quick.

        Args:
            columns: their names.
            worth: whether a change does anything to a column; pairs with one that does not say nothing new.
        """
        return self.measure(
            {
                name: pairs_of([change for change in changes if worth(name, change)])
                for name, changes in self.changes.items()
                if name in columns and self.is_quick(name)
            }
        )

    def measure(self, ways: Mapping[str, Sequence[Way]]) -> Means:
        """Given ways of columns. Raises: PictureError, MetricError."""
        bench = self._bench(ways)
        wanted: dict[EditName, dict[str, None]] = {}
        for name, its in ways.items():
            for way in its:
                if (key := self._column(name, way).key) in bench.metrics:
                    wanted.setdefault(way.edit, {})[key] = None
        asked = [Wanted(self._edits.get(edit), tuple(keys)) for edit, keys in wanted.items()]
        found = [
            measure(each, asked, bench, self._kept, threads=self._threads, progress=self.progress) if asked else {}
            for each in self._pictures
        ]
        values: dict[str, dict[Way, float]] = {name: {} for name in ways}
        untried: dict[str, list[str]] = {name: [] for name in ways}
        for name, its in ways.items():
            for way in its:
                value = self._value(name, way, bench, found)
                if isinstance(value, str):
                    untried[name].append(f"{way.says}: {value}")
                elif value is not None:
                    values[name][way] = value
        return Means(values, {name: tuple(lines) for name, lines in untried.items()})

    def _is_cheap(self, change: Change) -> bool:
        return change.kind != "pictures" or self._edits[change.axis, change.setting].common

    def _column(self, name: str, way: Way) -> ResolvedColumn:
        return under(self._project, self._columns[name], way.changes)

    def _bench(self, ways: Mapping[str, Sequence[Way]]) -> Workbench:
        columns = {(column := self._column(name, way)).key: column for name, its in ways.items() for way in its}
        protocol = ResolvedProtocol(self._protocol.card, tuple(columns.values()))
        return build(self._project, [protocol], device=self._device, has_reference=self._reference, asset=self._asset)

    def _value(
        self, name: str, way: Way, bench: Workbench, found: Sequence[Mapping[tuple[EditName, str], Found]]
    ) -> float | str | None:
        """The mean over seeds; a text where it can't be measured, None where the way means nothing for this metric."""
        key = self._column(name, way).key
        if key in bench.unavailable:
            return bench.unavailable[key]
        each: list[float] = []
        for pictures, measured in zip(self._pictures, found, strict=True):
            values = measured[way.edit, key]
            if isinstance(values, str):
                return values
            if not way.is_pooled:
                each.append(float(values.mean()))
                continue
            sizes = [size for _, size in sorted(pictures.sizes.items())]
            pooled = bench.metrics[key].pooled(values, sizes)
            if pooled is None:
                return None
            each.append(pooled)
        return float(np.mean(each))


def _is_quick(project: Project, column: ResolvedColumn) -> bool:
    card = column.metric
    if card.requires:  # others' packages, which may not be there: learned metrics
        return False
    return not getattr(load_plugin(project, "metric", project.metric_family(card.id), card.entry), "uses_network", True)
