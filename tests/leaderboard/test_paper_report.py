"""The report of one paper: everything inside one file, everything escaped."""

from __future__ import annotations

import base64
import io
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semsr.errors import SemsrError, StorageError
from semsr.imaging.pictures import write_png
from semsr.leaderboard.crops import SIDE, busiest, strips
from semsr.leaderboard.model import Site, SiteBlock, SiteCell, SiteColumn, SitePage, SiteRow, SiteTable, Viewable
from semsr.leaderboard.paper_report import Seen, counted, render_report
from semsr.project import Project
from semsr.reproduction.claim import ClaimResult
from semsr.reproduction.verdict import Part, Tolerance, Verdict
from semsr.stages import paper_report

HOSTILE = "<script>alert(1)</script>"


def _verdict(kind: str, explained: str = "") -> Verdict:
    return Verdict(kind, "0.3 away, 0.005 allowed", Tolerance((Part("rounding", 0.005, "two decimals"),)), explained)  # type: ignore[arg-type]


@pytest.fixture
def site() -> Site:
    columns = (
        SiteColumn("psnr", "psnr", "PSNR", "higher", "dB", "psnr", 1, "PSNR", 2),
        SiteColumn("lpips", "lpips", "LPIPS", "lower", "", "lpips", 1, "LPIPS", 4),
    )
    right = SiteCell(25.151, "25.15", "25.15", verdict=_verdict("reproduced"), status="reproduced", result_id="0123456789ab")
    wrong = SiteCell(
        0.25, "0.2500", "0.3500", verdict=_verdict("not-reproduced"), status="reproduced", result_id="ba9876543210"
    )
    other = SiteCell(23.8, "23.80", "25.12", verdict=_verdict("other-protocol", "luma 16-235"), status="reproduced")
    absent = SiteCell(None, published="0.3000", verdict=_verdict("not-run"), why="not restored yet")
    rows = (
        SiteRow("a/default", HOSTILE, "a", "L2", "open", False, 0, (right, wrong)),
        SiteRow("b/default", "B", "b", "L2", "open", False, 0, (other, absent)),
        SiteRow(
            "bicubic/default",
            "Bicubic",
            "bicubic",
            "L2",
            "open",
            True,
            0,
            (SiteCell(float("inf"), "∞"), SiteCell(0.4, "0.4000")),
        ),
        SiteRow("published/C", "nobody's", "", "", "unknown", False, 0, (SiteCell(None), SiteCell(None))),
    )
    claim = ClaimResult("best", "A is best", True, "2 of 2", "fails", f"1 of 2 {HOSTILE}", ("PSNR: yes", "LPIPS: no"))
    table = SiteTable(
        "t1", "Table 1", "real", "P", "lite", "seesr", "abc", "words", (SiteBlock("d", "D", "d", 3, columns, rows),), (claim,)
    )
    page = SitePage("metric", "psnr", "PSNR", (("version", "1"), ("licence", HOSTILE)), notes="a *note*")
    method = SitePage("method", "a", "A", (), bibtex="@article{a}")
    return Site("S", (("version", "0.1"),), (table,), (page, method, SitePage("method", "b", "B", (), bibtex="@article{a}")))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_says_every_verdict_and_hides_none(site: Site) -> None:
    page = render_report(site, "Report", commands=("make repro",))
    assert counted(site.tables[0]) == {"reproduced": 1, "not-reproduced": 1, "other-protocol": 1, "not-run": 1}
    assert "Of 4 published values" in page
    for text in ("25.15", "0.3500", "luma 16-235", "∞", "ba9876543210", "make repro", "A is best"):
        assert text in page
    assert "nobody&#39;s" not in page, "a row without any value says nothing"
    assert page.count("@article{a}") == 1, "a paper is cited once"


def test_carries_everything_inside_and_runs_nothing(site: Site) -> None:
    page = render_report(site, HOSTILE)
    parser = _Tags()
    parser.feed(page)
    assert not [tag for tag, _ in parser.tags if tag in ("script", "link", "iframe", "object")]
    sources = [found for tag, attrs in parser.tags for name, found in attrs.items() if name in ("src", "href")]
    assert all(str(source).startswith(("#", "data:")) for source in sources)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_cuts_are_the_same_place_in_unchanged_pixels(site: Site, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    hr = np.full((200, 240, 3), 90, np.uint8)
    hr[60:190, 100:232] = rng.integers(0, 256, (130, 132, 3))
    sr = hr[..., ::-1].copy()
    for name, picture in (("hr", hr), ("sr", sr), ("lr", hr[::4, ::4])):
        write_png(tmp_path / f"{name}.png", picture)
    files = {name: {"x": tmp_path / f"{name}.png"} for name in ("lr", "hr", "sr")}
    seen = Viewable("d", "d", 4, ("x",), files["lr"], files["hr"], {"a/default": ("A", files["sr"])}, 1)
    (strip,) = strips(seen, 3)
    left, top, width, height = strip.place
    assert (width, height) == (SIDE, SIDE)
    assert left % 4 == top % 4 == 0
    assert 96 <= left <= 104
    assert 56 <= top <= 62
    assert [cut.label for cut in strip.cuts] == ["LR", "A", "HR"]
    read = [np.asarray(Image.open(io.BytesIO(base64.b64decode(cut.data.partition(",")[2])))) for cut in strip.cuts]
    assert (read[2] == hr[top : top + SIDE, left : left + SIDE]).all()
    assert (read[1] == sr[top : top + SIDE, left : left + SIDE]).all()
    assert (read[0] == hr[::4, ::4].repeat(4, 0).repeat(4, 1)[top : top + SIDE, left : left + SIDE]).all()
    assert render_report(site, "R", [Seen("D", (strip,))]).count("<img") == 3
    assert strips(seen, 0) == ()


@pytest.mark.parametrize("place", ["there", "file/x.html", "link.html"])
def test_a_place_that_can_t_be_written_is_one_line(place: str, project: Project, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link.html").symlink_to(tmp_path / "file")
    with pytest.raises(StorageError, match=place.split("/")[0]) as caught:
        paper_report.run(project, project.profile("lite"), ["sed-table1"], tmp_path / place)
    assert "\n" not in str(caught.value) and "partial" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "mine"


def test_an_unknown_table_is_one_line(project: Project) -> None:
    with pytest.raises(
        SemsrError, match=r"^nothing: no table or paper of profile lite; allowed: .*2402\.19387.*lite-sed-table1"
    ):
        paper_report.run(project, project.profile("lite"), ["nothing"])


def test_a_picture_smaller_than_a_cut_is_shown_whole() -> None:
    assert busiest(np.zeros((40, 60, 3), np.uint8), SIDE, 4) == (0, 0)
