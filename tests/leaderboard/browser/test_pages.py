"""What holds of every page: it is whole, asks nobody, fits the screen, and can be read by everybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from semsr.leaderboard.build import build

pytest.importorskip("playwright")
axe_package = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

KINDS = (
    "index.html",
    "glossary.html",
    "values.html",
    "pictures.html",
    "table-made-up.html",
    "methods.html",
    "method-method-1.html",
    "dataset-set-0.html",
    "metric-psnr.html",
    "protocol-paper.html",
    "viewer-set-0.html",
    "viewer-set-0.html#mode=slider",
    "viewer-set-0.html#mode=blink",
    "viewer-set-0.html#mode=difference",
    "plots.html",
)
"""One page of every kind; the viewer in every mode."""

HOSTILE = "<script>window.hit=1</script><img src=x onerror=window.hit=2>\"'&lt;b&gt;</script>{{7*7}}"
HOSTILE_NOTES = (
    "[a](javascript:window.hit=3) ![b](https://example.org/x.png) <script>window.hit=4</script>\n\n"
    "<img src=x onerror='window.hit=5'>\n\n[c](data:text/html,<script>window.hit=6</script>)"
)
SETTLED = """() => {
  const viewer = document.querySelector('#viewer'), plots = document.querySelector('#plots');
  return document.readyState === 'complete' && (!viewer || viewer.dataset.ready) && (!plots || plots.dataset.ready);
}"""


def _open(watched, address: str):
    page = watched.open(address)
    page.wait_for_function(SETTLED)
    return page


def _open_everything(page) -> None:
    page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")


def _axe(page) -> list[str]:
    """What axe calls serious or critical, a line each."""
    found = axe_package.Axe().run(page, options={"preload": False}).response["violations"]
    return [
        f"{page.url.rpartition('/')[2]}: {one['id']}: {one['help']}: {json.dumps([node['target'] for node in one['nodes']][:4])}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(watch: Callable, small_built: Path, scheme: str) -> None:
    watched = watch(small_built, color_scheme=scheme, reduced_motion="reduce")
    problems = []
    for address in KINDS:
        page = _open(watched, address)
        _open_everything(page)
        problems += _axe(page)
    assert problems == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1280, 3840])
def test_no_page_scrolls_sideways(watch: Callable, small_built: Path, width: int) -> None:
    watched = watch(small_built, viewport={"width": width, "height": 800})
    wide = []
    for address in KINDS:
        page = _open(watched, address)
        _open_everything(page)
        if (found := page.evaluate("() => document.documentElement.scrollWidth")) > width:
            wide.append((address, found))
    assert wide == []


@pytest.mark.slow
def test_every_link_leads_to_something(small_built: Path, watch: Callable) -> None:
    watched = watch(small_built)
    missing = []
    for path in sorted(small_built.glob("*.html")):
        page = _open(watched, path.name)
        links = page.eval_on_selector_all("a[href]", "all => all.map(one => one.href)")
        for link in links:
            bare = link.partition("#")[0]
            if bare.startswith("file:") and not (small_built / bare.removeprefix(small_built.as_uri() + "/")).is_file():
                missing.append((path.name, link))
    assert missing == []


def test_hostile_texts_do_nothing(watch: Callable, make_site: Callable, tmp_path: Path) -> None:
    site = make_site(tmp_path / "pictures", rows=2, datasets=1, images=3, labels=(HOSTILE,), text=HOSTILE, notes=HOSTILE_NOTES)
    build(site, tmp_path / "site")
    watched = watch(tmp_path / "site")
    for path in sorted((tmp_path / "site").glob("*.html")):
        page = _open(watched, path.name)
        _open_everything(page)
        assert page.evaluate("() => window.hit") is None, path.name
        assert page.evaluate("() => [...document.images].every(one => !one.src.startsWith('http'))"), path.name
        links = page.eval_on_selector_all("a[href]", "all => all.map(one => one.protocol)")
        assert set(links) <= {"file:", "http:", "https:"}, path.name
    _open(watched, "plots.html")
    assert "<script>window.hit=1</script>" in watched.page.locator("#plane").inner_text()
    viewer = _open(watched, "viewer-set-0.html")
    assert HOSTILE in viewer.locator(".pane select").first.locator("option").all_inner_texts()


def test_a_download_gives_the_file(watch: Callable, small_built: Path, small_site) -> None:
    page = _open(watch(small_built), "table-made-up.html")
    for name, text in small_site.tables[0].downloads.items():
        with page.expect_download() as waiting:
            page.locator(f"a[download='{name}']").click()
        assert waiting.value.suggested_filename == name
        assert Path(waiting.value.path()).read_text() == text
