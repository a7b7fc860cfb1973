"""The site that the pipeline built, where it did: everything opens at once, is small, silent, and can be read by everybody."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from semsr.leaderboard.build import MARK
from semsr.project import Project

pytest.importorskip("playwright")
axe_package = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
pytestmark = pytest.mark.slow

SECONDS, BYTES = 2.0, 6_000_000
SETTLED = """() => {
  const [viewer, plots] = ['#viewer', '#plots'].map(name => document.querySelector(name));
  const host = document.querySelector('#table-host, #values-host');
  return document.readyState === 'complete' && (!viewer || viewer.dataset.ready) && (!plots || plots.dataset.ready)
    && (!host || host.querySelector('tbody'));
}"""
READABLE = """() => {
  const host = document.querySelector('#table-host, #values-host');
  return document.querySelector('main h1') && (!host || host.querySelector('tbody td'))
    && (!document.querySelector('#plots') || document.querySelector('.plot-section tbody td'));
}"""
"""Its text and numbers are there; plots are still drawn, pictures still loaded."""


@pytest.fixture(scope="module")
def lite_site(project: Project) -> Path:
    folder = project.root / "results" / "site"
    if not (folder / MARK).is_file():
        pytest.skip("results/site is not built; `dvc repro` builds it")
    return folder


def _one_of_each_kind(folder: Path) -> list[str]:
    """The largest page of each kind: what they are called up to the first hyphen."""
    kinds: dict[str, Path] = {}
    for path in sorted(folder.glob("*.html"), key=lambda path: path.stat().st_size):
        kinds[path.name.partition("-")[0]] = path
    return [path.name for path in kinds.values()]


def test_every_page_opens_without_a_complaint(watch: Callable, lite_site: Path) -> None:
    watched = watch(lite_site)
    for path in sorted(lite_site.glob("*.html")):
        watched.open(path.name).wait_for_function(SETTLED)


def test_every_kind_of_page_is_there_in_time_and_small(watch: Callable, lite_site: Path) -> None:
    """The best of three attempts: other work on the machine only ever adds."""
    watched = watch(lite_site)
    for name in _one_of_each_kind(lite_site):
        attempts = []
        for _ in range(3):
            watched.requests.clear()
            start = time.monotonic()
            watched.open(name).wait_for_function(READABLE, polling=20)
            attempts.append(time.monotonic() - start)
            watched.page.wait_for_function(SETTLED)
        files = {Path(url.removeprefix("file://").partition("#")[0]) for url in watched.requests if url.startswith("file:")}
        size = sum(file.stat().st_size for file in files if "pictures" not in file.relative_to(lite_site).parts)
        assert min(attempts) < SECONDS, f"{name}: {min(attempts):.2f} s"
        assert size < BYTES, f"{name}: {size} bytes"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(watch: Callable, lite_site: Path, scheme: str) -> None:
    watched = watch(lite_site, color_scheme=scheme, viewport={"width": 360, "height": 740})
    problems = []
    for name in _one_of_each_kind(lite_site):
        page = watched.open(name)
        page.wait_for_function(SETTLED)
        found = axe_package.Axe().run(page, options={"preload": False}).response["violations"]
        problems += [
            f"{name}: {one['id']}: {one['nodes'][0]['target']}" for one in found if one["impact"] in ("serious", "critical")
        ]
        if page.evaluate("() => document.documentElement.scrollWidth") > 360:
            problems.append(f"{name}: scrolls sideways")
    assert problems == []


def test_pictures_of_every_data_set_can_be_looked_at(watch: Callable, lite_site: Path) -> None:
    watched = watch(lite_site)
    pages = sorted(path.name for path in lite_site.glob("viewer-*.html"))
    valued = []
    for name in pages:
        page = watched.open(name)
        page.wait_for_function(SETTLED)
        page.wait_for_function("() => [...document.querySelectorAll('.pane img')].every(one => one.naturalWidth > 0)")
        assert page.locator(".pane").count() == 3
        valued += [name] * (page.locator(".pane dd").count() > 0)
    assert valued
