"""The stage: files written whole or not at all, errors with the next move, nothing heavy loaded."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from semsr import files
from semsr.errors import SemsrError, StorageError
from semsr.stages import tabulate

ROOT = Path(__file__).resolve().parents[2]


def _run(house: Any, profile: str) -> None:
    tabulate.run(house.project, house.project.profile(profile))


def _written(house: Any) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((house.root / "results/tables").glob("*"))}


def test_every_table_of_the_profile_is_written_in_every_format(scored: Any, capsys: pytest.CaptureFixture[str]) -> None:
    scored.save("lite")
    _run(scored, "lite")
    each = {f"{name}.{suffix}" for name in ("lite-table", "paper-table") for suffix in ("csv", "tex", "md")}
    assert set(_written(scored)) == each | {"lite-table.order.csv"}
    shown = capsys.readouterr().out
    for text in ("photos (N = 3)", "30.01", "0.1201", "lite-table: FID: not available: no network weights"):
        assert text in shown
    assert "paper-table: published values only: not run in profile lite" in shown
    assert "results/tables/lite-table.{csv,tex,md}" in shown


def test_a_second_run_writes_the_same_bytes(scored: Any) -> None:
    scored.save("full")
    _run(scored, "full")
    first = _written(scored)
    scored.rows["alpha"].reverse()
    scored.save("full")
    _run(scored, "full")
    assert _written(scored) == first


def test_a_narrow_terminal_loses_no_digits(
    scored: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    scored.save("lite")
    _run(scored, "lite")
    assert "30.01°   0.1201°   L2" in capsys.readouterr().out


def _break(house: Any, how: str) -> None:
    scores = house.root / "results/full/scores/alpha.parquet"
    match how:
        case "missing":
            scores.unlink()
        case "damaged":
            scores.write_bytes(scores.read_bytes()[:100])
        case "unprepared":
            (house.root / "data/alpha/manifest.parquet").unlink()
        case "column":
            house.edit("tables/paper-table/table.yaml", columns=["psnr", "lpips", "vmaf"])
        case "table":
            house.edit("profiles/full.yaml", tables=["paper-tabel"])
        case "none":
            house.edit("profiles/full.yaml", tables=[])
        case "reported":
            (house.root / "tables/paper-table/reported.csv").write_text("nonsense")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("missing", "results/full/scores/alpha.parquet: no such file: alpha has not been scored; run `semsr score alpha`"),
        ("damaged", "results/full/scores/alpha.parquet: not a readable parquet file"),
        ("unprepared", "run `semsr prepare alpha`"),
        ("column", "tables/paper-table/table.yaml: columns"),
        ("table", "unknown table 'paper-tabel'; did you mean 'paper-table'?"),
        ("none", "profile full: tables: found none"),
        ("reported", "tables/paper-table/reported.csv: line 1"),
    ],
)
def test_an_error_is_one_line_and_leaves_the_last_tables(scored: Any, how: str, said: str) -> None:
    scored.save("full")
    _run(scored, "full")
    before = _written(scored)
    _break(scored, how)
    with pytest.raises(SemsrError) as caught:
        _run(scored, "full")
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert _written(scored) == before


def test_what_was_not_scored_is_said_where_that_is_asked_for(scored: Any) -> None:
    scored.save("full")
    _break(scored, "missing")
    tabulate.run(scored.project, scored.project.profile("full"), keep_going=True)
    written = (scored.root / "results/tables/paper-table.md").read_text()
    assert "data set alpha has not been scored (`semsr fetch alpha`, `dvc repro`)" in written
    (scored.root / "results/full/scores/alpha.parquet").write_bytes(b"damaged")
    with pytest.raises(SemsrError, match="not a readable parquet file"):
        tabulate.run(scored.project, scored.project.profile("full"), keep_going=True)


def test_a_full_disk_leaves_nothing_half_written(scored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scored.save("full")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StorageError, match=r"results/tables/paper-table\.csv: can't be written: no space left"):
        _run(scored, "full")
    assert _written(scored) == {}


def test_tables_are_rendered_without_torch(scored: Any) -> None:
    scored.save("full")
    code = (
        "import sys\nfrom semsr.project import Project\nfrom semsr.stages import tabulate\n"
        "project = Project.find()\ntabulate.run(project, project.profile('full'))\n"
        "heavy = [name for name in ('torch', 'torchvision', 'spandrel', 'pyiqa') if name in sys.modules]\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=scored.root,
        env=os.environ | {"SEMSR_PROJECT": str(scored.root), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (scored.root / "results/tables/paper-table.md").is_file()
