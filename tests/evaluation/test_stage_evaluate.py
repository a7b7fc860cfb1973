"""`semsr eval`: any folder against a data set or another folder."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from semsr.errors import PairingError, PictureError, SemsrError, SizeMismatchError, StorageError
from semsr.evaluation.scores import read_scores
from semsr.imaging.pictures import read_rgb, write_png
from semsr.project import Project
from semsr.stages import evaluate as stage

AddProtocol = Callable[..., str]
Pictures = Callable[..., dict[str, Path]]
SIZES = {"a": (16, 12), "b": (16, 12), "c": (20, 12)}


def test_means_intervals_and_long_form(
    small: Project, add_protocol: AddProtocol, pictures: Pictures, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    add_protocol("p", error="mae", colour="colour", a="absent")
    sr, hr = pictures("mine", SIZES, 1), pictures("hr", SIZES | {"d": (9, 9)}, 0)
    out = tmp_path / "scores.parquet"
    with caplog.at_level(logging.WARNING):
        found = stage.run(small, tmp_path / "mine", None, tmp_path / "hr", "p", out, device="cpu", threads=2)
    values = [np.abs(read_rgb(sr[name]).astype(float) - read_rgb(hr[name])).mean() for name in SIZES]
    summary = found.columns[0].summary
    assert summary is not None
    assert summary.low is not None
    assert summary.mean == pytest.approx(np.mean(values), rel=1e-14)
    assert summary.low < summary.mean
    printed = capsys.readouterr().out
    assert f"p@{found.protocol.hash} · N=3 · trust L1" in printed
    assert f"{np.mean(values):.2f}" in printed
    assert "not available" in printed
    assert "3 of the 4 pictures in" in caplog.text
    assert "a is not available, because package 'no-such-package-anywhere' is not installed" in caplog.text

    records = read_scores(out)
    assert [{**record, "value": 0} for record in records] == [{**record, "value": 0} for record in found.records]
    assert Counter(record["metric"] for record in records) == {"error": 3, "a": 3, "colour": 1}
    assert [record["value"] for record in records if record["metric"] == "error"] == values
    assert {(record["method"], record["variant"], record["seed"], record["dataset"]) for record in records} == {
        ("mine", "default", 0, "")
    }
    assert sorted(path.name for path in tmp_path.iterdir() if "scores" in path.name) == ["scores.parquet"], "no journal is left"


def test_against_a_prepared_data_set(prepared: Project, add_protocol: AddProtocol, pictures: Pictures, tmp_path: Path) -> None:
    add_protocol("p", error="mae", contrast="contrast")
    sizes = {f"p{at:02}": (16, 12) for at in range(12)}
    files = pictures("mine", sizes, 7)
    found = stage.run(prepared, tmp_path / "mine", "photos", None, "p", device="cpu")
    assert found.images == 12
    assert {record["dataset"] for record in found.records} == {"photos"}
    files["p03"].unlink()
    with pytest.raises(PairingError, match=r"mine: 11 of the 12 pictures of data set 'photos' are there; 'p03' is missing"):
        stage.run(prepared, tmp_path / "mine", "photos", None, "p", device="cpu")
    blind = stage.run(prepared, _folder(pictures, tmp_path, {**sizes, "train": (16, 12)}), "blind", None, "p", device="cpu")
    assert [column.unavailable for column in blind.columns] == ["no reference", ""]


def _folder(pictures: Pictures, tmp_path: Path, sizes: dict[str, tuple[int, int]]) -> Path:
    pictures("blindly", sizes, 8)
    return tmp_path / "blindly"


def _stray(folder: Path) -> None:
    shutil.copy(folder / "a.png", folder / "a_out.png")


def _wrong_size(folder: Path) -> None:
    write_png(folder / "b.png", np.zeros((8, 6, 3), np.uint8))


def _no_picture(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _not_a_picture(folder: Path) -> None:
    (folder / "b.png").write_text("hello")


def _truncated(folder: Path) -> None:
    (folder / "b.png").write_bytes((folder / "b.png").read_bytes()[:-99])


@pytest.mark.parametrize(
    ("harm", "error", "message"),
    [
        (_stray, PairingError, "a_out.png: no image named 'a_out' in .*; 3 of 4 have a partner"),
        (_wrong_size, SizeMismatchError, r"b\.png: 6x8 pixels \(width x height\), but its HR picture is 12x16"),
        (_no_picture, PictureError, "no images"),
        (_not_a_picture, PictureError, r"b\.png: not an image file"),
        (_truncated, PictureError, r"b\.png: truncated or damaged"),
        (shutil.rmtree, PictureError, "no such folder"),
    ],
)
def test_bad_folders_are_named_and_nothing_is_written(
    small: Project, add_protocol: AddProtocol, pictures: Pictures, tmp_path: Path,
    harm: Callable[[Path], None], error: type[Exception], message: str,
) -> None:  # fmt: skip
    add_protocol("p", error="mae")
    pictures("mine", SIZES, 1)
    pictures("hr", SIZES, 0)
    harm(tmp_path / "mine")
    with pytest.raises(error, match=message):
        stage.run(small, tmp_path / "mine", None, tmp_path / "hr", "p", tmp_path / "scores.parquet", device="cpu")
    assert [path.name for path in tmp_path.iterdir() if "scores" in path.name] == []


def test_nothing_to_measure_is_an_error(small: Project, add_protocol: AddProtocol, pictures: Pictures, tmp_path: Path) -> None:
    add_protocol("p", a="absent")
    pictures("mine", SIZES, 1)
    pictures("hr", SIZES, 0)
    with pytest.raises(SemsrError, match="no metric of protocol 'p' can be computed here: a: package") as error:
        stage.run(small, tmp_path / "mine", None, tmp_path / "hr", "p", device="cpu")
    assert error.value.exit_code == 2


@pytest.mark.parametrize("both", [True, False])
def test_says_what_to_compare_with(small: Project, add_protocol: AddProtocol, tmp_path: Path, both: bool) -> None:
    add_protocol("p", error="mae")
    with pytest.raises(SemsrError, match="either --dataset ID or --hr DIR"):
        stage.run(small, tmp_path, "photos" if both else None, tmp_path if both else None, "p", device="cpu")


def test_an_unknown_device_is_named(small: Project, add_protocol: AddProtocol, pictures: Pictures, tmp_path: Path) -> None:
    add_protocol("p", error="mae")
    pictures("mine", SIZES, 1)
    with pytest.raises(SemsrError, match="device: found 'gpu'; allowed: cpu, cuda, auto"):
        stage.run(small, tmp_path / "mine", None, tmp_path / "mine", "p", device="gpu")


def test_a_read_only_folder_is_said_before_anything_is_measured(
    small: Project, add_protocol: AddProtocol, pictures: Pictures, tmp_path: Path, read_only_disk: Path
) -> None:
    add_protocol("p", error=("mae", {}), bad="broken")
    pictures("mine", {"p3": (8, 8)}, 1)
    pictures("hr", {"p3": (8, 8)}, 0)
    with pytest.raises(StorageError, match="read-only"):
        stage.run(small, tmp_path / "mine", None, tmp_path / "hr", "p", read_only_disk / "scores.parquet", device="cpu")


@pytest.mark.slow
def test_real_outputs_give_the_published_means(project: Project, test_data: Path, tmp_path: Path) -> None:
    """OSEDiff's first six outputs against their authors' own values, through the whole of `semsr eval`."""
    import csv

    data = test_data / "realsr_crop128"
    rows = list(csv.DictReader((data / "osediff_metrics.csv").open()))[:6]
    (tmp_path / "osediff").mkdir()
    for row in rows:
        shutil.copy(data / "osediff" / row["image"], tmp_path / "osediff")
    found = stage.run(project, tmp_path / "osediff", None, data / "hr", "seesr", tmp_path / "scores.parquet", device="cpu")
    means = {column.name: column.summary.mean for column in found.columns if column.summary is not None}
    for metric, tolerance in {"psnr": 1e-4, "ssim": 2e-6, "lpips": 2e-4, "dists": 1e-4, "niqe": 2e-2}.items():
        if metric not in means:
            pytest.skip(next(column.unavailable for column in found.columns if column.name == metric))
        assert means[metric] == pytest.approx(np.mean([float(row[metric]) for row in rows]), abs=tolerance)
    counts = Counter(record["metric"] for record in read_scores(tmp_path / "scores.parquet"))
    assert counts == {column.name: 1 if column.column.of_set else 6 for column in found.columns}
