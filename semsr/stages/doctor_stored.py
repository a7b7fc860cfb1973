"""What canaries gave on the machine of whoever wrote it down: `canaries/metrics.json` and `canaries/methods/`, kept with the project."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semsr.errors import SemsrError
from semsr.files import write_atomic
from semsr.imaging.pictures import Rgb, encode_png, read_rgb
from semsr.project import Project

Values = Mapping[str, float | None]
"""A metric's values by `<harm>/<canary>`, or `<harm>/*` for a metric of the whole set; None where it has no value."""
AGAIN = "run `semsr doctor --write` on a machine you trust"


@dataclass(frozen=True)
class Maker:
    """What computed stored values.

    Attributes:
        passport: the machine's id.
        hardware: its processor or graphics card with what it computes by, in words: equal ones say nothing about machines' noise.
        weights: SHA-256 of the weights' files, joined by "+"; empty without.
    """

    passport: str
    hardware: str
    weights: str


@dataclass(frozen=True)
class StoredColumn:
    """What one way of measuring gave."""

    metric: str
    maker: Maker
    values: Values


@dataclass(frozen=True)
class StoredPicture:
    """What one row made of the LR canary."""

    maker: Maker
    picture: Rgb


def metrics_file(project: Project) -> Path:
    """Where values of metrics are kept."""
    return project.root / "canaries" / "metrics.json"


def methods_file(project: Project) -> Path:
    """Where it is kept what made the pictures of methods, which lie beside it."""
    return project.root / "canaries" / "methods.json"


def read_metrics(project: Project) -> tuple[dict[str, str], dict[str, StoredColumn]]:
    """SHA-256 of the canaries by name, and what each column gave by its key; both empty where nothing is stored.

    Raises:
        SemsrError: the file is damaged.
    """
    path = metrics_file(project)
    plain = _read(project, path)
    try:
        columns = {
            key: StoredColumn(
                str(entry["metric"]),
                _maker(entry),
                {name: None if value is None else float(value) for name, value in entry["values"].items()},
            )
            for key, entry in plain.get("columns", {}).items()
        }
        pictures = {str(name): str(sha256) for name, sha256 in plain.get("pictures", {}).items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged(project, path, error) from None
    return pictures, columns


def write_metrics(project: Project, pictures: Mapping[str, str], columns: Mapping[str, StoredColumn]) -> Path:
    """Write both, sorted. Raises: StorageError."""
    plain = {
        "pictures": dict(sorted(pictures.items())),
        "columns": {
            key: {
                "metric": column.metric,
                **vars(column.maker),
                "values": {name: _plain(value) for name, value in sorted(column.values.items())},
            }
            for key, column in sorted(columns.items())
        },
    }
    path = metrics_file(project)
    write_atomic(path, json.dumps(plain, indent=1) + "\n")
    return path


def read_methods(project: Project) -> tuple[str, dict[str, StoredPicture]]:
    """SHA-256 of the LR canary ("" where nothing is stored), and what each row made of it by `<method>/<variant>`.

    Raises:
        SemsrError: a file is damaged or missing.
    """
    path = methods_file(project)
    plain = _read(project, path)
    try:
        makers = {str(row): _maker(entry) for row, entry in plain.get("rows", {}).items()}
        lr = str(plain.get("lr", ""))
    except (AttributeError, KeyError, TypeError) as error:
        raise _damaged(project, path, error) from None
    return lr, {row: StoredPicture(maker, read_rgb(_picture(project, row))) for row, maker in makers.items()}


def write_methods(project: Project, lr: str, rows: Mapping[str, StoredPicture]) -> Path:
    """Write the pictures, then the file that names them; pictures of rows that are gone are deleted. Raises: StorageError."""
    for row, stored in rows.items():
        write_atomic(_picture(project, row), encode_png(stored.picture))
    path = methods_file(project)
    plain = {"lr": lr, "rows": {row: vars(stored.maker) for row, stored in sorted(rows.items())}}
    write_atomic(path, json.dumps(plain, indent=1) + "\n")
    kept = {_picture(project, row) for row in rows}
    for stray in set((path.parent / "methods").glob("*.png")) - kept:
        stray.unlink()
    return path


def _picture(project: Project, row: str) -> Path:
    method, _, variant = row.partition("/")
    return project.root / "canaries" / "methods" / f"{method}@{variant}.png"


def _maker(entry: Mapping[str, Any]) -> Maker:
    return Maker(str(entry["passport"]), str(entry["hardware"]), str(entry["weights"]))


def _plain(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)


def _read(project: Project, path: Path) -> dict[str, Any]:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _damaged(project, path, error) from None
    if not isinstance(plain, dict):
        raise _damaged(project, path, TypeError(f"found a {type(plain).__name__}, must be an object"))
    return plain


def _damaged(project: Project, path: Path, error: Exception) -> SemsrError:
    return SemsrError(
        f"{project.show(path)}: not readable as stored values ({type(error).__name__}: {error}); get it from the project again, or {AGAIN}"
    )
