"""Pictures that can be looked at, and the values of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from semsr.evaluation.protocol import ResolvedProtocol
from semsr.leaderboard.collect_rows import Rows
from semsr.leaderboard.collect_tables import site_column
from semsr.leaderboard.model import PerImage, Viewable
from semsr.planning import rows_of
from semsr.preparation.manifest import Prepared
from semsr.project import Project
from semsr.reproduction.assemble import column_of
from semsr.reproduction.score_files import WHOLE_SET


@dataclass(frozen=True)
class Shown:
    """One picture folder of a row: its key on the site, label, folder of pictures."""

    key: str
    label: str
    images: Path


def key_of(method: str, variant: str, seed: int, seeds: Sequence[int]) -> str:
    """A row's key, and that of one of its seeds: `sed/tiny-p`, `sed/tiny-p@2`."""
    return f"{method}/{variant}" if tuple(seeds) == (0,) else f"{method}/{variant}@{seed}"


def shown_rows(rows: Rows, methods: Sequence[str], dataset: str) -> list[Shown]:
    """The rows of a data set that were restored, seeds one by one."""
    found = []
    for method in dict.fromkeys(methods):
        if method not in rows.project.methods:
            continue
        card = rows.project.method(method)
        for variant in rows_of(rows.project, rows.profile, method):
            cells = rows.cells(dataset, method, variant)
            for seed, folder in cells.items():
                if (folder / "run.json").is_file():
                    label = card.variants[variant].label + (f", seed {seed}" if tuple(cells) != (0,) else "")
                    found.append(Shown(key_of(method, variant, seed, tuple(cells)), label, folder / "images"))
    return found


def viewable(prepared: Prepared, shown: Sequence[Shown]) -> Viewable | None:
    """The pictures of a data set; None where nothing was restored."""
    lr = {entry.name: entry.lr for entry in prepared.test if entry.lr is not None}
    hr = {entry.name: entry.hr for entry in prepared.test if entry.hr is not None}
    restored = {
        each.key: (each.label, {name: path for name in lr if (path := each.images / f"{name}.png").is_file()}) for each in shown
    }
    restored = {key: found for key, found in restored.items() if found[1]}
    if not restored or not lr:
        return None
    return Viewable(
        id=prepared.card.id,
        dataset=prepared.card.id,
        scale=prepared.card.scale,
        images=tuple(lr),
        lr=lr,
        hr=hr or None,
        rows=restored,
        of=len(prepared.test),
    )


def per_image(project: Project, protocol: ResolvedProtocol, dataset: str, scores: pd.DataFrame) -> PerImage | None:
    """The values of every image, of rows with seeds both one by one and as their mean; None where there are none.

    Args:
        project: for cards.
        protocol: whose scores to use.
        dataset: its id.
        scores: as `read_scores` gives them.
    """
    rows = scores[(scores["protocol"] == protocol.id) & (scores["image"] != WHOLE_SET) & scores["value"].notna()]
    rows = rows[(rows["unavailable"] == "") & (rows["protocol_hash"] == protocol.hash)]
    if rows.empty:
        return None
    images = tuple(sorted(map(str, rows["image"].unique())))
    columns, values = [], {}
    for column in protocol.columns:
        of_column = rows[rows["metric"] == column.name]
        if of_column.empty:
            continue
        columns.append(site_column(project, column_of(column), []))
        values[column.name] = _values(of_column, images)
    return PerImage(dataset, protocol.id, images, tuple(columns), values)


def _values(rows: pd.DataFrame, images: Sequence[str]) -> Mapping[str, tuple[float, ...]]:
    table = rows.pivot_table(index="image", columns=["method", "variant", "seed"], values="value", aggfunc="first")
    table = table.reindex(list(images))
    seeds: dict[tuple[str, str], dict[int, NDArray[np.float64]]] = {}
    for at, row in enumerate(table.columns.to_frame().itertuples(index=False)):
        method, variant, seed = str(row[0]), str(row[1]), int(row[2])
        seeds.setdefault((method, variant), {})[seed] = table.iloc[:, at].to_numpy(dtype="float64")
    means = {f"{method}/{variant}": np.mean([*each.values()], axis=0) for (method, variant), each in seeds.items()}
    ones = {
        key_of(method, variant, seed, tuple(each)): values
        for (method, variant), each in seeds.items()
        for seed, values in each.items()
    }
    return {key: tuple(values.tolist()) for key, values in (ones | means).items()}
