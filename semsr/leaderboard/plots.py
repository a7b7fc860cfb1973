"""The page of plots: what is drawn for each data set of each table, as data files beside it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path

from semsr.errors import SemsrError
from semsr.files import write_atomic
from semsr.leaderboard.data import data_script
from semsr.leaderboard.figures import Region, pareto_front, printed_number, region
from semsr.leaderboard.model import Site, SiteBlock, SiteCell, SiteColumn, SiteTable
from semsr.leaderboard.per_image_files import PerImageFile, column_data, write_per_image
from semsr.leaderboard.viewer import viewer_pages
from semsr.reproduction.verdict import SAID

PAGE = "plots.html"
FIDELITY = ("psnr", "ssim")
PERCEPTION = ("lpips", "dists", "niqe", "fid")
"""Columns that the perception-distortion plane starts with, the first that is there; any two can be chosen."""


def write_plots(site: Site, out: Path, render: Callable[[str, Mapping[str, object]], str]) -> None:
    """Write the page of plots, a data file for each data set of each table, and the library that draws.

    Args:
        site: what to show.
        out: a fresh folder for the site.
        render: renders `plots.html`.

    Raises:
        SemsrError: the installed plotly brings no script.
        StorageError: the disk is full or can't be written.
    """
    files = write_per_image(site, out)
    pages = viewer_pages(site)
    groups = []
    numbers = itertools.count(1)
    for table in site.tables:
        entries = []
        for block in table.blocks:
            key = f"plots-{next(numbers)}"
            content = _content(table, block, files, pages)
            write_atomic(out / "data" / f"{key}.js", data_script(key, content), durable=False)
            entries.append({"key": key, "src": f"data/{key}.js", "label": block.label, "name": f"{table.id}/{block.key}"})
        if entries:
            groups.append({"title": table.title, "entries": entries})
    write_atomic(out / "assets" / "plotly.min.js", _plotly(), durable=False)
    write_atomic(out / PAGE, render("plots.html", {"title": "Plots", "page": PAGE, "groups": groups}), durable=False)


def _plotly() -> bytes:
    script = resources.files("plotly").joinpath("package_data", "plotly.min.js")
    try:
        return script.read_bytes()
    except OSError:
        raise SemsrError(
            "plotly/package_data/plotly.min.js: no such file in the installed plotly; install the one of requirements/lock.txt"
        ) from None


def _content(table: SiteTable, block: SiteBlock, files: Sequence[PerImageFile], pages: Mapping[str, str]) -> dict[str, object]:
    columns = block.columns
    images = next(
        (file for file in files if (file.values.dataset, file.values.protocol) == (block.dataset, table.protocol)), None
    )
    regions = [_region(columns, row.key, images) for row in block.rows]
    return {
        "table": table.title,
        "label": block.label,
        "columns": [column_data(column) for column in columns],
        "start": _start(columns),
        "said": SAID,
        "rows": [
            {
                "key": row.key,
                "label": row.label,
                "trust": row.trust,
                "sanity": row.sanity,
                "cost": {
                    "seconds": row.cost.seconds,
                    "device": row.cost.device,
                    "parameters": row.cost.parameters,
                    "memory": row.cost.memory_gib,
                },
                "cells": [_cell(cell) for cell in row.cells],
                "region": None if found is None else {"count": found[0], "half": found[1], "correlation": found[2]},
            }
            for row, found in zip(block.rows, regions, strict=True)
        ],
        "fronts": _fronts(block),
        "images": images.reference if images else None,
        "viewer": pages.get(block.viewer, ""),
    }


def _cell(cell: SiteCell) -> list[object]:
    """A list, in the order that `static/plots.js` expects: names at each of thousands of cells would double the file."""
    verdict = cell.verdict
    return [
        cell.value,
        cell.low,
        cell.high,
        cell.text,
        cell.published,
        printed_number(cell.published),
        verdict.kind if verdict else None,
        verdict.tolerance.whole if verdict and verdict.tolerance else None,
    ]


def _region(
    columns: Sequence[SiteColumn], row: str, file: PerImageFile | None
) -> tuple[int, list[float | None], list[list[float]]] | None:
    """The region of a row over those columns that have per-image values, in the order of `columns`; None for the others' half widths."""
    if file is None:
        return None
    given = {number: file.values.values.get(column.key, {}).get(row, ()) for number, column in enumerate(columns)}
    there = {number: values for number, values in given.items() if values}
    found: Region | None = region(list(there.values()))
    if found is None:
        return None
    place = {number: at for at, number in enumerate(there)}
    half = [_shown(found.half[place[number]]) if number in place else None for number in range(len(columns))]
    correlation = [
        [round(found.correlation[place[a]][place[b]], 3) if a in place and b in place else 0.0 for b in range(len(columns))]
        for a in range(len(columns))
    ]
    return found.count, half, correlation


def _shown(value: float) -> float:
    """A number with five significant digits, which is what a plot can show."""
    return float(f"{value:.5g}")


def _fronts(block: SiteBlock) -> dict[str, list[int]]:
    """For each two columns, the rows that no other beats in both; rows that check the set-up do not compete."""
    columns = [[None if row.sanity else row.cells[number].value for row in block.rows] for number in range(len(block.columns))]
    higher = [column.direction == "higher" for column in block.columns]
    return {
        f"{a},{b}": pareto_front(columns[a], columns[b], (higher[a], higher[b]))
        for a, b in itertools.combinations(range(len(columns)), 2)
    }


def _start(columns: Sequence[SiteColumn]) -> dict[str, int]:
    """The columns that plots start with: a distortion and a perceptual one, where there are such."""
    names = [column.name for column in columns]
    x = next((names.index(name) for name in FIDELITY if name in names), 0)
    y = next((names.index(name) for name in PERCEPTION if name in names), min(1, len(names) - 1))
    return {"x": x, "y": y}
