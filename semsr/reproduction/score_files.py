"""The scores as `semsr score` wrote them: a row an image, seed and metric, and the rows that it left out."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from semsr.assets.missing import IN_SCORES, MissingFile, from_plain
from semsr.errors import SemsrError

COLUMNS = (
    "image",
    "metric",
    "value",
    "dataset",
    "method",
    "variant",
    "seed",
    "manifest",
    "cell",
    "picture",
    "protocol",
    "protocol_hash",
    "metric_id",
    "metric_version",
    "weights",
    "unavailable",
)
WHOLE_SET = "*"
"""Stands for the image in the one row of a metric that is of the whole set (FID, KID)."""
Row = tuple[str, str]
"""A method and a variant."""


def read_scores(path: Path, name: str, dataset: str) -> pd.DataFrame:
    """Read one `scores/<dataset>.parquet`.

    Args:
        path: the file.
        name: what errors call it.
        dataset: the data set it must be of.

    Raises:
        SemsrError: missing, unreadable, columns of another version, or rows of another data set.
    """
    again = f"run `semsr score {dataset}`"
    if path.is_dir():  # pandas would read whatever lies in it
        raise SemsrError(f"{name}: a folder stands where the file of scores belongs; move it away and {again}")
    try:
        scores = pd.read_parquet(path)
    except FileNotFoundError:
        raise SemsrError(
            f"{name}: no such file: {dataset} has not been scored; {again}, or `dvc repro` for everything"
        ) from None
    except (OSError, ValueError) as error:  # pyarrow's own errors are of these kinds
        raise SemsrError(
            f"{name}: not a readable parquet file ({' '.join(str(error).split())}); delete it and {again}"
        ) from None
    if missing := [column for column in COLUMNS if column not in scores.columns]:
        raise SemsrError(f"{name}: made by another version of semsr: no column {', '.join(missing)}; delete it and {again}")
    others = sorted(set(scores["dataset"]) - {dataset})
    if others:
        raise SemsrError(f"{name}: dataset: found {', '.join(map(str, others))}; must be {dataset}; delete it and {again}")
    return scores.fillna({"unavailable": "", "weights": "", "manifest": "", "cell": "", "picture": ""})


def read_missing(path: Path) -> dict[Row, tuple[MissingFile, ...]]:
    """The rows that `semsr score` left out for want of files from outside, each with what it lacks; none where it can't be read."""
    try:
        known = pq.read_schema(path).metadata or {}
        entries = json.loads(known.get(IN_SCORES, b"[]"))
    except (OSError, ValueError):  # pyarrow's own errors are of these kinds; `read_scores` says what is wrong
        return {}
    return {(entry["method"], entry["variant"]): from_plain(entry["files"]) for entry in entries}
