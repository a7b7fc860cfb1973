"""The page of plots, in a browser: what is drawn is what was computed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from semsr.leaderboard.figures import pareto_front, region

pytest.importorskip("playwright")


@pytest.fixture
def plots(watch: Callable, small_built: Path) -> Callable:
    def start(part: str = "", **options: object):
        page = watch(small_built, **options).open("plots.html" + (f"#{part}" if part else ""))
        page.wait_for_selector("#plots[data-ready]")
        return page

    return start


def _traces(page, section: str) -> list[dict]:
    keys = "['name', 'mode', 'x', 'y', 'text', 'hovertext', 'fill', 'error_y']"
    js = f"plot => plot.data.map(trace => Object.fromEntries({keys}.map(key => [key, trace[key]])))"
    return page.eval_on_selector(f"#{section} .plot", js)


def _names(trace: dict) -> list[str]:
    """Of the points: hover texts have all of them, also those that find no place beside their point."""
    return [text.partition("<br>")[0] for text in trace["hovertext"]]


def _pieces(traces: list[dict]) -> list[np.ndarray]:
    """(2, points) of each piece between gaps."""
    found = []
    for trace in traces:
        points = np.array([trace["x"], trace["y"]], dtype=float)
        gaps = np.flatnonzero(np.isnan(points[0]))
        found += [piece for piece in np.split(points, gaps, axis=1) if np.isfinite(piece[0]).sum() > 2]
    return [piece[:, np.isfinite(piece[0])] for piece in found]


def test_draws_means_regions_and_the_front(plots: Callable, small_site) -> None:
    page = plots()
    block, values = small_site.tables[0].blocks[0], small_site.per_image[0]
    names = [column.name for column in block.columns]
    x, y = names.index("psnr"), names.index("lpips")
    traces = _traces(page, "plane")
    drawn = {
        text: (a, b)
        for trace in traces
        if trace["mode"] == "markers+text"
        for text, a, b in zip(_names(trace), trace["x"], trace["y"], strict=True)
    }
    written = [text for trace in traces if trace["mode"] == "markers+text" for text in trace["text"] if text]
    assert len(written) >= len(block.rows) / 2
    assert set(written) <= set(drawn)
    assert drawn == {row.label: (row.cells[x].value, row.cells[y].value) for row in block.rows}
    ellipses = _pieces([trace for trace in traces if trace["fill"] == "toself"])
    assert len(ellipses) == len(block.rows)
    for row, ellipse in zip([*block.rows[1:], block.rows[0]], ellipses, strict=True):  # the first row checks the set-up
        both = [values.values[name][row.key] for name in ("psnr", "lpips")]
        expected = region(both)
        outline = ellipse - [[row.cells[x].value], [row.cells[y].value]]
        # Every point of it is where T² has the quantile, by the covariance of the values themselves.
        squared = np.einsum("in,ij,jn->n", outline, np.linalg.inv(np.cov(both)), outline)
        assert squared == pytest.approx(squared[0], rel=2e-2)  # correlations have three digits there
        assert np.abs(outline).max(axis=1) == pytest.approx(expected.half, rel=5e-3)
    front = pareto_front(*([None if row.sanity else row.cells[n].value for row in block.rows] for n in (x, y)), (True, False))
    assert [trace["x"] for trace in traces if trace["name"] == "not beaten in both"] == (
        [[block.rows[number].cells[x].value for number in front]] if len(front) > 1 else []
    )


def test_columns_can_be_chosen(plots: Callable, small_site) -> None:
    page = plots("block=made-up%2Fset-1")
    assert page.locator("#block").input_value() == "made-up/set-1"
    page.locator("#plane-x").select_option(label="SSIM ↑")
    block = small_site.tables[0].blocks[1]
    at = [column.name for column in block.columns].index("ssim")
    shown = sorted(value for trace in _traces(page, "plane") if trace["mode"] == "markers+text" for value in trace["x"])
    assert shown == sorted(row.cells[at].value for row in block.rows)


def test_bars_are_tolerances(plots: Callable, small_site) -> None:
    page = plots()
    block = small_site.tables[0].blocks[0]
    found = {
        text: bar
        for trace in _traces(page, "published")
        if trace["error_y"]
        for text, bar in zip(_names(trace), trace["error_y"]["array"], strict=True)
    }
    assert found == pytest.approx({row.label: row.cells[0].verdict.tolerance.whole for row in block.rows})


def test_a_click_opens_the_picture(plots: Callable) -> None:
    page = plots()
    page.locator("#per-image .plot").scroll_into_view_if_needed()
    page.locator("#per-image .scatterlayer .points path").last.hover(force=True)
    box = page.locator("#per-image .scatterlayer .points path").last.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**/viewer-set-0.html#*")
    page.wait_for_selector("#viewer[data-ready]")
    assert page.locator(".facts").inner_text().startswith("image-")


def test_names_in_the_table_open_the_picture_with_the_keyboard(plots: Callable) -> None:
    page = plots()
    page.locator("#per-image summary").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="image-003").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#viewer[data-ready]")
    assert page.locator(".facts").inner_text().startswith("image-003")
    assert page.locator(".pane").count() == 4


def test_every_plot_says_its_numbers(plots: Callable, small_site) -> None:
    page = plots()
    rows = small_site.tables[0].blocks[0].rows
    for section in ("plane", "cost", "published"):
        heads = page.locator(f"#{section} tbody th").all_text_contents()
        assert heads == [row.label for row in rows], section


def test_follows_the_scheme(plots: Callable) -> None:
    page = plots(color_scheme="light")
    before = page.eval_on_selector("#plane .plot", "plot => plot.layout.font.color")
    page.locator("#scheme").select_option("dark")
    page.wait_for_function("before => document.querySelector('#plane .plot').layout.font.color !== before", arg=before)
