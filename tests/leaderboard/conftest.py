"""Sites that are made up, with pictures that are drawn: small ones to look at every page, large ones to time them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semsr.leaderboard.model import (
    Cost,
    PerImage,
    Site,
    SiteBlock,
    SiteCell,
    SiteColumn,
    SitePage,
    SiteRow,
    SiteTable,
    Viewable,
)
from semsr.reproduction.claim import ClaimResult
from semsr.reproduction.verdict import Part, Tolerance, Verdict, VerdictKind

METRICS = (
    ("psnr", "PSNR", "higher", "dB", 2, 26.0, 2.0),
    ("ssim", "SSIM", "higher", "", 4, 0.75, 0.05),
    ("lpips", "LPIPS", "lower", "", 4, 0.30, 0.05),
    ("dists", "DISTS", "lower", "", 4, 0.22, 0.03),
)
"""Name, title, direction, unit, decimals, and around which mean and spread values are drawn."""

VERDICTS: tuple[VerdictKind, ...] = (
    "reproduced",
    "within-noise",
    "other-protocol",
    "not-reproduced",
    "not-comparable",
    "not-run",
)


@dataclass(frozen=True)
class Wanted:
    """How large a made-up site is, and what its rows and texts are called."""

    rows: int = 6
    datasets: int = 2
    metrics: int = 4
    images: int = 5
    pictures: bool = True
    labels: tuple[str, ...] = ()
    text: str = "Made up for a test."
    notes: str = "Values depend on the **colour matrix**."
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))


@pytest.fixture(scope="session")
def make_site() -> Callable[..., Site]:
    """A site of the wanted size: `make_site(folder, rows=6, ...)`; pictures are written below `folder`."""

    def make(folder: Path, **wanted: object) -> Site:
        return _site(folder, Wanted(**wanted))  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def small_site(make_site: Callable[..., Site], tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Two data sets, six rows, four metrics, five images with pictures."""
    return make_site(tmp_path_factory.mktemp("pictures"))


def _site(folder: Path, wanted: Wanted) -> Site:
    columns = tuple(_column(number) for number in range(wanted.metrics))
    keys = tuple(f"method-{number}/default" for number in range(wanted.rows))
    datasets = tuple(f"set-{number}" for number in range(wanted.datasets))
    images = tuple(f"image-{number:03d}" for number in range(wanted.images))
    values = {dataset: _values(wanted, columns, keys) for dataset in datasets}
    per_image = tuple(PerImage(name, "paper", images, columns, values[name]) for name in datasets)
    viewables = _viewables(folder, wanted, datasets, images, keys) if wanted.pictures else ()
    blocks = tuple(_block(wanted, name, columns, keys, values[name], bool(viewables)) for name in datasets)
    claim = ClaimResult(
        "first", f"Row 1 is best. {wanted.text}", True, "4 of 4 columns", "not-resolved", "2 of 4 columns", ("PSNR: tied",)
    )
    table = SiteTable(
        id="made-up",
        title=f"Table 1: {wanted.text}",
        track="classical",
        paper=wanted.text,
        profile="lite",
        protocol="paper",
        protocol_hash="0123456789abcdef",
        introduction=wanted.text,
        blocks=blocks,
        claims=(claim,),
        notes=(wanted.text,),
        downloads={
            "made-up.csv": "row,value\nfirst,1\n",
            "made-up.tex": "\\begin{tabular}{l}a\\end{tabular}\n",
            "made-up.md": "| a |\n",
            "made-up.bib": "@article{a}\n",
        },
    )
    pages = (
        *(
            SitePage(
                "method",
                key.partition("/")[0],
                _label(wanted, number),
                (("licence", "MIT"),),
                wanted.notes,
                wanted.text,
                "@article{a}",
            )
            for number, key in enumerate(keys)
        ),
        *(SitePage("dataset", name, name, (("images", str(wanted.images)),), wanted.notes) for name in datasets),
        *(
            SitePage("metric", column.page, column.title, (("version", "1"), ("definition", wanted.text)), wanted.notes)
            for column in columns
        ),
        SitePage("protocol", "paper", "paper", (("luma", "16-235"),), wanted.notes),
    )
    return Site(
        "Made-up leaderboard",
        (("version", "0.0.0"), ("profile", "lite"), ("date", "2026-01-01")),
        (table,),
        pages,
        per_image,
        viewables,
    )


def _column(number: int) -> SiteColumn:
    name, title, direction, unit, decimals, _, _ = METRICS[number % len(METRICS)]
    again = number // len(METRICS)
    key = f"{name}-{again}" if again else name
    return SiteColumn(key, key, f"{title} {again}" if again else title, direction, unit, key, 1, "as made up", decimals)  # type: ignore[arg-type]


def _label(wanted: Wanted, number: int) -> str:
    return wanted.labels[number % len(wanted.labels)] if wanted.labels else f"Method {number}"


def _values(wanted: Wanted, columns: tuple[SiteColumn, ...], keys: tuple[str, ...]) -> dict[str, dict[str, tuple[float, ...]]]:
    """Images differ more than rows do; higher-is-better columns rise and lower-is-better ones fall along the rows."""
    made: dict[str, dict[str, tuple[float, ...]]] = {}
    for number, column in enumerate(columns):
        _, _, direction, _, _, mean, spread = METRICS[number % len(METRICS)]
        hard = wanted.rng.normal(0, spread, wanted.images)
        sign = 1 if direction == "higher" else -1
        made[column.key] = {
            key: tuple((mean + hard + sign * spread * 0.3 * row + wanted.rng.normal(0, spread / 5, wanted.images)).tolist())
            for row, key in enumerate(keys)
        }
    return made


def _block(
    wanted: Wanted,
    dataset: str,
    columns: tuple[SiteColumn, ...],
    keys: tuple[str, ...],
    values: dict[str, dict[str, tuple[float, ...]]],
    viewer: bool,
) -> SiteBlock:
    verdicts = itertools.cycle(VERDICTS)
    rows = []
    for number, key in enumerate(keys):
        cells = tuple(
            _cell(column, values[column.key][key], next(verdicts), best=number == len(keys) - 1) for column in columns
        )
        cost = Cost(0.02 * 3**number, "cpu", 10 ** (5 + number % 4), 0.5 + number / 4)
        rows.append(
            SiteRow(
                key,
                _label(wanted, number),
                key.partition("/")[0],
                f"L{number % 4}",
                ("open", "non-commercial", "unknown")[number % 3],
                number == 0,
                1,
                cells,
                cost,
            )
        )
    return SiteBlock(dataset, dataset, dataset, wanted.images, columns, tuple(rows), wanted.text, dataset if viewer else "")


def _cell(column: SiteColumn, values: tuple[float, ...], kind: VerdictKind, best: bool) -> SiteCell:
    mean, half = float(np.mean(values)), 1.96 * float(np.std(values, ddof=1)) / len(values) ** 0.5
    tolerance = Tolerance(
        (Part("rounding", 0.5 * 10.0**-column.decimals, "the printed digits"), Part("metric", 0.002 * mean, "declared"))
    )
    offset = {"reproduced": 0.0, "within-noise": 1.1, "not-reproduced": 4.0}.get(kind, 2.0) * tolerance.whole
    verdict = Verdict(kind, "made up", tolerance)
    return SiteCell(
        mean,
        f"{mean:.{column.decimals}f}",
        f"{mean + offset:.{column.decimals}f}",
        kind == "not-comparable",
        mean - half,
        mean + half,
        f"{len(values)} images",
        best,
        not best,
        "a",
        verdict,
        "0123456789ab",
        "ok",
    )


def _viewables(
    folder: Path, wanted: Wanted, datasets: tuple[str, ...], images: tuple[str, ...], keys: tuple[str, ...]
) -> tuple[Viewable, ...]:
    made = []
    for dataset in datasets:
        sources = {
            name: {image: folder / dataset / name.replace("/", "-") / f"{image}.png" for image in images}
            for name in ("lr", "hr", *keys)
        }
        for image in images:
            hr = _drawing(wanted.rng)
            _save(sources["hr"][image], hr)
            _save(sources["lr"][image], hr.reshape(32, 4, 24, 4, 3).mean((1, 3)))
            for number, key in enumerate(keys):
                _save(sources[key][image], hr + wanted.rng.normal(0, 4 * (1 + number), hr.shape))
        rows = {key: (_label(wanted, number), sources[key]) for number, key in enumerate(keys)}
        made.append(Viewable(dataset, dataset, 4, images, sources["lr"], sources["hr"], rows, len(images) + 3))
    return tuple(made)


def _drawing(rng: np.random.Generator) -> np.ndarray:
    """A picture of 128 x 96 pixels with slopes and an edge."""
    down, right = np.mgrid[0:128, 0:96]
    slope = np.stack([down * 1.5, right * 2.0, 255 - down], axis=-1)
    angle = rng.uniform(0, np.pi)
    edge = (np.cos(angle) * (down - 64) + np.sin(angle) * (right - 48) > 0)[..., None]
    return np.where(edge, slope, 255 - slope)


def _save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(np.round(pixels), 0, 255).astype(np.uint8)).save(path)
