"""The pipeline itself, as a user runs it: every profile plans fast; the lite profile runs, does nothing twice, and survives kill -9."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from semsr.evaluation.lints.store import read_lints
from semsr.evaluation.semantic.values import REFERENCE, read_values
from semsr.files import sha256_file
from semsr.project import ROOT_VARIABLE, Project

DVC = Path(sys.executable).with_name("dvc")


def _environment() -> dict[str, str]:
    environment = {key: value for key, value in os.environ.items() if key != ROOT_VARIABLE}
    return environment | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"}


def _run(folder: Path, *command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], cwd=folder, env=_environment(), capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a clone of the working tree would hold: everything git tracks, and nothing it ignores."""
    root = Path(__file__).resolve().parents[1]
    folder = tmp_path_factory.mktemp("clone") / "semsr-bench"
    folder.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=root, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (root / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, folder / name, follow_symlinks=False)
    for command in (["git", "init", "-q"], ["git", "add", "-A"]):
        subprocess.run(command, cwd=folder, check=True)
    return folder


@pytest.mark.parametrize(
    "profile", ["lite", "classical", "sed-ablations", "seesr", "seesr-ablations", "seesr-retrained", "seesr-semantic", "paper"]
)
def test_every_profile_plans_its_stages_fast(clone: Path, project: Project, profile: str) -> None:
    assert _run(clone, sys.executable, "-m", "semsr", "use", profile).returncode == 0
    start = time.perf_counter()
    done = _run(clone, DVC, "repro", "--dry")
    seconds = time.perf_counter() - start
    _run(clone, sys.executable, "-m", "semsr", "use", "lite")
    assert done.returncode == 0, done.stderr
    assert seconds < 10
    card = project.profile(profile)
    for track in card.tracks.all:
        for dataset in track.datasets:
            if track is card.tracks.semantic:
                assert f"semsr judge {dataset}" in done.stdout
                for judge in card.segmenters.judges:
                    assert f"semsr segment {judge} --dataset {dataset}" in done.stdout
            else:
                assert f"semsr score {dataset}" in done.stdout
            for method in track.entrants:
                assert f"semsr infer {method} --dataset {dataset}" in done.stdout
    assert ("semsr train --segmenters" in done.stdout) == bool(card.segmenters.trained)
    for method in card.descriptions.methods:
        for dataset in card.descriptions.datasets:
            assert f"semsr describe {method} --dataset {dataset}" in done.stdout
    for verb in ("semsr explain --all", "semsr tabulate", "semsr publish"):
        assert verb in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_the_lite_profile_from_nothing_to_tables(clone: Path, project: Project) -> None:
    """One run, killed while it infers; continued; then a run that has nothing to do."""
    cells = clone / "results/lite/cells/lite-photos"
    first = subprocess.Popen([str(DVC), "repro"], cwd=clone, env=_environment(), start_new_session=True)
    deadline = time.monotonic() + 1800
    while not list(cells.glob("dat/default/images/*.png")) and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    assert first.poll() is None, "the run ended before its second method"
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    kept = {path: sha256_file(path) for path in cells.rglob("*.png")}
    assert kept

    second = _run(clone, DVC, "repro")
    assert second.returncode == 0, second.stdout + second.stderr
    assert {path: sha256_file(path) for path in kept} == kept, "a finished picture was changed by the second run"

    start = time.perf_counter()
    third = _run(clone, DVC, "repro")
    seconds = time.perf_counter() - start
    assert "Data and pipelines are up to date" in third.stdout
    assert seconds < 10
    _check_scores(clone, project)
    _check_judged(clone, project)
    _check_tables(clone)
    _check_outputs_look_right(clone)
    _check_shown(clone)


def _check_scores(clone: Path, project: Project) -> None:
    scores = clone / "results/lite/scores"
    classical, real = (pd.read_parquet(scores / f"{name}.parquet") for name in ("lite-photos", "lite-photos-real"))
    assert set(classical.protocol) == {"sed"} and set(real.protocol) == {"seesr"}
    for found, track in ((classical, project.profile("lite").tracks.classical), (real, project.profile("lite").tracks.real)):
        assert set(found.method) == {*track.entrants, "reference"}
        _check_sanity(found)
        for metric in {"psnr", "ssim", "lpips", "dists", "niqe"} & set(found.metric):
            values = found[found.metric == metric]
            rows = values.groupby(["method", "variant", "seed"]).size()
            assert (rows == project.dataset("lite-photos").count).all()
            assert values.value.notna().all()
    assert {"psnr", "ssim", "lpips", "dists", "niqe"} <= set(real.metric)
    # What every paper finds, on these photographs too. Bicubic LR: a network trained for PSNR beats bicubic in PSNR; one trained with a
    # GAN loses to it in PSNR and beats it in LPIPS. Real-world LR: the network trained for bicubic LR gains nothing, the other one does.
    classical, real = (found[found.variant != "nearest"] for found in (classical, real))
    means = classical.groupby(["metric", "method"]).value.mean()
    assert means["psnr", "dat"] > means["psnr", "bicubic"] + 0.5
    assert means["psnr", "real-esrgan"] < means["psnr", "dat"]
    assert means["lpips", "real-esrgan"] < means["lpips", "bicubic"] - 0.05
    # What is trained in the profile: every seed of every discriminator is nearer to HR in LPIPS than the PSNR network it starts from.
    trained = classical[(classical.method == "sed") & (classical.metric == "lpips")].groupby(["variant", "seed"]).value.mean()
    start = trained.pop(("tiny-psnr", 1))
    assert set(trained.index) == {(f"tiny-{kind}", seed) for kind in ("p", "p-sed", "u", "u-sed") for seed in (1, 2, 3)}
    assert (trained < start - 0.005).all()
    means = real.groupby(["metric", "method"]).value.mean()
    assert means["psnr", "dat"] < means["psnr", "bicubic"] + 0.3
    assert means["lpips", "real-esrgan"] < min(means["lpips", "bicubic"], means["lpips", "dat"]) - 0.05
    # Tiny SeeSR shows that the path works: its noise has become the picture, which another picture or noise would miss by far.
    assert set(real[real.method == "seesr"].variant) == {"tiny"}
    assert means["psnr", "seesr"] > 16
    assert means["ssim", "seesr"] > 0.25


def _check_sanity(found: pd.DataFrame) -> None:
    """HR comes out perfect, and squares of LR pixels worse than bicubic."""
    means = found.groupby(["metric", "method", "variant"]).value.mean()
    for metric, perfect in {"ssim": 1.0, "lpips": 0.0, "dists": 0.0}.items():
        if metric in set(found.metric):
            assert means[metric, "reference", "hr"] == pytest.approx(perfect, abs=1e-6)
    assert means["psnr", "reference", "hr"] >= 80
    assert means["psnr", "bicubic", "nearest"] < means["psnr", "bicubic", "default"]


def _check_judged(clone: Path, project: Project) -> None:
    """The ceiling is high, the floor clearly lower, and a network that was trained for such LR lies between: for each of the two judges."""
    track = project.profile("lite").tracks.semantic
    for judge, column in (("tiny-panoptic", "pq"), ("tiny-boxes", "box-ap")):
        folder = clone / "results/lite/judged/lite-scenes" / judge / "lite-semantic"
        values = read_values(folder / "values.parquet", judge, "semsr judge lite-scenes")
        assert values.pictures == project.dataset("lite-scenes").count
        assert {method for method, _, _ in values.of} == {"reference", *track.entrants}
        ceiling, floor, restored = (
            values.of[key][column] for key in (REFERENCE, ("bicubic", "default", 0), ("real-esrgan", "default", 0))
        )
        assert np.quantile(ceiling - floor, 0.025) > 0
        assert floor[0] < ceiling[0] and restored[0] < ceiling[0]
        if judge == "tiny-panoptic":
            assert ceiling[0] > 60
            assert np.quantile(ceiling - floor, 0.025) > 10
    assert (clone / "results/lite/semantic-report/lite-scenes/index.html").stat().st_size > 10_000


def _check_tables(clone: Path) -> None:
    tables = clone / "results/tables"
    names = [f"lite-{name}" for name in ("sed-table1", "seesr-table1", "seesr-table2", "seesr-table3")]
    for table in (*names, "sed-table1", "seesr-table1", "seesr-table2", "seesr-table3"):
        for suffix in ("csv", "tex", "md"):
            assert (tables / f"{table}.{suffix}").stat().st_size > 0
    with (tables / "lite-seesr-table2.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert any(row["metric"] == "niqe" and row["reproduced"] for row in rows)
    with (tables / "lite-seesr-table1.csv").open(newline="") as file:
        said = {(row["description"], row["measure"]): row for row in csv.DictReader(file)}
    assert {description for description, _ in said} == {"classification", "tiny-tags", "tiny-dape"}
    assert {row["status"] for row in said.values()} == {"measured"}
    with (tables / "sed-table1.csv").open(newline="") as file:
        assert not any(row["reproduced"] for row in csv.DictReader(file)), "a lite value stands in a paper's table"


def _check_outputs_look_right(clone: Path) -> None:
    """No lint warns of any output of the profile, and none was left out."""
    for dataset, rows in (("lite-photos", 17), ("lite-photos-real", 5)):
        found = read_lints(clone / f"results/lite/lints/{dataset}.json")
        assert len({row for row in found if row[0] != "reference"}) == rows
        said = [finding for findings in found.values() for finding in findings if finding.severity != "info"]
        assert not said


def _check_shown(clone: Path) -> None:
    """The site and a report are there, and a number can be followed down to its bytes."""
    site = clone / "results/site"
    assert "Nothing of profile lite is a reproduction" in (site / "index.html").read_text()
    for page in ("table-lite-seesr-table2.html", "viewer-lite-photos-real.html", "method-seesr.html", "metric-lpips.html"):
        assert (site / page).stat().st_size > 1000
    done = _run(clone, sys.executable, "-m", "semsr", "report", "lite-sed-table1", "lite-seesr-table3")
    assert done.returncode == 0, done.stderr
    assert (clone / "results/lite/report-lite-sed-table1.html").stat().st_size > 100_000
    for address in (
        "lite-seesr-table2:Real-ESRGAN:lpips",
        "lite-sed-table1:sed/tiny-p-sed:psnr",
        "lite-seesr-table3:DAT-light:pq",
    ):
        done = _run(clone, sys.executable, "-m", "semsr", "trace", address, "--verify", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)
