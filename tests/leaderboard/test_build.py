from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from semsr.errors import SemsrError
from semsr.leaderboard import build as building
from semsr.leaderboard.build import MARK, build
from semsr.leaderboard.model import Site
from semsr.leaderboard.pages import POLICY

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
LARGEST_PAGE = 6 * 2**20
VOID = {"meta", "link", "input", "img", "br", "hr", "source"}


class Page(HTMLParser):
    """What a page loads, where it leads, what ids it has, and what is amiss in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag not in VOID:
            self.open.append(tag)
        if given.get("id"):
            self.ids.append(given["id"] or "")
        for key in ("src", "data-src"):
            if given.get(key):
                self.loads.append(given[key] or "")
        if tag == "link" and given.get("href") != "data:,":
            self.loads.append(given["href"] or "")
        if tag == "a":
            self.leads.append(given["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def site_folder(small_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "site"
    build(small_site, out)
    return out


@pytest.fixture(scope="module")
def hostile_folder(make_site: Callable[..., Site], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every text of the site is hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    notes = f"{HOSTILE}\n\n[x](javascript:alert(1)) ![y](https://evil.example/p.png)"
    site = make_site(folder, labels=(HOSTILE,), text=HOSTILE, notes=notes, rows=3, images=2)
    tables = tuple(
        replace(
            table,
            introduction=f"`{HOSTILE}`",
            blocks=tuple(
                replace(
                    block,
                    label=HOSTILE,
                    remark=HOSTILE,
                    columns=tuple(replace(column, title=HOSTILE, unit=HOSTILE, how=HOSTILE) for column in block.columns),
                    rows=tuple(
                        replace(
                            row,
                            not_run=HOSTILE,
                            warnings=(HOSTILE,),
                            cells=tuple(replace(cell, published=HOSTILE, why=HOSTILE, more=(HOSTILE,)) for cell in row.cells),
                        )
                        for row in block.rows
                    ),
                )
                for block in table.blocks
            ),
        )
        for table in site.tables
    )
    pages = tuple(
        replace(page, title=HOSTILE, sections=((HOSTILE, ((HOSTILE, HOSTILE),)),), link="javascript:alert(1)", bibtex=HOSTILE)
        for page in site.pages
    )
    site = replace(site, title=HOSTILE, facts=((HOSTILE, HOSTILE),), warning=HOSTILE, tables=tables, pages=pages)
    build(site, folder / "site")
    return folder / "site"


def pages(folder: Path) -> Iterator[tuple[Path, Page]]:
    return ((path, Page(path)) for path in sorted(folder.glob("*.html")))


def test_every_kind_of_page_is_there(site_folder: Path) -> None:
    there = {path.name for path in site_folder.glob("*.html")}
    assert {"index.html", "values.html", "glossary.html", "pictures.html", "plots.html", "table-made-up.html"} <= there
    assert {"method-method-0.html", "dataset-set-1.html", "metric-psnr.html", "protocol-paper.html"} <= there
    assert {"methods.html", "datasets.html", "metrics.html", "protocols.html", "viewer-set-0.html"} <= there


def test_every_page_has_a_language_a_title_landmarks_and_one_heading(site_folder: Path) -> None:
    for path, page in pages(site_folder):
        tags = [tag for tag, _ in page.tags]
        assert ("html", {"lang": "en", "data-scheme": "system"}) in page.tags, path
        assert [tags.count(tag) for tag in ("title", "h1", "main", "header", "footer")] == [1] * 5, path
        assert len(page.ids) == len(set(page.ids)), path
        assert not page.open, path


def test_headings_skip_no_level(site_folder: Path) -> None:
    for path, page in pages(site_folder):
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1 and all(b - a <= 1 for a, b in itertools.pairwise(levels)), path


def test_nothing_is_loaded_from_elsewhere_and_all_of_it_is_there(site_folder: Path) -> None:
    for path, page in pages(site_folder):
        assert [given["content"] for tag, given in page.tags if given.get("http-equiv") == "Content-Security-Policy"] == [
            POLICY
        ]
        for address in page.loads:
            assert (site_folder / unquote(address)).is_file(), (path.name, address)
    assert "http" not in POLICY and "unsafe-eval" not in POLICY and "'unsafe-inline'" not in POLICY.split("style-src")[0]


def test_no_script_stands_inside_a_page(site_folder: Path) -> None:
    for path, page in pages(site_folder):
        assert all("src" in given for tag, given in page.tags if tag == "script"), path
        assert not [key for _, given in page.tags for key in given if key.startswith("on")], path


def test_links_lead_somewhere(site_folder: Path) -> None:
    for path, page in pages(site_folder):
        for address in page.leads:
            file, _, part = address.partition("#")
            if not address.startswith("https://"):
                assert not file or (site_folder / unquote(file)).is_file(), (path.name, address)
            if part and not file:
                assert part in page.ids, (path.name, address)


def test_downloads_are_as_given(site_folder: Path, small_site: Site) -> None:
    (table,) = small_site.tables
    for name, text in table.downloads.items():
        assert (site_folder / "downloads" / name).read_text() == text
    assert list(csv.reader((site_folder / "downloads" / "made-up.csv").open()))[1] == ["first", "1"]
    found = json.loads((site_folder / "downloads" / "made-up.json").read_text())
    assert [block["key"] for block in found["blocks"]] == [block.key for block in table.blocks]
    page = Page(site_folder / "table-made-up.html")
    named = {given["href"] for tag, given in page.tags if tag == "a" and "download" in given}
    assert named == {f"downloads/{name}" for name in (*table.downloads, "made-up.json")}


def test_a_table_names_the_choices_that_occur(site_folder: Path) -> None:
    page = Page(site_folder / "table-made-up.html")
    values = {given["value"] for tag, given in page.tags if tag == "option"}
    assert {"set-0", "set-1", "L0", "L3", "open", "non-commercial", "not-reproduced"} <= values and "L4" not in values


def test_hostile_texts_are_shown_and_do_nothing(hostile_folder: Path) -> None:
    for path, page in pages(hostile_folder):
        assert HOSTILE in page.text, path
        assert all(given.get("src", "").startswith(("assets/", "data/")) for tag, given in page.tags if tag == "script"), path
        assert not [1 for tag, given in page.tags if tag == "img" and given.get("src") == "x"], path
        assert not [key for _, given in page.tags for key in given if key.startswith("on")], path
        assert not [address for address in page.leads if address.lower().startswith(("javascript:", "data:"))], path
        assert "evil.example" not in " ".join(page.loads), path


def test_hostile_texts_in_data_are_no_markup(hostile_folder: Path) -> None:
    scripts = list((hostile_folder / "data").glob("*.js"))
    assert len(scripts) > 3
    for path in scripts:
        assert not re.search("[<>&]", path.read_text(encoding="utf-8")), path


def test_an_earlier_site_is_replaced_as_a_whole(small_site: Site, tmp_path: Path) -> None:
    out = tmp_path / "site"
    build(small_site, out)
    (out / "stale.html").write_text("old")
    build(small_site, out, pictures=1)
    assert not (out / "stale.html").exists() and (out / MARK).is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    assert len(list((out / "pictures" / "set-0").rglob("*.png"))) == 2 + len(small_site.viewables[0].rows)


def test_a_failure_leaves_the_earlier_site(small_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "site"
    build(small_site, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}

    def fail(*_: object) -> None:
        raise SemsrError("no room")

    monkeypatch.setattr(building, "write_plots", fail)
    with pytest.raises(SemsrError, match="no room"):
        build(small_site, out)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_what_a_killed_run_left_goes(small_site: Site, tmp_path: Path) -> None:
    left = tmp_path / ".site.99.abcdef01.partial"
    left.mkdir()
    (left / "index.html").write_text("half")
    build(small_site, tmp_path / "site", pictures=0)
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_nothing_but_a_site_is_ever_replaced(small_site: Site, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "mine"
    if kind == "folder":
        out.mkdir()
        (out / "thesis.tex").write_text("years of work")
    elif kind == "file":
        out.write_text("years of work")
    else:
        (tmp_path / "elsewhere").mkdir()
        out.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SemsrError, match="--out"):
        build(small_site, out)
    assert kind != "folder" or (out / "thesis.tex").read_text() == "years of work"
    assert not list(tmp_path.glob("*.partial"))


def test_the_working_folder_is_not_replaced(small_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site" / "below").mkdir(parents=True)
    (tmp_path / "site" / MARK).touch()
    monkeypatch.chdir(tmp_path / "site" / "below")
    for out in (Path(), Path(".."), tmp_path / "site"):
        with pytest.raises(SemsrError, match="working folder"):
            build(small_site, out)
    build(small_site, Path("../../other"), pictures=0)
    assert (tmp_path / "other" / "index.html").is_file()


def test_a_folder_that_can_not_be_made(small_site: Site) -> None:
    with pytest.raises(SemsrError, match=r"/proc/nowhere/site: .*--out"):
        build(small_site, Path("/proc/nowhere/site"))


def test_without_pictures_nothing_leads_to_them(small_site: Site, tmp_path: Path) -> None:
    built = build(small_site, tmp_path / "site", pictures=0)
    assert built.pictures == 0 and not list((tmp_path / "site").rglob("*.png"))
    for path, page in pages(tmp_path / "site"):
        assert not [address for address in page.leads if "viewer-" in address or "pictures.html" in address], path


@pytest.mark.slow
def test_a_large_site_has_small_pages(make_site: Callable[..., Site], tmp_path: Path) -> None:
    """200 methods on 20 data sets under 10 metrics: what one page loads at once stays under 6 MB."""
    site = make_site(tmp_path, rows=200, datasets=20, metrics=10, images=2, pictures=False)
    build(site, tmp_path / "site")
    for path, page in pages(tmp_path / "site"):
        at_once = [address for tag, given in page.tags for key in ("src",) if (address := given.get(key))]
        at_once += [given["href"] for tag, given in page.tags if tag == "link" and given["href"] != "data:,"]
        size = path.stat().st_size + sum((tmp_path / "site" / unquote(address)).stat().st_size for address in set(at_once))
        assert size < LARGEST_PAGE, (path.name, size)
