"""How long a large site takes to build and to open, and how large its pages are, beside the goals.

    python benchmarks/leaderboard.py [--methods 200 --datasets 20 --metrics 10 --images 100] [--chromium PATH]

The site is made up: no pictures, random values. A page counts as open when its first table is there; the page of plots shows its numbers
before the library that draws has started. Of three attempts the best counts, since other work on the machine only ever adds. The size is
that of everything a page loads of its own accord.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from semsr.leaderboard.build import build
from semsr.leaderboard.model import Cost, PerImage, Site, SiteBlock, SiteCell, SiteColumn, SitePage, SiteRow, SiteTable
from semsr.reproduction.verdict import Verdict

SECONDS = 2.0
BYTES = 6_000_000
OPEN = {
    "index.html": "main h1",
    "table-large.html": "#table-host tbody .cell",
    "values.html": "#values-host tbody td",
    "method-method-7.html": "main h1",
    "metric-metric-3.html": "main h1",
    "plots.html": "#plane tbody th",
}
"""Pages, and what is there once they are open."""


SETTLED = """() => document.readyState === 'complete'
  && (!document.querySelector('#plots') || document.querySelector('#plots[data-ready]'))"""


def large_site(methods: int, datasets: int, metrics: int, images: int) -> Site:
    """One table with that many rows in that many blocks with that many columns, and values for each image."""
    rng = np.random.default_rng(0)
    columns = tuple(
        SiteColumn(
            f"metric-{n}", f"metric-{n}", f"Metric {n}", "higher" if n % 2 else "lower", "", f"metric-{n}", 1, "made up", 4
        )
        for n in range(metrics)
    )
    keys = tuple(f"method-{n}/default" for n in range(methods))
    names = tuple(f"image-{n:04d}" for n in range(images))
    values = {n: rng.normal(0.5, 0.1, (metrics, methods, images)) for n in range(datasets)}
    blocks = tuple(_block(f"set-{n}", columns, keys, values[n]) for n in range(datasets))
    per_image = tuple(
        PerImage(
            f"set-{n}",
            "large",
            names,
            columns,
            {c.key: {key: tuple(values[n][i, j].tolist()) for j, key in enumerate(keys)} for i, c in enumerate(columns)},
        )
        for n in range(datasets)
    )
    table = SiteTable("large", "A large table", "real", "A paper", "paper", "large", "0" * 8, "Made up.", blocks)
    pages = (
        *(SitePage("method", key.partition("/")[0], key, (("licence", "MIT"),)) for key in keys),
        *(SitePage("dataset", block.key, block.label, (("images", str(images)),)) for block in blocks),
        *(SitePage("metric", column.page, column.title, (("version", "1"),)) for column in columns),
        SitePage("protocol", "large", "large", (("border", "0"),)),
    )
    return Site("Large", (("profile", "made up"),), (table,), pages, per_image)


def _block(name: str, columns: tuple[SiteColumn, ...], keys: tuple[str, ...], values: np.ndarray) -> SiteBlock:
    means, halves = values.mean(axis=2), 1.96 * values.std(axis=2) / values.shape[2] ** 0.5
    rows = []
    for j, key in enumerate(keys):
        cells = tuple(
            SiteCell(
                float(means[i, j]),
                f"{means[i, j]:.4f}",
                f"{means[i, j] + 0.01:.4f}",
                False,
                float(means[i, j] - halves[i, j]),
                float(means[i, j] + halves[i, j]),
                f"{values.shape[2]} images",
                verdict=Verdict("reproduced", "the difference is within the tolerance"),
                result_id="0123456789ab",
                status="ok",
            )
            for i in range(len(columns))
        )
        rows.append(
            SiteRow(
                key, f"Method {j}", key.partition("/")[0], "L2", "open", j == 0, 1, cells, Cost(0.01 * (j + 1), "cpu", 10**6)
            )
        )
    return SiteBlock(name, name, name, values.shape[2], columns, tuple(rows))


def opened(page: Page, address: str, ready: str) -> tuple[float, int]:
    """Seconds until `ready` is there, and bytes of all files that are loaded until no more is."""
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    start = time.monotonic()
    page.goto(address)
    page.wait_for_selector(ready, state="attached", timeout=60_000)
    seconds = time.monotonic() - start
    page.wait_for_function(SETTLED, timeout=60_000)
    files = {Path(url.removeprefix("file://").partition("#")[0]) for url in loaded if url.startswith("file://")}
    return seconds, sum(file.stat().st_size for file in files)


def measure(folder: Path, chromium: str, attempts: int = 3) -> Iterator[tuple[str, float, int]]:
    """Page, best seconds, bytes."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, ready in OPEN.items():
            best, size = float("inf"), 0
            for _ in range(attempts):
                page = browser.new_page()
                seconds, size = opened(page, (folder / name).as_uri(), ready)
                best = min(best, seconds)
                page.close()
            yield name, best, size
        browser.close()


def main() -> int:
    """Build, open, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("methods", 200), ("datasets", 20), ("metrics", 10), ("images", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
    asked = parser.parse_args()
    if not asked.chromium:
        print("error: no Chromium found: `make browser` installs Debian's; or name one with --chromium")
        return 2
    site = large_site(asked.methods, asked.datasets, asked.metrics, asked.images)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "site"
        built = build(site, folder)
        print(f"built {built.pages} pages, {built.size / 1e6:.1f} MB, in {built.seconds:.1f} s")
        print(f"{'page':28}{'seconds':>9}{'goal':>7}{'MB':>8}{'goal':>7}")
        met = True
        for name, seconds, size in measure(folder, asked.chromium):
            met &= seconds < SECONDS and size < BYTES
            print(f"{name:28}{seconds:9.2f}{SECONDS:7.1f}{size / 1e6:8.2f}{BYTES / 1e6:7.1f}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
