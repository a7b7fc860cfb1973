"""The machine's examination: canaries that are the same everywhere, stored values that are right, and deviations that are found."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from rich.console import Console

from semsr.errors import MetricError, SemsrError
from semsr.passport import machine_noise, read_passport
from semsr.plugins import forget_plugins
from semsr.project import Project
from semsr.stages import doctor, doctor_page
from semsr.stages.doctor_canaries import FLAT, HARMS, OFFSET, canaries, harmed, lr_canary, sha256_of
from semsr.stages.doctor_stored import read_methods, read_metrics

# The canaries, and what is stored of them.


def test_canaries_are_those_that_values_are_stored_for(project: Project) -> None:
    stored, _ = read_metrics(project)
    assert {name: sha256_of(picture) for name, picture in canaries().items()} == stored
    assert read_methods(project)[0] == sha256_of(lr_canary())


def splitmix(index: int, seed: int) -> int:
    """Steele, Lea and Flood 2014, figure 17, with Python's own whole numbers."""
    mask = 2**64 - 1
    z = (index * 0x9E3779B97F4A7C15 + seed * 0xD1B54A32D192ED03) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return (z ^ (z >> 31)) >> 56


def test_noise_is_that_of_a_known_generator() -> None:
    noise = canaries()["noise-128"]
    for y, x in ((0, 0), (0, 1), (3, 77), (127, 127)):
        assert noise[y, x].tolist() == [splitmix(y * 128 + x, seed) for seed in (1, 2, 3)]
    assert abs(noise.mean() - 127.5) < 1 and abs(noise.std() - 73.9) < 1, "of a uniform distribution"


def test_harms_do_what_they_are_called() -> None:
    for name, picture in canaries().items():
        whole = picture.astype(int)
        assert np.array_equal(harmed(picture, "same"), picture)
        assert (np.abs(harmed(picture, "offset") - whole) == OFFSET).all(), name
        assert 0 < np.abs(harmed(picture, "noisy") - whole).max() <= 16, name
        blurred = harmed(picture, "blurred").astype(int)
        assert np.array_equal(blurred[5, 7], np.floor(whole[4:7, 6:9].mean(axis=(0, 1)) + 0.5)), name


def _luma(picture: Any) -> Any:
    """BT.601, 16 to 235, not rounded."""
    return 16 + picture.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255


def test_stored_values_of_psnr_follow_from_its_definition(project: Project) -> None:
    _, columns = read_metrics(project)
    keys = [key for key, column in columns.items() if column.metric == "psnr"]
    assert len(keys) == 2
    for key in keys:
        options = json.loads(key.partition("{")[1] + key.partition("{")[2])
        cut = slice(options["border"], -options["border"] or None)
        for name, picture in canaries().items():
            for how in HARMS:
                error = np.mean((_luma(harmed(picture, how)) - _luma(picture))[cut, cut] ** 2) / 255**2 + options["epsilon"]
                expected = -10 * math.log10(error) if error > 0 else math.inf
                assert columns[key].values[f"{how}/{name}"] == pytest.approx(expected, abs=1e-9), (key, how, name)
        # Where every pixel is off by 10 in all channels, luma is off by 219/255 of that.
        closed = 20 * math.log10(255 / OFFSET * 255 / 219)
        for name in ("flat-112", "edges-128", "zone-plate-256"):
            assert columns[key].values[f"offset/{name}"] == pytest.approx(closed, abs=1e-4)


def test_stored_values_of_ssim_follow_from_its_definition(project: Project) -> None:
    from skimage.metrics import structural_similarity

    _, columns = read_metrics(project)
    keys = [key for key, column in columns.items() if column.metric == "ssim"]
    assert len(keys) == 2
    for key in keys:
        options = json.loads(key.partition("{")[1] + key.partition("{")[2])
        for name, picture in canaries().items():
            for how in HARMS:
                planes = [_luma(each) for each in (picture, harmed(picture, how))]
                planes = [np.round(plane) if options["rounded"] else plane for plane in planes]
                cut = slice(options["border"], -options["border"] or None)
                _, local = structural_similarity(
                    *(plane[cut, cut] for plane in planes), data_range=255, gaussian_weights=True, sigma=1.5,
                    use_sample_covariance=False, full=True,
                )  # fmt: skip
                value, local = columns[key].values[f"{how}/{name}"], local[5:-5, 5:-5]
                if options["clamp_contrast"] and local.min() < 0:  # contrast below 0 counts as 0
                    assert value is not None and local.mean() < value < np.maximum(local, 0).mean() + 1e-12
                    continue
                assert value == pytest.approx(local.mean(), abs=1e-5 if options["rounded"] else 1e-9), (
                    key,
                    how,
                    name,
                )
        first, second = (16 + 219 * grey / 255 for grey in (FLAT, FLAT + OFFSET))
        first, second = (round(first), round(second)) if options["rounded"] else (first, second)
        c1 = (0.01 * 255) ** 2
        closed = (2 * first * second + c1) / (first**2 + second**2 + c1)
        assert columns[key].values["offset/flat-112"] == pytest.approx(closed, abs=1e-9)


def test_what_is_perfect_is_stored_as_perfect(project: Project) -> None:
    _, columns = read_metrics(project)
    perfect = {"lpips": 0.0, "lpips-vgg": 0.0, "dists": 0.0, "ssim": 1.0}
    assert {column.metric for column in columns.values()} >= {*perfect, "psnr", "niqe"}
    for column in columns.values():
        for name, value in column.values.items():
            if column.metric in perfect and name.startswith("same/"):
                assert value == pytest.approx(perfect[column.metric], abs=1e-6)
    niqe = next(column for column in columns.values() if column.metric == "niqe")
    assert [name for name, value in niqe.values.items() if value is None] == [
        f"{how}/flat-112" for how in ("blurred", "offset", "same")
    ]


def test_stored_pictures_of_interpolations_follow_from_lr(project: Project) -> None:
    _, rows = read_methods(project)
    assert np.array_equal(rows["bicubic/nearest"].picture, np.kron(lr_canary(), np.ones((4, 4, 1), np.uint8)))
    assert {"bicubic/default", "dat/default", "real-esrgan/default"} <= set(rows)


# The examination, on a project with two metrics and one method.


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, with what it gave stored in `canaries/`."""
    root, real = tmp_path_factory.mktemp("doctor") / "clinic", Project.find().root
    shutil.copytree(real / "metrics/fidelity", root / "metrics/fidelity")
    shutil.copytree(real / "methods/bicubic", root / "methods/bicubic")
    (root / "metrics/protocols").mkdir(parents=True)
    columns = [{"name": "psnr", "metric": "psnr", "options": {"border": 4}}, {"name": "ssim", "metric": "ssim"}]
    card = {"id": "way", "title": "A way", "columns": columns, "source": "a test"}
    (root / "metrics/protocols/way.yaml").write_text(yaml.safe_dump(card))
    (root / "profiles").mkdir()
    profile = {"id": "quick", "title": "Quick", "device": "cpu", "tracks": {"real": {"methods": ["bicubic"], "datasets": []}}}
    (root / "profiles/quick.yaml").write_text(yaml.safe_dump(profile))
    forget_plugins()
    assert doctor.run(Project(root), device="cpu", threads=1, write=True).written
    shutil.rmtree(root / "results")
    return root


@pytest.fixture
def clinic(built: Path, tmp_path: Path) -> Project:
    return Project(shutil.copytree(built, tmp_path / "clinic"))


@pytest.fixture
def examine(clinic: Project) -> Callable[..., doctor.Diagnosis]:
    def run(**options: Any) -> doctor.Diagnosis:
        forget_plugins()
        return doctor.run(Project(clinic.root), **{"device": "cpu", "threads": 1} | options)

    return run


def standings(diagnosis: doctor.Diagnosis) -> dict[str, str]:
    return {check.name: check.standing for check in diagnosis.checks}


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, path
    path.write_text(text.replace(old, new))


def test_without_stored_values_nothing_is_compared(clinic: Project, examine: Callable[..., doctor.Diagnosis]) -> None:
    shutil.rmtree(clinic.root / "canaries")
    diagnosis = examine()
    assert set(standings(diagnosis).values()) == {"not stored"} and diagnosis.sound
    assert diagnosis.passport.canaries == ()


def test_a_sound_machine_agrees_with_itself(clinic: Project, examine: Callable[..., doctor.Diagnosis]) -> None:
    stored = {path: path.read_bytes() for path in (clinic.root / "canaries").rglob("*.*")}
    assert len(stored) == 4
    diagnosis = examine()
    assert standings(diagnosis) == dict.fromkeys(["psnr, border 4", "ssim", "bicubic/default", "bicubic/nearest"], "ok")
    assert diagnosis.sound and all(check.deviation == 0 for check in diagnosis.checks)
    assert {path: path.read_bytes() for path in (clinic.root / "canaries").rglob("*.*")} == stored
    assert machine_noise(clinic, diagnosis.passport.id) == {}, "agreeing with oneself is no measure of noise"
    kept = read_passport(clinic, diagnosis.passport.id)
    assert kept == diagnosis.passport and kept.canaries is not None and [each.count for each in kept.canaries] == [36, 36]
    assert diagnosis.file == f"results/passports/{diagnosis.passport.id}.json"
    assert [(profile.id, profile.rows, profile.ready) for profile in diagnosis.surroundings.profiles] == [("quick", 2, 2)]


def test_what_is_written_twice_is_the_same(clinic: Project, examine: Callable[..., doctor.Diagnosis]) -> None:
    stored = {path: path.read_bytes() for path in (clinic.root / "canaries").rglob("*.*")}
    (clinic.root / "canaries/methods/gone@default.png").write_bytes(b"of a method that is gone")
    examine(write=True)
    assert {path: path.read_bytes() for path in (clinic.root / "canaries").rglob("*.*")} == stored


@pytest.mark.parametrize(("shift", "standing"), [(0.004, "ok"), (0.02, "deviates")])
def test_a_metric_that_gives_other_values_is_found(
    clinic: Project, examine: Callable[..., doctor.Diagnosis], shift: float, standing: str
) -> None:
    """PSNR prints two digits: 0.004 dB change none, 0.02 dB do."""
    change(clinic.root / "metrics/fidelity/psnr.py", "for mine, theirs in pairs])", f"for mine, theirs in pairs]) + {shift}")
    diagnosis = examine()
    assert standings(diagnosis) == {"psnr, border 4": standing, "ssim": "ok", "bicubic/default": "ok", "bicubic/nearest": "ok"}
    check = diagnosis.checks[0]
    assert check.deviation == pytest.approx(shift, abs=1e-9) and check.value == pytest.approx((check.stored or 0) + shift)
    assert diagnosis.sound == (standing == "ok")
    assert check.why == ("" if diagnosis.sound else "25 of 36 values are off by more than 0.005"), "11 are infinite"


def test_infinity_on_one_side_is_no_agreement(clinic: Project, examine: Callable[..., doctor.Diagnosis]) -> None:
    change(
        clinic.root / "metrics/fidelity/psnr.py", "for mine, theirs in pairs])", "for mine, theirs in pairs]).clip(max=80.0)"
    )
    diagnosis = examine()
    check = diagnosis.checks[0]
    assert check.standing == "deviates" and math.isnan(check.deviation or 0) and check.stored == math.inf
    assert json.loads(doctor_page.render_json(diagnosis))["checks"][0]["stored"] == "inf"
    kept = read_passport(clinic, diagnosis.passport.id)
    assert kept is not None and kept.canaries is not None and math.isnan(kept.canaries[0].largest)


def test_a_method_that_gives_other_pixels_is_found(clinic: Project, examine: Callable[..., doctor.Diagnosis]) -> None:
    change(
        clinic.root / "methods/bicubic/method.py",
        "return lr.repeat_interleave",
        "lr = lr.roll(1, 3)\n            return lr.repeat_interleave",
    )
    diagnosis = examine()
    assert standings(diagnosis)["bicubic/nearest"] == "deviates" and standings(diagnosis)["bicubic/default"] == "ok"
    check = diagnosis.checks[-1]
    assert check.deviation == abs((check.value or 0) - (check.stored or 0)) > 1 and check.picture.startswith("pixel ")


def test_stored_on_another_processor_it_is_a_measure_of_noise(
    clinic: Project, examine: Callable[..., doctor.Diagnosis]
) -> None:
    path = clinic.root / "canaries/metrics.json"
    stored = json.loads(path.read_text())
    for key, column in stored["columns"].items():
        column["hardware"] = "another"
        if key.startswith("ssim"):
            column["values"]["noisy/ramp-128"] += 3e-6
    path.write_text(json.dumps(stored))
    diagnosis = examine()
    assert diagnosis.sound
    assert machine_noise(clinic, diagnosis.passport.id) == {"psnr": 0.0, "ssim": pytest.approx(3e-6)}


def test_what_cannot_be_computed_keeps_its_stored_values(clinic: Project, examine: Callable[..., doctor.Diagnosis]) -> None:
    before = read_metrics(clinic)
    change(clinic.root / "metrics/fidelity/ssim.yaml", "licence:", "requires: [no-such-package-anywhere]\nlicence:")
    diagnosis = examine(write=True)
    assert standings(diagnosis)["ssim"] == "not available"
    assert diagnosis.checks[1].why.startswith("package 'no-such-package-anywhere' is not installed")
    assert read_metrics(clinic) == before


def test_nothing_is_fetched(clinic: Project, examine: Callable[..., doctor.Diagnosis], monkeypatch: pytest.MonkeyPatch) -> None:
    store = clinic.root / "store"
    monkeypatch.setenv("SEMSR_ASSETS", str(store))
    mirror = {"kind": "file", "path": str(clinic.root / "w.bin")}
    asset = {
        "id": "w",
        "title": "Weights",
        "file": "w.bin",
        "licence": "CC0-1.0",
        "mirrors": [mirror],
        "manual": "Ask.",
        "source": "a test",
        "sha256": "0" * 64,
    }
    (clinic.root / "w.bin").write_bytes(b"weights")
    (clinic.root / "metrics/fidelity/assets.yaml").write_text(yaml.safe_dump({"assets": [asset]}))
    change(clinic.root / "metrics/fidelity/ssim.yaml", "licence:", "assets: [w]\nlicence:")
    head = "class Ssim(Metric):\n"
    made = "    def __init__(self, workshop):\n        super().__init__(workshop)\n        workshop.asset('w')\n\n"
    change(clinic.root / "metrics/fidelity/ssim.py", head, head + made)
    diagnosis = examine()
    assert standings(diagnosis)["ssim"] == "not available"
    assert diagnosis.checks[1].why == "asset w: not in the store; `semsr doctor` fetches nothing"
    assert not store.exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"columns": {"psnr@1{}": {"metric": "psnr"}}}', '{"pictures": 3}'])
def test_damaged_stored_values_are_one_clear_line(clinic: Project, examine: Callable[..., doctor.Diagnosis], text: str) -> None:
    (clinic.root / "canaries/metrics.json").write_text(text)
    with pytest.raises(
        SemsrError, match=r"^canaries/metrics\.json: not readable as stored values .*; get it from the project again"
    ):
        examine()


def test_a_stored_picture_that_is_gone_is_named(clinic: Project, examine: Callable[..., doctor.Diagnosis]) -> None:
    (clinic.root / "canaries/methods/bicubic@nearest.png").unlink()
    with pytest.raises(SemsrError, match=r"bicubic@nearest\.png"):
        examine()


def test_a_canary_that_comes_out_otherwise_is_said_before_anything_is_measured(
    clinic: Project, examine: Callable[..., doctor.Diagnosis]
) -> None:
    path = clinic.root / "canaries/metrics.json"
    stored = json.loads(path.read_text())
    stored["pictures"]["ramp-128"] = "0" * 64
    path.write_text(json.dumps(stored))
    with pytest.raises(MetricError, match=r"canary ramp-128: its pixels have SHA-256 .* mend numpy's installation"):
        examine()


def test_the_page_says_all_of_it(
    clinic: Project, examine: Callable[..., doctor.Diagnosis], capsys: pytest.CaptureFixture[str]
) -> None:
    change(clinic.root / "metrics/fidelity/psnr.py", "for mine, theirs in pairs])", "for mine, theirs in pairs]) + 1")
    diagnosis = examine()
    doctor_page.render(diagnosis, Console(width=80))
    shown = capsys.readouterr().out
    for said in (
        f"Machine {diagnosis.passport.id}",
        "psnr, border 4",
        "deviates: 25 of 36 values",
        "1.0e+00",
        "0.005",
        "1 of 4 deviate: psnr",
    ):
        assert said in shown, shown
    told = json.loads(doctor_page.render_json(diagnosis))
    assert told["sound"] is False and told["passport"] == diagnosis.passport.id and len(told["checks"]) == 4


def test_the_exit_status_says_whether_something_deviates(clinic: Project, examine: Callable[..., doctor.Diagnosis]) -> None:

    def semsr(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "SEMSR_PROJECT": str(clinic.root)}
        return subprocess.run(
            [sys.executable, "-m", "semsr", "doctor", *words], env=environment, capture_output=True, text=True, check=False
        )

    done = semsr("--device", "cpu", "--threads", "1")
    assert done.returncode == 0 and "All 4 metrics and methods" in done.stdout, done.stderr
    change(clinic.root / "metrics/fidelity/psnr.py", "for mine, theirs in pairs])", "for mine, theirs in pairs]) + 1")
    done = semsr("--device", "cpu", "--threads", "1", "--json")
    assert done.returncode == 1 and json.loads(done.stdout)["sound"] is False
    done = semsr("--device", "gpu")
    assert done.returncode == 2 and done.stderr == "error: device: found 'gpu'; allowed: cpu, cuda, auto\n"
