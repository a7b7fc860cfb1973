"""A Chromium that is there already, and pages that are watched: nothing may leave the machine, nothing may go wrong unseen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from semsr.leaderboard.build import build
from semsr.leaderboard.model import Site

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is: $SEMSR_CHROMIUM, or a usual name on the path."""
    named = os.environ.get("SEMSR_CHROMIUM")
    found = named if named and Path(named).is_file() else next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        pytest.skip("no Chromium: `make browser` installs Debian's; or set SEMSR_CHROMIUM to one")
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[playwright.Browser]:
    """The browser, headless."""
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=chromium, args=list(SWITCHES))
        yield launched
        launched.close()


@dataclass
class Watched:
    """A page and what happened on it."""

    page: playwright.Page
    folder: Path
    requests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def open(self, address: str) -> playwright.Page:
        """Open a page of the site, as `table.html#part`, from its file."""
        name, _, part = address.partition("#")
        assert (self.folder / name).is_file(), f"the site has no {name}"
        # Another page in between: a change of the part behind # alone would load nothing.
        self.page.goto("about:blank")
        self.page.goto((self.folder / name).as_uri() + (f"#{part}" if part else ""))
        return self.page

    def outside(self) -> list[str]:
        """Requests that are for no file of the site."""
        inside = self.folder.as_uri()
        return [url for url in self.requests if not url.startswith((inside, "data:", "blob:", "about:"))]


@pytest.fixture
def watch(browser: playwright.Browser) -> Iterator[Callable[..., Watched]]:
    """`watch(folder, **options of the context)`: a page on a built site; afterwards it must have asked nobody and complained of nothing."""
    watched: list[Watched] = []

    def start(folder: Path, **options: object) -> Watched:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "accept_downloads": True, **options})
        context.set_default_timeout(20_000)
        page = context.new_page()
        one = Watched(page, folder)
        page.on("request", lambda request: one.requests.append(request.url))
        page.on("requestfailed", lambda request: one.problems.append(f"failed: {request.url}"))
        page.on("console", lambda message: one.problems.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: one.problems.append(str(error)))
        page.on("dialog", lambda dialog: (one.problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        watched.append(one)
        return one

    yield start
    for one in watched:
        one.page.context.close()
    assert [url for one in watched for url in one.outside()] == []
    # A page that is left stops loading what it has not loaded yet.
    problems = [problem for one in watched for problem in one.problems if not problem.startswith("failed:")]
    assert problems == []


@pytest.fixture(scope="session")
def small_built(small_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small site, built."""
    out = tmp_path_factory.mktemp("small") / "site"
    build(small_site, out)
    return out
