import json
import math

from semsr.leaderboard.data_json import json_of
from semsr.leaderboard.data_tables import block_data, cell_data, our_text, tips
from semsr.leaderboard.data_values import values_data
from semsr.leaderboard.model import Site, SiteBlock, SiteCell, SiteColumn, SiteRow, SiteTable
from semsr.reproduction.verdict import Part, Tolerance, Verdict

PSNR = SiteColumn("psnr", "psnr", "PSNR", "higher", "dB", "psnr", 1, "as written", 2)
VERDICT = Verdict("within-noise", "0.04 apart, 0.05 allowed", Tolerance((Part("rounding", 0.005, "two digits"),)))
CELL = SiteCell(
    27.3149, "27.31 ± 0.02", "27.35", low=27.1, high=27.5, interval_over="100 images", tied=True, groups="ab", verdict=VERDICT,
    result_id="0123456789ab", status="reproduced", more=("Seeds: 27.3, 27.33",),
)  # fmt: skip


def test_a_tip_says_everything() -> None:
    assert tips(CELL, PSNR) == [
        "Ours: 27.31 ± 0.02 dB, unrounded 27.314900",
        "95 % interval: 27.100 to 27.500 over 100 images",
        "Can't be told apart from the best of its column",
        "Published: 27.35",
        "Within noise: 0.04 apart, 0.05 allowed",
        "Tolerance, rounding: ±0.005 (two digits)",
        "Seeds: 27.3, 27.33",
        "Groups that can't be told apart: ab",
        "Result 0123456789ab (semsr trace 0123456789ab)",
    ]


def test_a_cell_without_a_value_says_why_once() -> None:
    cell = SiteCell(None, published="27.35", verdict=Verdict("not-run", "no weights"), why="no weights")
    assert tips(cell, PSNR) == ["Published: 27.35", "Not run: no weights"]
    assert tips(SiteCell(None, why="3 of 5 images", status="incomplete"), PSNR) == ["No value: 3 of 5 images"]


def test_words_for_what_has_no_value() -> None:
    texts = [
        our_text(SiteCell(None, status=status)) for status in ("incomplete", "not-available", "refused", "stale", "not-run")
    ]
    assert texts == ["incomplete", "n/a", "refused", "stale", "–"]
    assert our_text(SiteCell(math.inf, "inf")) == "∞"


def test_cells_sort_by_ours_and_else_by_what_is_published() -> None:
    assert cell_data(CELL, PSNR)[:5] == [27.3149, "27.31 ± 0.02", "27.35", "tv", "within-noise"]
    assert cell_data(SiteCell(None, published="26.1", published_is_elsewhere=True), PSNR)[:5] == [26.1, "–", "26.1", "e", ""]
    assert cell_data(SiteCell(None, published="–"), PSNR)[0] is None
    assert cell_data(SiteCell(1.0, "1.00", best=True), PSNR)[3] == "bv"


def _site(*rows: SiteRow) -> Site:
    block = SiteBlock("set", "Set", "set", 3, (PSNR,), rows)
    table = SiteTable("t", "T", "classical", "", "lite", "way", "0" * 16, "", (block,))
    return Site("S", (("version", "1"),), (table,), ())


def _row(label: str, cell: SiteCell, trust: str = "L2", **more: object) -> SiteRow:
    return SiteRow(f"m/{label}", label, "", trust, "open", False, 0, (cell,), **more)  # type: ignore[arg-type]


def test_rows_can_be_filtered_by_what_they_are() -> None:
    site = _site(_row("ours", CELL, warnings=("shifted",)), _row("theirs", SiteCell(None, published="26.00"), "L0"))
    rows = block_data(site.tables[0].blocks[0])["rows"]
    assert [(row["trust"], row["only"], row["verdicts"], row["warnings"]) for row in rows] == [
        ("L2", False, ["within-noise"], ["shifted"]),
        ("L0", True, [], []),
    ]


def test_the_list_of_all_values_points_at_its_rows() -> None:
    site = _site(_row("ours", CELL), _row("none", SiteCell(None)), _row("theirs", SiteCell(None, published="26.00"), "L0"))
    found = values_data(site)
    assert [(found["rows"][value[1]]["label"], value[3], value[5]) for value in found["values"]] == [
        ("ours", 27.3149, "27.35"),
        ("theirs", None, "26.00"),
    ]
    assert found["columns"] == ["PSNR"] and found["blocks"][0]["page"] == "table-t.html#set"


def test_json_holds_the_whole_table() -> None:
    site = _site(_row("ours", CELL), _row("same", SiteCell(math.inf, "inf", status="reproduced")))
    found = json.loads(json_of(site, site.tables[0]))
    assert found["schema"] == 1 and found["protocol"] == {"id": "way", "hash": "0" * 16}
    cell = found["blocks"][0]["rows"][0]["cells"]["psnr"]
    assert cell["value"] == 27.3149 and cell["interval"] == [27.1, 27.5] and cell["result_id"] == "0123456789ab"
    assert cell["verdict"]["kind"] == "within-noise" and cell["verdict"]["tolerance"]["whole"] == 0.005
    assert found["blocks"][0]["rows"][1]["cells"]["psnr"]["value"] == "Infinity"
