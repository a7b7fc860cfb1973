"""The score stage on a prepared data set, also when it is killed in the middle."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from semsr.errors import PairingError, PictureError, SemsrError, SizeMismatchError, StorageError
from semsr.evaluation import scoring
from semsr.evaluation.protocol import resolve
from semsr.evaluation.scores import SCHEMA, read_scores
from semsr.files import sha256_file
from semsr.imaging.pictures import read_rgb, write_png
from semsr.plugins import forget_plugins
from semsr.preparation.manifest import open_prepared
from semsr.project import Project
from semsr.stages import score as stage

AddProtocol = Callable[..., str]
ROWS = 3
"""Two methods' and HR itself."""


def run(project: Project, dataset: str = "photos") -> Path:
    project = Project(project.root)
    return stage.run(project, project.profile("quick"), dataset)


def images(project: Project, row: str = "alpha/default", dataset: str = "photos") -> Path:
    return project.results("quick") / "cells" / dataset / row / "images"


def test_writes_the_long_form(prepared: Project, add_protocol: AddProtocol) -> None:
    add_protocol("p", error="mae", edges="edges", colour="colour", a="absent")
    (images(prepared, "beta/two").parent / "run.json").write_text('{"fingerprint": "of beta"}')
    path = run(prepared)
    assert path == prepared.results("quick") / "scores" / "photos.parquet"
    records = read_scores(path)
    assert list(records[0]) == SCHEMA.names
    rows = Counter((record["method"], record["variant"], record["metric"]) for record in records)
    expected = {
        (method, variant, metric): 1 if metric == "colour" else 12
        for method, variant in (("alpha", "default"), ("beta", "two"), ("reference", "hr"))
        for metric in ("error", "edges", "colour", "a")
    }
    assert rows == expected, "beta's other variant is not in the profile, the training picture is not tested"
    one = next(
        record for record in records if record["image"] == "p03" and record["metric"] == "error" and record["method"] == "beta"
    )
    difference = np.abs(
        read_rgb(images(prepared, "beta/two") / "p03.png").astype(float) - read_rgb(prepared.data / "photos/hr/p03.png")
    )
    made_from = {
        "manifest": open_prepared(prepared, "photos").sha256,
        "cell": "of beta",
        "picture": sha256_file(images(prepared, "beta/two") / "p03.png"),
    }
    assert one == made_from | {
        "image": "p03", "metric": "error", "value": difference.mean(), "dataset": "photos", "method": "beta", "variant": "two", "seed": 0,
        "protocol": "p", "protocol_hash": resolve(prepared, "p").hash, "metric_id": "mae", "metric_version": 1, "weights": "",
        "unavailable": "",
    }  # fmt: skip
    absent = [record for record in records if record["metric"] == "a"]
    assert {record["unavailable"] for record in absent} == {
        "package 'no-such-package-anywhere' is not installed (pip install 'no-such-package-anywhere>=3')"
    }
    assert np.isnan([record["value"] for record in absent]).all()
    assert {record["image"] for record in records if record["metric"] == "colour"} == {"*"}
    assert {record["cell"] for record in records if record["method"] == "alpha"} == {""}, "it has no run.json"
    assert {record["cell"] for record in records if record["method"] == "reference"} == {made_from["manifest"]}
    perfect = {record["metric"]: record["value"] for record in records if record["method"] == "reference"}
    assert perfect["error"] == 0 and perfect["colour"] == 0, "HR is measured against itself"
    listed = "".join(f"{path.stem} {sha256_file(path)}\n" for path in sorted(images(prepared, "beta/two").iterdir()))
    of_set = {record["picture"] for record in records if record["image"] == "*" and record["method"] == "beta"}
    assert of_set == {hashlib.sha256(listed.encode()).hexdigest()}


def test_without_reference(prepared: Project, add_protocol: AddProtocol, pictures: Callable[..., dict[str, Path]]) -> None:
    add_protocol("p", error="mae", contrast="contrast")
    names = {f"p{at:02}": (16, 12) for at in range(12)} | {"train": (16, 12)}
    pictures("project/results/quick/cells/blind/alpha/default/images", names)
    records = read_scores(run(prepared, "blind"))
    assert {(record["metric"], record["unavailable"]) for record in records} == {("error", "no reference"), ("contrast", "")}
    assert {record["method"] for record in records} == {"alpha"}, "there is no HR to be a row"


def test_a_row_not_restored_yet_is_said(prepared: Project, add_protocol: AddProtocol, caplog: pytest.LogCaptureFixture) -> None:
    add_protocol("p", error="mae")
    shutil.rmtree(images(prepared, "beta/two"))
    with caplog.at_level(logging.WARNING):
        records = read_scores(run(prepared))
    assert {record["method"] for record in records} == {"alpha", "reference"}
    assert "photos: beta/two is not restored yet: run `semsr infer beta --dataset photos`" in caplog.text
    shutil.rmtree(images(prepared))
    with pytest.raises(SemsrError, match="no method of profile 'quick' has been restored yet"):
        run(prepared)
    with pytest.raises(SemsrError, match="profile 'quick' does not have data set 'other'"):
        prepared.data.joinpath("photos").rename(prepared.data / "other")
        shutil.copytree(prepared.root / "datasets/photos", prepared.root / "datasets/other")
        card = prepared.root / "datasets/other/dataset.yaml"
        card.write_text(card.read_text().replace("id: photos", "id: other"))
        run(prepared, "other")


def _remove(folder: Path) -> None:
    (folder / "p07.png").unlink()


def _add(folder: Path) -> None:
    shutil.copy(folder / "p07.png", folder / "stray.png")


def _resize(folder: Path) -> None:
    write_png(folder / "p07.png", np.zeros((15, 12, 3), np.uint8))


def _truncate(folder: Path) -> None:
    (folder / "p07.png").write_bytes((folder / "p07.png").read_bytes()[:-100])


def _empty(folder: Path) -> None:
    (folder / "p07.png").write_bytes(b"")


@pytest.mark.parametrize(
    ("harm", "error", "message"),
    [
        (_remove, PairingError, "alpha/default/images: 11 of the 12 pictures of data set 'photos' .*'p07' is missing"),
        (_add, PairingError, "'stray' is in the folder but not in data set 'photos'"),
        (_resize, SizeMismatchError, r"p07\.png: 12x15 pixels \(width x height\), but its HR picture is 12x16"),
        (_truncate, PictureError, r"p07\.png: truncated or damaged"),
        (_empty, PictureError, r"p07\.png: the file is empty"),
    ],
)
def test_bad_outputs_are_named_and_nothing_is_written(
    prepared: Project, add_protocol: AddProtocol, harm: Callable[[Path], None], error: type[Exception], message: str
) -> None:
    add_protocol("p", error="mae")
    harm(images(prepared))
    with pytest.raises(error, match=message):
        run(prepared)
    assert not (prepared.results("quick") / "scores").exists()


def test_a_full_disk_is_one_clear_line(prepared: Project, add_protocol: AddProtocol, small_disk: Path) -> None:
    add_protocol("p", error="mae")
    (prepared.results("quick") / "journals").symlink_to(small_disk)
    with (small_disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space left"):
        while True:
            filler.write(b"\0" * 4096)
    with pytest.raises(StorageError, match="no space left on the disk"):
        run(prepared)
    (small_disk / "filler").unlink()
    run(prepared)


# Rows that are trained here: a cell a seed.


@pytest.fixture
def trained(prepared: Project, add_protocol: AddProtocol, pictures: Callable[..., dict[str, Path]]) -> Project:
    """A method with one row of seeds 1, 2 and 3, one row trained once and one not at all; two seeds are restored."""
    add_protocol("p", error="mae")
    recipe = {
        "generator": {"network": "small"}, "data": {"dataset": "photos", "patch": 16}, "batch": 1, "steps": 1,
        "losses": {"pixel": {"kind": "l1"}},
    }  # fmt: skip
    row = {"label": "a row", "trust": "L3"}
    card = {
        "id": "gamma", "title": "gamma", "licence": "CC0-1.0", "runner": "python", "entry": "m:M", "parts": "m:P",
        "variants": {"wide": row | {"training": "long"}, "base": row | {"training": "once"}, "plain": {"label": "plain"}},
    }  # fmt: skip
    (prepared.root / "methods/gamma").mkdir()
    for name, content in (("method", card), ("recipes", {"long": recipe, "once": recipe | {"once": True}})):
        (prepared.root / f"methods/gamma/{name}.yaml").write_text(yaml.safe_dump(content))
    profile = prepared.root / "profiles/quick.yaml"
    changed = yaml.safe_load(profile.read_text())
    changed["tracks"]["real"] |= {"methods": ["alpha"], "trained": ["gamma"]}
    changed["training"] = {"methods": ["gamma"], "seeds": [1, 2, 3]}
    profile.write_text(yaml.safe_dump(changed))
    tested = {f"p{at:02}": (16, 12) for at in range(12)}
    for at, cell in enumerate(("wide@1", "wide@2", "base@1", "plain", "wide", "wide@7")):
        pictures(f"project/results/quick/cells/photos/gamma/{cell}/images", tested, 100 + at)
    return prepared


def test_each_seed_of_a_trained_row_is_scored(trained: Project, caplog: pytest.LogCaptureFixture) -> None:
    """Not the cell of a seed that the profile does not have, nor one of a time before the row was trained here."""
    with caplog.at_level(logging.WARNING):
        path = run(trained)
    rows = [(record["method"], record["variant"], record["seed"]) for record in read_scores(path)]
    assert Counter(rows) == dict.fromkeys(
        [
            ("alpha", "default", 0), ("gamma", "base", 1), ("gamma", "plain", 0), ("gamma", "wide", 1), ("gamma", "wide", 2),
            ("reference", "hr", 0),
        ],
        12,
    )  # fmt: skip
    assert rows == sorted(rows)
    said = "photos: gamma/wide@3 is not restored yet: run `semsr train gamma --variant wide --seed 3`, then "
    assert said + "`semsr infer gamma --dataset photos`" in caplog.text
    values = {(record["variant"], record["seed"]): record["value"] for record in read_scores(path) if record["image"] == "p03"}
    hr = read_rgb(trained.data / "photos/hr/p03.png").astype(float)
    for seed in (1, 2):
        sr = read_rgb(images(trained, f"gamma/wide@{seed}") / "p03.png")
        assert values["wide", seed] == np.abs(sr - hr).mean()


def test_a_seed_that_lacks_a_picture_is_named(trained: Project) -> None:
    (images(trained, "gamma/wide@2") / "p07.png").unlink()
    with pytest.raises(
        PairingError, match=r"gamma/wide@2/images: 11 of the 12 pictures of data set 'photos' .*'p07' is missing"
    ):
        run(trained)


def test_a_variant_that_no_card_has_is_a_user_s_mistake(trained: Project) -> None:
    profile = trained.root / "profiles/quick.yaml"
    profile.write_text(yaml.safe_dump(yaml.safe_load(profile.read_text()) | {"variants": {"gamma": ["wode"]}}))
    with pytest.raises(SemsrError, match="unknown variant 'gamma/wode'; did you mean 'gamma/wide'"):
        run(trained)


# What is done again after a change, and what is not.


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Counter[str]]:
    """How often each picture was measured by `mae` since the last question."""
    path = tmp_path / "notes"
    monkeypatch.setenv("SEMSR_TEST_NOTES", str(path))

    def since() -> Counter[str]:
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return Counter(name for line in lines if line.startswith("sr ") for name in line.split(" ")[1].split(","))

    return since


def test_only_what_changed_is_measured_again(
    prepared: Project, add_protocol: AddProtocol, measured: Callable[[], Counter[str]]
) -> None:
    add_protocol("p", error="mae")
    first = run(prepared).read_bytes()
    assert set(measured().values()) == {ROWS}
    assert run(prepared).read_bytes() == first
    assert measured() == Counter()

    write_png(images(prepared) / "p07.png", np.zeros((16, 12, 3), np.uint8))
    assert run(prepared).read_bytes() != first
    assert measured()["p07"] == 1
    write_png(prepared.data / "photos/hr/p07.png", np.zeros((16, 12, 3), np.uint8))
    run(prepared)
    assert measured()["p07"] == ROWS, "a new reference counts for all rows"

    add_protocol("p", title="another title", error="mae", edges="edges")
    run(prepared)
    assert measured() == Counter(), "a metric added leaves the others"
    add_protocol("p", error=("mae", {"border": 1}))
    run(prepared)
    assert set(measured().values()) == {ROWS}, "another option is another metric"

    code = prepared.root / "metrics/simple/simple.py"
    code.write_text(code.read_text() + "\n# changed\n")
    forget_plugins()
    run(prepared)
    assert set(measured().values()) == {ROWS}, "changed code makes old values worthless"
    prepared.lock.write_text("numpy==3\n")
    run(prepared)
    assert set(measured().values()) == {ROWS}, "and so do other packages"


def test_a_method_added_is_the_only_one_measured(
    prepared: Project, add_protocol: AddProtocol, measured: Callable[[], Counter[str]]
) -> None:
    add_protocol("p", error="mae")
    run(prepared)
    measured()
    profile = prepared.root / "profiles/quick.yaml"
    profile.write_text(yaml.safe_dump(yaml.safe_load(profile.read_text()) | {"variants": {}}))
    assert {record["variant"] for record in read_scores(run(prepared))} == {"default", "one", "two", "hr"}
    assert set(measured().values()) == {1}


def test_a_seed_added_is_the_only_one_measured(
    trained: Project, measured: Callable[[], Counter[str]], pictures: Callable[..., dict[str, Path]]
) -> None:
    run(trained)
    assert set(measured().values()) == {6}
    pictures("project/results/quick/cells/photos/gamma/wide@3/images", {f"p{at:02}": (16, 12) for at in range(12)}, 200)
    assert {record["seed"] for record in read_scores(run(trained))} == {0, 1, 2, 3}
    assert set(measured().values()) == {1}


def test_scores_of_another_version_are_not_read(prepared: Project, add_protocol: AddProtocol) -> None:
    add_protocol("p", error="mae")
    path = run(prepared)
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.drop_columns(["seed"]), path)
    with pytest.raises(
        SemsrError, match="made by another version of semsr: no column seed; delete it and run `semsr score` again"
    ):
        read_scores(path)


def test_what_was_not_available_is_tried_again(prepared: Project, add_protocol: AddProtocol) -> None:
    add_protocol("p", bad=("broken", {"gives": "small"}))
    assert {record["unavailable"] for record in read_scores(run(prepared))} == {"the pictures are too small"}
    assert "small" not in (prepared.results("quick") / "journals/photos.jsonl").read_text()
    assert {record["unavailable"] for record in read_scores(run(prepared))} == {"the pictures are too small"}


# Killed for real.

PROGRAM = """
import sys
from pathlib import Path
from semsr.evaluation import scoring
from semsr.project import Project
from semsr.stages import score
scoring.BATCH["cpu"] = (16 * 12, 1)
project = Project(Path(sys.argv[1]))
score.run(project, project.profile("quick"), "photos")
"""


def start(project: Project, notes: Path, pause: float) -> subprocess.Popen[bytes]:
    variables = {"SEMSR_TEST_NOTES": str(notes), "SEMSR_TEST_PAUSE": str(pause), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(project.root)], env={**os.environ, **variables})


def measurements(notes: Path) -> int:
    return sum(line.startswith("sr ") for line in notes.read_text().splitlines()) if notes.exists() else 0


@pytest.mark.parametrize("threads", [1, 2])
def test_killed_and_started_again(
    prepared: Project, add_protocol: AddProtocol, tmp_path: Path, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 in the middle: the second run gives the bytes of an undisturbed one, and only what was in work is done again."""
    add_protocol("p", error="mae", edges="edges", colour="colour")
    profile = prepared.root / "profiles/quick.yaml"
    profile.write_text(profile.read_text().replace("threads: 1", f"threads: {threads}"))
    results, notes = prepared.results("quick"), tmp_path / "notes"
    monkeypatch.setitem(scoring.BATCH, "cpu", (16 * 12, 1))
    undisturbed = run(prepared).read_bytes()
    shutil.rmtree(results / "scores")
    shutil.rmtree(results / "journals")

    process = start(prepared, notes, 0.1)
    deadline = time.monotonic() + 60
    while measurements(notes) < 9 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert 9 <= measurements(notes) < 12 * ROWS, "killed in the middle"
    assert not (results / "scores").exists()

    assert start(prepared, notes, 0).wait() == 0
    assert (results / "scores/photos.parquet").read_bytes() == undisturbed
    assert 12 * ROWS < measurements(notes) <= 12 * ROWS + threads, "one picture was in work in each thread"
