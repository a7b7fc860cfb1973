"""The tables, in a browser: sorting, filtering, and what is said of a value on demand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture
def table(watch: Callable, small_built: Path) -> Callable:
    """Opens the table's page: `table(part of the address, **options)`."""

    def start(part: str = "", **options: object):
        page = watch(small_built, **options).open("table-made-up.html" + (f"#{part}" if part else ""))
        page.wait_for_selector("#table-host tbody .cell")
        return page

    return start


def _labels(page) -> list[str]:
    return page.locator("#table-host tbody th .name").all_inner_texts()


def _shows(page, labels: list[str]) -> None:
    """Sorting and filtering may take a moment."""
    playwright.expect(page.locator("#table-host tbody th .name")).to_have_text(labels)


def _column(page, number: int) -> list[str]:
    return page.locator(f"#table-host tbody tr > :nth-child({number + 2}) .ours").evaluate_all(
        "all => all.map(one => one.firstChild.data)"
    )


def test_shows_every_value(table: Callable, small_site) -> None:
    page = table()
    block = small_site.tables[0].blocks[0]
    _shows(page, [row.label for row in block.rows])
    for number in range(len(block.columns)):
        assert _column(page, number) == [row.cells[number].text for row in block.rows]


@pytest.mark.parametrize("number", [0, 2])
def test_sorts_by_a_column_the_best_first_then_the_other_way(table: Callable, small_site, number: int) -> None:
    page = table()
    block = small_site.tables[0].blocks[0]
    column = block.columns[number]
    ordered = sorted(block.rows, key=lambda row: row.cells[number].value, reverse=column.direction == "higher")
    head = page.locator("#table-host thead th").nth(number + 1)
    head.click()
    _shows(page, [row.label for row in ordered])
    assert head.get_attribute("aria-sort") in ("ascending", "descending")
    head.click()
    _shows(page, [row.label for row in reversed(ordered)])


def test_heads_are_announced_without_markup(table: Callable) -> None:
    """What a screen reader says of a head that sorts."""
    said = (
        table().locator("#table-host thead [aria-label]").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    )
    assert any("PSNR" in text for text in said)
    assert not [text for text in said if "<" in text]


def test_sorts_with_the_keyboard(table: Callable, small_site) -> None:
    page = table()
    block = small_site.tables[0].blocks[0]
    page.locator("#table-host thead th").nth(1).locator("[tabindex='0'], button").first.or_(
        page.locator("#table-host thead th[tabindex='0']").nth(1)
    ).first.focus()
    page.keyboard.press("Enter")
    _shows(page, [row.label for row in sorted(block.rows, key=lambda row: row.cells[0].value, reverse=True)])


@pytest.mark.parametrize(("name", "of"), [("trust", "trust"), ("licence", "licence_policy")])
def test_filters_by_a_fact_of_rows(table: Callable, small_site, name: str, of: str) -> None:
    page = table()
    rows = small_site.tables[0].blocks[0].rows
    wanted = getattr(rows[1], of)
    page.locator(f"select[data-filter='{name}']").select_option(wanted)
    _shows(page, [row.label for row in rows if getattr(row, of) == wanted])
    assert page.locator("#table-status").inner_text().startswith(f"{len(_labels(page))} of {len(rows)}")
    page.locator(f"select[data-filter='{name}']").select_option("")
    _shows(page, [row.label for row in rows])


def test_filters_by_verdict(table: Callable, small_site) -> None:
    page = table()
    rows = small_site.tables[0].blocks[0].rows
    page.locator("select[data-filter='verdicts']").select_option("not-reproduced")
    _shows(page, [row.label for row in rows if any(cell.verdict.kind == "not-reproduced" for cell in row.cells)])


def test_searches_and_hides_sanity_rows(table: Callable, small_site) -> None:
    page = table()
    page.locator("#search").fill('"method 3"')
    _shows(page, ["Method 3"])
    page.locator("#search").fill("no such thing")
    _shows(page, [])
    page.locator("#search").fill("")
    page.locator("#show-sanity").uncheck()
    _shows(page, [row.label for row in small_site.tables[0].blocks[0].rows if not row.sanity])


def test_a_link_opens_a_data_set(table: Callable, small_site) -> None:
    page = table("set-1")
    assert page.locator("#block").input_value() == "set-1"
    assert _column(page, 0) == [row.cells[0].text for row in small_site.tables[0].blocks[1].rows]


@pytest.mark.parametrize("how", ["point", "focus"])
def test_says_interval_and_result_id_on_pointing_and_on_focus(table: Callable, small_site, how: str) -> None:
    page = table()
    cell = page.locator("#table-host tbody .cell").first
    if how == "point":
        cell.hover()
    else:
        cell.focus()
    tip = page.locator("#tip")
    tip.wait_for()
    made = small_site.tables[0].blocks[0].rows[0].cells[0]
    text = tip.inner_text()
    assert made.result_id in text
    assert f"{made.low:.2f}" in text
    assert f"{made.high:.2f}" in text
    if how == "focus":
        assert cell.get_attribute("aria-describedby") == "tip"
        page.keyboard.press("Escape")
        assert not tip.is_visible()


def test_all_values_can_be_filtered_by_data_set_and_metric(watch: Callable, small_built: Path, small_site) -> None:
    page = watch(small_built).open("values.html")
    page.wait_for_selector("#values-host tbody tr")
    page.locator("select[data-filter='dataset']").select_option("set-1")
    page.locator("select[data-filter='metric']").select_option("LPIPS")
    lines = page.locator("#values-host tbody tr")
    assert lines.count() == len(small_site.tables[0].blocks[1].rows)
    assert set(lines.locator("td:nth-child(4)").all_inner_texts()) == {"LPIPS"}
