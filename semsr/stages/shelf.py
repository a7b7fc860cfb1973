"""Everything that tables of scores read: each scores file, each manifest and each cell's record once, however many tables use them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from semsr.assets.missing import MissingFile
from semsr.cards import ProfileCard
from semsr.evaluation.protocol import ResolvedProtocol
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import Project
from semsr.reproduction.aggregate import Scores
from semsr.reproduction.sanity import REFERENCE
from semsr.reproduction.score_files import read_missing, read_scores
from semsr.reproduction.stale import CellKey, CellNow, Present
from semsr.reproduction.wording import pictures_remark
from semsr.restoration.cell import FINGERPRINT, Cell, read_json


class Shelf:
    """The scores of one profile, with what is there now to hold them against."""

    def __init__(self, project: Project, profile: ProfileCard) -> None:
        """Hold a project and the profile whose results count; nothing is read before it is asked for."""
        self._project = project
        self._profile = profile
        self._frames: dict[str, pd.DataFrame] = {}
        self._missing: dict[str, dict[tuple[str, str], tuple[MissingFile, ...]]] = {}
        self._prepared: dict[str, Prepared] = {}
        self._present: dict[str, Present] = {}

    def has_scores(self, dataset: str) -> bool:
        """Whether a data set was scored at all; what the file holds is judged when it is read."""
        return self.path(dataset).is_file()

    def path(self, dataset: str) -> Path:
        """Where the scores of a data set lie."""
        return self._project.results(self._profile.id) / "scores" / f"{dataset}.parquet"

    def scores(self, dataset: str, protocol: ResolvedProtocol) -> Scores:
        """The scores of a data set by one protocol. Raises: SemsrError where they are missing, unreadable or of another version."""
        frame = self.frame(dataset)
        prepared = self.prepared(dataset)
        # A user's copy may hold fewer pictures than the data set has; their mean is not the data set's.
        count = prepared.card.count if prepared.card.source.kind == "files" else None
        names = [entry.name for entry in prepared.test]
        return Scores(frame, names, protocol, dataset, count, self._missing[dataset], self.present(dataset))

    def frame(self, dataset: str) -> pd.DataFrame:
        """All scores of a data set, of every protocol. Raises: SemsrError as of `scores`."""
        if dataset not in self._frames:
            path = self.path(dataset)
            self._frames[dataset] = read_scores(path, self._project.show(path), dataset)
            self._missing[dataset] = read_missing(path)
        return self._frames[dataset]

    def prepared(self, dataset: str) -> Prepared:
        """A data set as it is prepared now. Raises: SemsrError where it is not."""
        if dataset not in self._prepared:
            self._prepared[dataset] = open_prepared(self._project, dataset)
        return self._prepared[dataset]

    def present(self, dataset: str) -> Present:
        """What there is now of a data set that was scored: its manifest, its rows' pictures, the metrics' weights."""
        if dataset not in self._present:
            frame = self.frame(dataset)
            keys = frame[["method", "variant", "seed"]].drop_duplicates().itertuples(index=False, name=None)
            measured = frame.loc[frame["weights"] != "", "metric_id"].unique()
            self._present[dataset] = Present(
                self.prepared(dataset).sha256, self._cells(dataset, keys), self._weights(map(str, measured))
            )
        return self._present[dataset]

    def _cells(self, dataset: str, keys: Iterable[tuple[str, str, int]]) -> dict[CellKey, CellNow]:
        found = {}
        for method, variant, seed in keys:
            if (method, variant) == REFERENCE:
                found[method, variant, int(seed)] = CellNow(self.prepared(dataset).sha256)
                continue
            cell = Cell(self._project.cell(self._profile.id, dataset, method, variant, int(seed)))
            # Where a row is being made again, what makes it counts: its pictures are no longer those that were measured.
            if record := read_json(cell.record) or read_json(cell.partial):
                made = str(record.get(FINGERPRINT, "")), str(record.get("manifest_sha256", ""))
                found[method, variant, int(seed)] = CellNow(*made)
        return found

    def _weights(self, metrics: Iterable[str]) -> dict[str, frozenset[str]]:
        found = {}
        for name in metrics:
            if name not in self._project.metrics:
                continue
            hashes = [self._project.asset(asset).sha256 for asset in self._project.metric(name).assets]
            if None not in hashes:
                found[name] = frozenset(known for known in hashes if known)
        return found

    def remark(self, dataset: str) -> str:
        """What a reader must know about the pictures before comparing."""
        prepared = self.prepared(dataset)
        return pictures_remark(prepared.card.comparable, prepared.as_published)
