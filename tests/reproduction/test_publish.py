"""The site of the small project whose scores tests make up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from semsr.errors import SemsrError
from semsr.evaluation.lints.finding import Finding
from semsr.evaluation.lints.store import write_lints
from semsr.leaderboard.collect import collect
from semsr.leaderboard.model import Site, SiteCell, SiteRow, SiteTable
from semsr.places import ROOT_VARIABLE
from semsr.stages import publish

RUN = {
    "passport": "0a1b2c3d4e5f",
    "seconds_per_image": 1.5,
    "device": "cpu",
    "peak_memory_bytes": 3 * 2**29,
    "parameters": 1000,
}


def _pictures(folder: Path, names: str, side: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.fromarray(np.zeros((side, side, 3), dtype="uint8")).save(folder / f"{name}.png")


@pytest.fixture
def published(scored: Any) -> Any:
    """The project with pictures, one cell that was restored, and what a lint said of it."""
    for dataset in ("alpha", "photos"):
        _pictures(scored.root / "data" / dataset / "lr", "abc", 8)
        _pictures(scored.root / "data" / dataset / "hr", "abc", 32)
    scored.save("full")
    scored.save("lite")
    for cell in ("default", "wide@1"):
        folder = scored.root / "results/full/cells/alpha/network" / cell
        _pictures(folder / "images", "abc", 32)
        (folder / "run.json").write_text(json.dumps(RUN))
    found = {
        ("network", "default", 0): [Finding("shift", "warning", "'a' is shifted"), Finding("size", "info", "good to know")],
        ("network", "wide", 1): [Finding("jpeg", "error", "'b' has traces of JPEG")],
    }
    write_lints(scored.root / "results/full/lints/alpha.json", "alpha", found)
    (scored.root / "requirements").mkdir(exist_ok=True)
    (scored.root / "requirements/lock.txt").write_text("numpy==2\n")
    return scored


def site_of(house: Any, profile: str) -> Site:
    card = house.project.profile(profile)
    return collect(house.project, card, publish.sources(house.project, card))


def row_of(table: SiteTable, dataset: str, label: str) -> SiteRow:
    (block,) = (block for block in table.blocks if block.dataset == dataset)
    (row,) = (row for row in block.rows if row.label == label)
    return row


def cell_of(table: SiteTable, dataset: str, label: str, column: str) -> SiteCell:
    (block,) = (block for block in table.blocks if block.dataset == dataset)
    at = [found.key for found in block.columns].index(column)
    return row_of(table, dataset, label).cells[at]


def test_cells_hold_both_values(published: Any) -> None:
    (table,) = site_of(published, "full").tables
    old = cell_of(table, "alpha", "Old", "psnr")
    assert (old.value, old.text, old.published) == (pytest.approx(30.01), "30.01", "30.00")
    assert old.low is not None and old.low < 30.01 < old.high and old.interval_over == "3 images"
    assert old.result_id and old.verdict is not None and not old.published_is_elsewhere
    assert cell_of(table, "alpha", "Older", "lpips").published == "–"
    assert cell_of(table, "alpha", "Bicubic", "psnr").published == ""


def test_what_is_only_published_is_a_row_too(published: Any) -> None:
    (table,) = site_of(published, "full").tables
    older = row_of(table, "alpha", "Older")
    assert (older.key, older.trust, older.page, older.licence_policy) == ("published/Older", "L0", "", "unknown")
    assert [cell.published for cell in row_of(table, "beta", "New").cells] == ["21.5"]
    assert cell_of(table, "beta", "New", "psnr").value is None


def test_the_order_of_rows_is_compared_with_the_printed_one(published: Any) -> None:
    """Printed: Old 30.00, New 30.10; ours: Old 30.01, New 30.006."""
    (table,) = site_of(published, "full").tables
    assert "PSNR −1.00" in table.blocks[0].remark and "over 2 rows" in table.blocks[0].remark


def test_values_of_other_pictures_are_marked(published: Any) -> None:
    lite = {table.id: table for table in site_of(published, "lite").tables}["lite-table"]
    cell = cell_of(lite, "photos", "Old", "psnr")
    assert cell.published == "30.00" and cell.published_is_elsewhere


def test_rows_have_costs_warnings_and_seeds(published: Any) -> None:
    (table,) = site_of(published, "full").tables
    old, new = row_of(table, "alpha", "Old"), row_of(table, "alpha", "New")
    assert (old.cost.seconds, old.cost.device, old.cost.parameters, old.cost.memory_gib) == (1.5, "cpu", 1000, 1.5)
    assert old.warnings == ("'a' is shifted",)
    assert new.warnings == ("seed 1: 'b' has traces of JPEG",)
    assert (old.seeds, new.seeds) == (0, 1)
    assert row_of(table, "alpha", "Bicubic").cost.seconds is None


def test_pictures_and_their_values_go_by_the_same_keys(published: Any) -> None:
    site = site_of(published, "full")
    (seen,) = site.viewables
    assert (seen.dataset, seen.images, seen.of) == ("alpha", ("a", "b", "c"), 3)
    assert set(seen.rows) == {"network/default", "network/wide@1"}
    (values,) = site.per_image
    assert values.values["psnr"]["network/default"] == (30, 30, 30.03)
    assert set(seen.rows) <= set(values.values["psnr"])
    assert values.values["psnr"]["network/wide"] == values.values["psnr"]["network/wide@1"]
    assert site.tables[0].blocks[0].viewer == "alpha" and site.tables[0].blocks[1].viewer == ""


def test_every_link_of_a_table_has_a_page(published: Any) -> None:
    site = site_of(published, "full")
    there = {(page.kind, page.id) for page in site.pages}
    assert there == {
        ("method", "network"),
        ("method", "plain"),
        ("dataset", "alpha"),
        ("metric", "psnr"),
        ("metric", "lpips"),
        ("protocol", "way"),
    }


def test_only_a_profile_that_reproduces_goes_without_a_warning(published: Any) -> None:
    assert site_of(published, "full").warning == ""
    assert "Nothing of profile lite is a reproduction" in site_of(published, "lite").warning


def test_downloads_are_the_files_of_tabulate(published: Any) -> None:
    from semsr.stages import tabulate

    tabulate.run(published.project, published.project.profile("full"))
    (table,) = site_of(published, "full").tables
    for suffix in ("csv", "tex", "md"):
        name = f"paper-table.{suffix}"
        assert table.downloads[name] == (published.root / "results/tables" / name).read_text()


def test_the_command_writes_a_site_without_torch(published: Any, tmp_path: Path) -> None:
    out = tmp_path / "out" / "site"
    code = (
        "import sys\nfrom semsr.cli import app\n"
        f"app(['publish', '--profile', 'full', '--out', {str(out)!r}, '--pictures', '2'], standalone_mode=False)\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules), 'torch was imported'\n"
    )
    environment = {ROOT_VARIABLE: str(published.root), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "out/site/index.html: " in done.stdout and " pages, " in done.stdout
    assert (out / "table-paper-table.html").is_file()
    pictures = sorted({path.stem for path in (out / "pictures").rglob("*.png")})
    assert len(pictures) == 2
    foot = (out / "index.html").read_text().split("<footer>")[1]
    assert all(f"<dt>{name}</dt>" in foot for name in ("SemSR-Bench", "profile", "date", "environment", "lock"))
    assert "<dt>machines</dt><dd>0a1b2c3d4e5f</dd>" in foot


@pytest.mark.parametrize("text, count", [("all", None), ("none", 0), ("12", 12), ("0", 0)])
def test_how_many_pictures(text: str, count: int | None) -> None:
    assert publish.count_of(text) == count


@pytest.mark.parametrize("text", ["-1", "", "many", "1.5", "²"])
def test_no_number_of_pictures(text: str) -> None:
    with pytest.raises(SemsrError, match=r"--pictures: found .*; allowed: a number, all, none"):
        publish.count_of(text)


def test_what_was_not_scored_is_an_error_unless_told_to_go_on(house: Any) -> None:
    profile = house.project.profile("full")
    with pytest.raises(SemsrError, match="semsr score alpha"):
        publish.sources(house.project, profile)
    site = collect(house.project, profile, publish.sources(house.project, profile, keep_going=True))
    assert cell_of(site.tables[0], "alpha", "Old", "psnr").published == "30.00"
    assert not site.viewables and not site.per_image


def test_a_broken_record_stops_nothing(published: Any) -> None:
    for text in ("{", "[]", '{"seconds_per_image": "fast", "peak_memory_bytes": -1, "parameters": true}'):
        (published.root / "results/full/cells/alpha/network/default/run.json").write_text(text)
        (table,) = site_of(published, "full").tables
        cost = row_of(table, "alpha", "Old").cost
        assert (cost.seconds, cost.memory_gib, cost.parameters) == (None, None, None)
