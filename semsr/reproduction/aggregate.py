"""From scores, a row an image and metric, to one number a cell, or the reason why there is none."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from semsr.assets.missing import MissingFile, summary
from semsr.evaluation.interval import mean_interval
from semsr.evaluation.protocol import ResolvedColumn, ResolvedProtocol
from semsr.reproduction.provenance import Origin
from semsr.reproduction.result import Result, Status
from semsr.reproduction.score_files import WHOLE_SET, Row
from semsr.reproduction.seeds import mean_of_seeds
from semsr.reproduction.stale import Present, of_measuring, of_pictures

_One = tuple[Result, NDArray[np.float64] | None]
"""The mean of one seed, and its images' values where there are some."""
_GRAVITY: tuple[Status, ...] = ("refused", "stale", "not-available", "incomplete", "reproduced", "not-run")


class Scores:
    """The scores of one data set under one protocol, ready to be averaged cell by cell.

    A mean exists only if every image of the data set has a value, and only for columns that were made in one way: one protocol hash,
    one metric version, one set of weights and one revision of the data over *all* rows of the column. It is stale, and no mean
    either, where these are not the ones that are there now, or where a row's pictures have been made again since.
    """

    def __init__(
        self,
        scores: pd.DataFrame,
        images: Collection[str],
        protocol: ResolvedProtocol,
        dataset: str,
        expected: int | None = None,
        missing: Mapping[Row, tuple[MissingFile, ...]] | None = None,
        now: Present | None = None,
    ) -> None:
        """Hold the scores of one data set.

        Args:
            scores: as `read_scores` gives them, of any protocols.
            images: the test pictures that are prepared.
            protocol: whose scores to use.
            dataset: the data set's id, for messages.
            expected: how many pictures the data set has by its card; default: those that are prepared.
            missing: rows that could not be restored, with the files they lack.
            now: the data, pictures and weights that are there; None: only what cards say is compared.
        """
        self.missing = dict(missing or {})
        self._scores = scores[scores["protocol"] == protocol.id]
        self._expected = max(len(images), expected or 0)
        self._images = frozenset(images)
        self._protocol = protocol
        self._dataset = dataset
        self._again = f"run `semsr score {dataset}` again"
        self._now = now
        self._refused = {column.name: self._refusal(column) for column in protocol.columns}
        self._known: dict[tuple[str, str, int, str], _One] = {}
        self._cells = dict(iter(self._scores.groupby(["method", "variant", "seed", "metric"])))
        of_images = self._scores[self._scores["image"] != WHOLE_SET]
        self._counts = of_images.groupby(["method", "variant", "seed"])["image"].nunique().to_dict()
        self.rows = frozenset(zip(self._scores["method"], self._scores["variant"], strict=True))
        """(method, variant) of every row that was scored by this protocol."""

    @property
    def of(self) -> int:
        """How many images the data set has."""
        return self._expected

    def cell(self, method: str, variant: str, column: ResolvedColumn, seeds: Sequence[int] = (0,)) -> Result:
        """The mean of one row in one column, or why there is none.

        Args:
            method, variant: the row.
            column: of the protocol.
            seeds: those that the row must have (`semsr.planning.seeds_of`); (0,) for what is restored once with given weights. Others are
                left out.
        """
        if lacking := self.missing.get((method, variant)):
            reason = f"needs {summary(lacking)}, see `semsr plan {method} --variant {variant}`"
            return Result("not-run", reason, of=self.of, seeds_of=0 if tuple(seeds) == (0,) else len(seeds))
        each = {seed: self._one(method, variant, seed, column) for seed in seeds}
        origin = self._origin(method, variant, seeds, column)
        if tuple(each) == (0,):
            result, values = each[0]
            if result.value is None:
                return result
            return replace(result if values is None else _averaged(result, [values]), origin=origin)
        done = [result.value for result, _ in each.values() if result.value is not None]
        if len(done) == len(each):
            first, _ = next(iter(each.values()))
            averaged = _averaged(first, [values for _, values in each.values() if values is not None])
            return replace(averaged, value=mean_of_seeds(done), seeds=tuple(done), seeds_of=len(each), origin=origin)
        without = self._without_mean(method, variant, {seed: result for seed, (result, _) in each.items()})
        return replace(without, seeds=tuple(done), seeds_of=len(each))

    def each_image(
        self, method: str, variant: str, column: ResolvedColumn, seeds: Sequence[int] = (0,)
    ) -> NDArray[np.float64] | None:
        """Every value behind a mean, for tests over pictures.

        Args:
            method, variant: the row.
            column: of the protocol.
            seeds: those that the row must have, as in `cell`.

        Returns:
            (seeds, images) in the metric's unit: seeds in the order given, images sorted by name, so that rows of one data set can be
            compared image by image. None where the row has no mean, and of a metric of the whole set.
        """
        if self.missing.get((method, variant)):
            return None
        each = [self._one(method, variant, seed, column)[1] for seed in seeds]
        there = [values for values in each if values is not None]
        return np.stack(there) if there and len(there) == len(each) else None

    def records(self, method: str, variant: str, column: ResolvedColumn, seed: int = 0) -> pd.DataFrame:
        """The scores behind one seed of a row in one column, as they are kept; empty where there are none."""
        return self._cells.get((method, variant, seed, column.name), self._scores.iloc[:0])

    def _origin(self, method: str, variant: str, seeds: Sequence[int], column: ResolvedColumn) -> Origin | None:
        """What a mean over these seeds is made from; None where one of them has no scores, or they say nothing of their pictures."""
        first, pictures = [], []
        for seed in seeds:
            rows = self.records(method, variant, column, seed)
            if rows.empty or not (rows["picture"] != "").all():
                return None
            first.append(rows.iloc[0])
            measured = sorted(zip(map(str, rows["image"]), map(str, rows["picture"]), strict=True))
            pictures.append(hashlib.sha256(json.dumps(measured).encode()).hexdigest())
        return Origin(
            manifest=str(first[0]["manifest"]),
            cells=tuple(str(row["cell"]) for row in first),
            protocol_hash=str(first[0]["protocol_hash"]),
            column=column.name,
            metric=str(first[0]["metric_id"]),
            version=int(first[0]["metric_version"]),
            weights=str(first[0]["weights"]),
            seeds=tuple(seeds),
            pictures=tuple(pictures),
        )

    def _without_mean(self, method: str, variant: str, each: dict[int, Result]) -> Result:
        """What is said of a row of which not every seed has a mean; seeds from 0 on are draws of a row that is not trained here."""
        infer = f"`semsr infer {method} --dataset {self._dataset}`, then `semsr score {self._dataset}`"
        train = f"`semsr train {method} --variant {variant}"
        drawn = 0 in each
        absent = [seed for seed, result in each.items() if result.status == "not-run"]
        if len(absent) == len(each):
            steps = (
                f"restored or scored yet; run {infer}"
                if drawn
                else f"trained, restored or scored yet; run {train}`, then {infer}"
            )
            return Result("not-run", f"not {steps}", of=self.of)
        scored = {seed: result for seed, result in each.items() if seed not in absent}
        worst = min((result for result in scored.values()), key=lambda result: _GRAVITY.index(result.status))
        if absent and worst.status not in ("refused", "stale", "not-available"):
            commands = " and ".join(f"{train} --seed {seed}`" for seed in absent)
            steps = infer if drawn else f"{commands}, then {infer}"
            reason = f"only {len(scored)} of {len(each)} seeds are scored; run {steps}"
            return Result("incomplete", reason, count=worst.count, of=self.of)
        if all(result == worst for result in scored.values()):
            return worst
        seed = next(seed for seed, result in scored.items() if result is worst)
        return replace(worst, reason=f"seed {seed}: {worst.reason}")

    def _one(self, method: str, variant: str, seed: int, column: ResolvedColumn) -> _One:
        """The mean of one seed of a row, and the values of its images in their order (None for a metric of the whole set)."""
        key = method, variant, seed, column.name
        if key not in self._known:
            self._known[key] = self._read(method, variant, seed, column)
        return self._known[key]

    def _read(self, method: str, variant: str, seed: int, column: ResolvedColumn) -> _One:
        rows = self.records(method, variant, column, seed)
        scored = self._counts.get((method, variant, seed), 0)
        if rows.empty and not scored:
            steps = f"run `semsr infer {method} --dataset {self._dataset}`, then `semsr score {self._dataset}`"
            return Result("not-run", f"not restored or not scored yet; {steps}", of=self.of), None
        reasons = sorted({str(reason) for reason in rows["unavailable"] if reason})
        if reasons:
            more = f" (and {len(reasons) - 1} more reasons, see the scores)" if len(reasons) > 1 else ""
            return Result("not-available", reasons[0] + more, of=self.of), None
        if refused := self._refused[column.name]:
            return Result(*refused, count=rows["image"].nunique(), of=self.of), None
        # A row without scores of this metric is incomplete, which is said below.
        key = method, variant, seed
        if not rows.empty and (reason := of_pictures(key, str(rows["cell"].iloc[0]), self._dataset, self._now)):
            return Result("stale", reason, count=rows["image"].nunique(), of=self.of), None
        if rows["image"].duplicated().any():
            twice = rows["image"][rows["image"].duplicated()].iloc[0]
            return Result("refused", f"image {twice} is there more than once; {self._again}", of=self.of), None
        return (self._of_set(rows, scored), None) if column.of_set else self._of_images(rows)

    def _of_images(self, rows: pd.DataFrame) -> _One:
        finite = rows[rows["value"].notna()]
        found = set(map(str, finite["image"]))
        if strangers := sorted(set(map(str, rows["image"])) - self._images):
            reason = f"image {strangers[0]} is not in the data set as it is prepared now; {self._again}"
            return Result("refused", reason, count=len(found), of=self.of), None
        if found == self._images and len(found) < self.of:
            reason = f"only {len(found)} of the data set's {self.of} images are prepared; fetch the others and {self._again}"
            return Result("incomplete", reason, count=len(found), of=self.of), None
        if found != self._images:
            broken = " (a value is not a number)" if len(finite) < len(rows) else ""
            reason = f"only {len(found)} of {self.of} images have a value{broken}; {self._again}"
            return Result("incomplete", reason, count=len(found), of=self.of), None
        values = finite.sort_values("image")["value"].to_numpy(dtype="float64")
        return Result("reproduced", value=float(values.mean()), count=len(values), of=self.of), values

    def _of_set(self, rows: pd.DataFrame, scored: int) -> Result:
        """One value of the whole set; it counts only if no other metric lacks an image of this row."""
        values = rows.loc[rows["image"] == WHOLE_SET, "value"]
        if (
            len(values) != 1
            or len(rows) != 1
            or math.isnan(values.iloc[0])
            or 0 < scored < self.of
            or len(self._images) < self.of
        ):
            return Result(
                "incomplete", f"only {scored} of {self.of} images have scores; {self._again}", count=scored, of=self.of
            )
        return Result("reproduced", value=float(values.iloc[0]), count=self.of, of=self.of)

    def _refusal(self, column: ResolvedColumn) -> tuple[Status, str] | None:
        """Why no value of this column may be averaged; None where all is well."""
        rows = self._scores[(self._scores["metric"] == column.name) & (self._scores["unavailable"] == "")]
        if rows.empty:
            return None
        for key, what in (
            ("protocol_hash", f"hashes of protocol {self._protocol.id}"),
            ("metric_id", "metrics"),
            ("metric_version", "versions of the metric"),
            ("weights", "weights of the metric"),
            ("manifest", f"revisions of data set {self._dataset}"),
        ):
            if rows[key].nunique() > 1:
                found = sorted(str(value)[:16] for value in rows[key].unique())
                return "refused", f"{what} are mixed in this column ({', '.join(found)}); {self._again}"
        reason = of_measuring(rows.iloc[0], self._protocol, column, self._dataset, self._now)
        return ("stale", reason) if reason else None


def _averaged(result: Result, values: Sequence[NDArray[np.float64]]) -> Result:
    """Give a mean its interval over images; of several seeds, each image counts with its mean over them."""
    if not values:
        return result
    interval = mean_interval(np.mean(values, axis=0))
    return replace(result, low=interval.low, high=interval.high)
