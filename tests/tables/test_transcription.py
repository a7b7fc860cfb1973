"""The published tables are in the project exactly as they were handed over, and agree with what others print of them."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from semsr.project import Project
from semsr.reproduction.reported import Reported, read_reported

SEESR_COLUMNS = ("psnr", "ssim", "lpips", "dists", "fid", "niqe", "maniqa", "musiq", "clipiqa")


def _reported(project: Project, table: str) -> Reported:
    return read_reported(project.root / "tables" / table / "reported.csv", table)


@pytest.mark.parametrize(
    ("table", "file"),
    [
        ("sed-table1", "sed_table1.csv"),
        ("seesr-table1", "seesr_table1.csv"),
        ("seesr-table2", "seesr_table2.csv"),
        ("seesr-table3", "seesr_table3.csv"),
    ],
)
def test_the_transcription_is_unchanged(project: Project, test_data: Path, table: str, file: str) -> None:
    source = test_data.parent / "reported" / file
    if not source.is_file():
        pytest.skip(f"no transcription to compare with: {source} is not there")
    assert (project.root / "tables" / table / "reported.csv").read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    ("dataset", "printed"),
    [
        ("RealSR", "25.18 0.7216 0.3009 0.2223 125.55 5.4081 0.6442 69.77 0.6612"),
        ("DRealSR", "28.17 0.7691 0.3189 0.2315 147.39 6.3967 0.6042 64.93 0.6804"),
    ],
)
def test_the_seesr_rows_are_those_that_osediff_prints(project: Project, dataset: str, printed: str) -> None:
    """OSEDiff's Table 1 (another paper) repeats SeeSR's rows; it was read from that paper's figure."""
    reported = _reported(project, "seesr-table2")
    assert [reported.values["SeeSR", dataset, column].text for column in SEESR_COLUMNS] == printed.split()


@pytest.mark.parametrize(
    ("method", "dataset", "metric", "printed"),
    [
        ("RRDB+U+SeD", "Set14", "psnr", "27.94"),
        ("RRDB+U+SeD", "DIV2K", "psnr", "29.85"),
        ("SwinIR+U+SeD", "Urban100", "psnr", "26.46"),
        ("SwinIR+P+SeD", "Manga109", "lpips", "0.044"),
    ],
)
def test_single_sed_values_are_those_of_a_third_party(
    project: Project, method: str, dataset: str, metric: str, printed: str
) -> None:
    """Values that a leaderboard site lists for SeD."""
    assert _reported(project, "sed-table1").values[method, dataset, metric].text == printed


def test_sed_improves_in_as_many_cells_as_counted_in_the_figure(project: Project) -> None:
    """Counted by hand in the paper's figure: LPIPS better in 18 of 20 pairs, PSNR in 17, SSIM in 17."""
    values = _reported(project, "sed-table1").values
    better: Counter[str] = Counter()
    for base in ("RRDB+P", "RRDB+U", "SwinIR+P", "SwinIR+U"):
        for (method, dataset, metric), value in values.items():
            if method == base:
                gain = Decimal(values[f"{base}+SeD", dataset, metric].text) - Decimal(value.text)
                better[metric] += (gain < 0) if metric == "lpips" else (gain > 0)
    assert better == {"lpips": 18, "psnr": 17, "ssim": 17}


def test_table_3_lies_between_its_floor_and_its_ceiling(project: Project) -> None:
    """GT is best and zoomed LR worst in every column, as they must be; SeeSR is the best method in all four, as its paper says."""
    values = _reported(project, "seesr-table3").values
    assert len(values) == 13 * 4
    for column in ("pq", "box_ap", "mask_ap", "miou"):
        order = sorted((Decimal(value.text), row) for (row, _, metric), value in values.items() if metric == column)
        assert (order[0][1], order[-2][1], order[-1][1]) == ("Zoomed LR", "SeeSR", "GT")
    ceiling = [values["GT", "COCO-Val", column].text for column in ("pq", "box_ap", "mask_ap", "miou")]
    assert ceiling == ["52.5", "49.1", "43.8", "62.0"], "as a summary of the paper gives them"


def test_every_cell_of_the_tables_is_there(project: Project) -> None:
    sed, seesr = _reported(project, "sed-table1"), _reported(project, "seesr-table2")
    assert len(sed.values) == 14 * 5 * 3
    assert len(seesr.values) == 11 * (3 * 9 + 4)
    dashes = {key[:2] for reported in (sed, seesr) for key, value in reported.values.items() if not value.text}
    assert dashes == {("SFTGAN", "Set14"), ("LDM", "RealLR200")}
