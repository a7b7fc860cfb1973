"""Whole trainings of a toy: what is left behind, in which precision, and what stops them."""

from __future__ import annotations

import copy
import csv
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn.utils.spectral_norm import SpectralNorm

from semsr.errors import SemsrError, StorageError, WeightsError
from semsr.training import run as run_module
from semsr.training.networks import make_step
from semsr.training.process import Processes
from semsr.training.run import train


def rows(path: Path) -> list[dict[str, float]]:
    with path.open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_is_left_behind(toy: ModuleType, tmp_path: Path) -> None:
    card = toy.recipe(validation={"every": 4, "dataset": "toy", "protocol": "toy"}, steps=6)
    facts = train(toy.job(tmp_path, card, validate=toy.validate, tensorboard=True))
    left = {name for name in files(tmp_path) if not name.startswith("tensorboard/")}
    assert left == {
        "generator.safetensors",
        "discriminator.safetensors",
        "log.csv",
        "validation.csv",
        "checkpoints/step-00000006.pt",
    }
    assert (tmp_path / "checkpoints/step-00000006.pt").stat().st_size < 10_000  # it only says that all is done
    assert [row["step"] for row in rows(tmp_path / "validation.csv")] == [0, 4, 6]
    assert facts["steps"] == 6 and facts["processes"] == 1 and facts["precision"] == "fp32" and facts["toy"] is True
    assert facts["losses"]["step"] == 6 and 0 <= facts["loader_share"] <= 1 and facts["peak_memory_bytes"] > 0
    step = make_step(toy.job(tmp_path, card), Processes("cpu"))
    step.generator.network.load_state_dict(load_file(tmp_path / "generator.safetensors"))
    assert step.discriminator is not None
    step.discriminator.network.load_state_dict(load_file(tmp_path / "discriminator.safetensors"))


def test_tensorboard_holds_the_same_numbers(toy: ModuleType, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(toy.job(tmp_path, toy.recipe(steps=4), tensorboard=True))
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()  # type: ignore[no-untyped-call]
    written = [event.value for event in events.Scalars("training/pixel")]  # type: ignore[no-untyped-call]
    assert written == pytest.approx([row["pixel"] for row in rows(tmp_path / "log.csv")], rel=1e-6)


def test_a_finished_one_is_not_trained_again(toy: ModuleType, tmp_path: Path) -> None:
    """A run killed after the end, before it is recorded."""
    facts = train(toy.job(tmp_path, toy.recipe()))
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in files(tmp_path)}
    assert train(toy.job(tmp_path, toy.recipe())) == facts
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in files(tmp_path)} == before
    (tmp_path / "generator.safetensors").unlink()
    with pytest.raises(SemsrError, match="is gone; delete"):
        train(toy.job(tmp_path, toy.recipe()))


def test_without_a_discriminator(toy: ModuleType, tmp_path: Path) -> None:
    train(toy.job(tmp_path, toy.plain(steps=30)))
    log = rows(tmp_path / "log.csv")
    assert list(log[0]) == ["step", "seconds", "rate", "pixel", "gradients", "norm_generator"]
    assert not (tmp_path / "discriminator.safetensors").exists()
    assert sum(row["pixel"] for row in log[-5:]) < sum(row["pixel"] for row in log[:5])


def test_log_lines_are_means_since_the_last(toy: ModuleType, tmp_path: Path) -> None:
    train(toy.job(tmp_path / "each", toy.recipe(log=1)))
    train(toy.job(tmp_path / "some", toy.recipe(log=3)))
    each, some = rows(tmp_path / "each" / "log.csv"), rows(tmp_path / "some" / "log.csv")
    assert [row["step"] for row in some] == [3, 6, 8]
    for line, steps in zip(some, (each[:3], each[3:6], each[6:]), strict=True):
        for name in set(line) - {"step", "seconds", "rate"}:
            assert line[name] == pytest.approx(sum(row[name] for row in steps) / len(steps), rel=1e-6)


def test_the_moving_average_is_kept_and_validated(toy: ModuleType, tmp_path: Path) -> None:
    """average <- 0.7 average + 0.3 weights after each step, from the start on."""
    step = make_step(toy.job(tmp_path, toy.recipe(ema=0.7)), Processes("cpu"))
    expected = {name: value.clone() for name, value in step.generator.network.state_dict().items()}
    pictures = toy.Pictures()
    for number in range(3):
        sample = pictures[0, number]
        step([{key: sample[key][None] for key in ("lr", "hr")}])
        for name, value in step.generator.network.state_dict().items():
            expected[name] = 0.7 * expected[name] + 0.3 * value
    assert step.average is not None
    for name, value in step.average.network.state_dict().items():
        assert torch.allclose(value, expected[name], atol=1e-7)
        assert not torch.allclose(value, step.generator.network.state_dict()[name], atol=1e-7)

    seen = []
    card = toy.recipe(ema=0.7, validation={"every": 100, "dataset": "toy", "protocol": "toy"})

    def validate(network: torch.nn.Module, number: int) -> dict[str, float]:
        assert not network.training
        seen.append({name: value.clone() for name, value in network.state_dict().items()})
        return {"psnr": 0.0}

    train(toy.job(tmp_path / "run", card, validate=validate))
    kept = load_file(tmp_path / "run" / "generator.safetensors")
    assert len(seen) == 2 and all(torch.equal(kept[name], seen[1][name]) for name in kept)


def test_validation_changes_nothing(toy: ModuleType, tmp_path: Path) -> None:
    """It draws numbers and puts the network into evaluation mode; dropout and batch norm would show either."""
    options: dict[str, Any] = {"generator__options": {"dropout": 0.3, "batch_norm": True}}
    train(toy.job(tmp_path / "a", toy.recipe(**options)))
    view = {"every": 1, "dataset": "toy", "protocol": "toy"}
    train(toy.job(tmp_path / "b", toy.recipe(validation=view, **options), validate=toy.validate))
    a, b = load_file(tmp_path / "a" / "generator.safetensors"), load_file(tmp_path / "b" / "generator.safetensors")
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_workers_change_nothing(toy: ModuleType, tmp_path: Path) -> None:
    for workers in (0, 2):
        train(toy.job(tmp_path / str(workers), toy.recipe(), workers=workers))
    a, b = (load_file(tmp_path / str(workers) / "generator.safetensors") for workers in (0, 2))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_discriminators_first_weights_do_not_depend_on_the_generator(toy: ModuleType, tmp_path: Path) -> None:
    """Variants of one seed differ in what they are to differ in."""
    one = make_step(toy.job(tmp_path, toy.recipe()), Processes("cpu"))
    two = make_step(toy.job(tmp_path, toy.recipe(generator__options={"width": 12})), Processes("cpu"))
    assert one.discriminator is not None and two.discriminator is not None
    ours, theirs = one.discriminator.network.state_dict(), two.discriminator.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    other = make_step(toy.job(tmp_path, toy.recipe(), seed=2), Processes("cpu"))
    assert not torch.equal(other.generator.network.first.weight, one.generator.network.first.weight)


def test_processes_draw_their_own_numbers_for_the_same_networks(toy: ModuleType, tmp_path: Path) -> None:
    """Dropout of two processes must not be the same; their first weights must."""
    weights, draws = [], []
    for rank in (0, 1):
        processes = Processes("cpu")
        processes.rank = rank
        weights.append(make_step(toy.job(tmp_path, toy.recipe()), processes).generator.network.first.weight)
        draws.append(torch.rand(4))
    assert torch.equal(*weights) and not torch.equal(*draws)


# Precision.


def test_half_precision_follows_full_precision(toy: ModuleType, tmp_path: Path) -> None:
    """Several trainings of different precision after each other in one process; the first again at the end, to the bit."""
    logs: dict[str, list[dict[str, float]]] = {}
    for number, precision in enumerate(("fp32", "bf16", "fp16", "fp64", "fp32")):
        folder = tmp_path / f"{number}"
        facts = train(toy.job(folder, toy.recipe(precision=precision)))
        logs[f"{number} {precision}"] = rows(folder / "log.csv")
        assert facts["precision"] == precision
        kept = load_file(folder / "generator.safetensors")
        assert {value.dtype for value in kept.values()} == {torch.float64 if precision == "fp64" else torch.float32}
    strip = [[{**row, "seconds": 0} for row in logs[name]] for name in ("0 fp32", "4 fp32")]
    assert strip[0] == strip[1]
    for name, tolerance in (("1 bf16", 2e-2), ("2 fp16", 3e-3), ("3 fp64", 1e-5)):
        worst = max(abs(a["pixel"] - b["pixel"]) / b["pixel"] for a, b in zip(logs[name], logs["0 fp32"], strict=True))
        assert 0 < worst < tolerance, name
    assert logs["2 fp16"][-1]["skipped"] == 0 or logs["2 fp16"][-1]["skipped"] < 8


def test_spectral_norms_are_estimated_in_full_precision(
    toy: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Autocast of a GPU would take their products of matrices for any others (a CPU's would not)."""
    halved, estimate = [], SpectralNorm.compute_weight

    def watched(self: Any, *args: Any, **options: Any) -> Any:
        halved.append(torch.is_autocast_enabled("cpu"))
        return estimate(self, *args, **options)

    monkeypatch.setattr(SpectralNorm, "compute_weight", watched)
    step = make_step(toy.job(tmp_path, toy.recipe(precision="bf16")), Processes("cpu"))
    assert step.discriminator is not None
    halved.clear()
    logits = step.discriminator(torch.rand(1, 3, 16, 16), None)
    assert halved == [False, False] and logits.dtype == torch.float32


def test_overflowing_fp16_gradients_are_left_out_and_counted(toy: ModuleType, tmp_path: Path) -> None:
    """The first scale, 65536, is too large for a loss of this weight: it halves until the gradients fit."""
    card = toy.plain(precision="fp16", losses__pixel={"kind": "l1", "weight": 3000.0}, steps=25)
    facts = train(toy.job(tmp_path, card))
    log = rows(tmp_path / "log.csv")
    assert 0 < facts["skipped"] < 20 and log[-1]["skipped"] == facts["skipped"]
    assert math.isnan(log[0]["norm_generator"]) and math.isfinite(log[-1]["norm_generator"])
    assert log[-1]["pixel"] < log[0]["pixel"]


def test_fp16_goes_on_with_its_scale(toy: ModuleType, tmp_path: Path) -> None:
    card = toy.recipe(precision="fp16", losses__pixel={"kind": "l1", "weight": 3000.0}, steps=12)
    whole = train(toy.job(tmp_path / "whole", card))
    train(toy.job(tmp_path / "parts", card, stop_after=7))
    assert train(toy.job(tmp_path / "parts", card))["skipped"] == whole["skipped"] > 0
    a, b = (load_file(tmp_path / name / "generator.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(a[name], b[name]) for name in a)


# What stops it.


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_loss_that_is_no_number_stops_it(toy: ModuleType, tmp_path: Path, accumulate: int) -> None:
    data = toy.Pictures(poison_at=10)  # the second sample of step 5
    with pytest.raises(SemsrError) as caught:
        train(toy.job(tmp_path, toy.recipe(accumulate=accumulate), data=data))
    message = str(caught.value)
    assert message.startswith("toy/tiny@1: step 5: 'pixel' is nan; stopped") and "\n" not in message
    assert "step-00000003.pt" in message
    assert files(tmp_path) == {"log.csv", "checkpoints/step-00000003.pt"}
    assert [row["step"] for row in rows(tmp_path / "log.csv")] == [1, 2, 3, 4]
    train(toy.job(tmp_path, toy.recipe(accumulate=accumulate)))  # the good checkpoint is good


def test_an_infinite_gradient_stops_it(toy: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loss finite, gradient not: the square root at 0."""
    monkeypatch.setattr(toy, "gradients", lambda sr, hr: ((sr - sr.detach()).abs().sum() + 0.0).sqrt())
    with pytest.raises(
        SemsrError, match=r"step 1: the generator's gradient is (nan|inf); stopped, no checkpoint was due before"
    ):
        train(toy.job(tmp_path, toy.plain()))


def test_it_leaves_when_asked_to(toy: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """SIGTERM in the middle of a step: the step is finished, a checkpoint written, and the rest is as if nothing had been."""
    train(toy.job(tmp_path / "whole", toy.recipe()))
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        data, folder = toy.Pictures(), tmp_path / number.name
        get = data.__class__.__getitem__

        class Asking(toy.Pictures):  # type: ignore[misc, name-defined]
            def __getitem__(self, key: tuple[int, int], number: signal.Signals = number, get: Any = get) -> Any:
                sample = get(self, key)
                if self.asked == 9:
                    signal.raise_signal(number)
                return sample

        caplog.clear()
        with pytest.raises(SystemExit) as left:
            train(toy.job(folder, toy.recipe(), data=Asking()))
        assert left.value.code == status
        said = [message for message in caplog.messages if "stopped by" in message]
        assert len(said) == 1 and number.name in said[0] and "after step 5 of 8" in said[0] and "the same command" in said[0]
        assert (folder / "checkpoints" / "step-00000005.pt").is_file()
        train(toy.job(folder, toy.recipe()))
        a, b = (load_file(tmp_path / name / "generator.safetensors") for name in ("whole", number.name))
        assert all(torch.equal(a[name], b[name]) for name in a)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_outside_the_main_thread(toy: ModuleType, tmp_path: Path) -> None:
    """Python lets nobody handle signals there; training works all the same."""
    thread = threading.Thread(target=lambda: train(toy.job(tmp_path, toy.recipe(steps=2))))
    thread.start()
    thread.join()
    assert (tmp_path / "generator.safetensors").is_file()


@pytest.mark.slow
def test_signals_to_the_whole_group(toy: ModuleType, tmp_path: Path) -> None:
    """Workers outlive what a terminal or a job's manager sends to everybody, so that the last step gets its data."""
    assert toy.__file__ is not None
    script = (
        "import sys, logging; sys.path.insert(0, sys.argv[1]); logging.basicConfig(level=20)\n"
        "import toy; from pathlib import Path; from semsr.training.run import train\n"
        "train(toy.job(Path(sys.argv[2]), toy.recipe(steps=100000, log=10), workers=2))"
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        folder = tmp_path / number.name
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(Path(toy.__file__).parent), str(folder)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        until = time.monotonic() + 120
        while not any((folder / "checkpoints").glob("*.pt")) and time.monotonic() < until:
            time.sleep(0.1)
        os.killpg(process.pid, number)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 128 + number, said
        assert "stopped by" in said and "Traceback" not in said


# Bad input: one line each.


def refused(toy: ModuleType, folder: Path, card: Any, **changes: Any) -> str:
    with pytest.raises(SemsrError) as caught:
        train(toy.job(folder, card, **changes))
    assert "\n" not in str(caught.value)
    assert not (folder / "generator.safetensors").exists()
    return str(caught.value)


def test_bad_recipes(toy: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "batch: found 12; allowed: up to 10, the samples of toy" in refused(toy, tmp_path, toy.recipe(batch=12))
    assert "data.patch: found 40; must be a multiple of 16 for these networks, say 32 or 48" in refused(
        toy, tmp_path, toy.recipe(data__patch=40)
    )
    assert "losses.extra: found 'artifact'; allowed, as the method brings them: gradients" in refused(
        toy, tmp_path, toy.recipe(losses__extra={"artifact": 1.0})
    )
    with pytest.raises(SemsrError, match=r"batch: found 4; must be a multiple of 8, processes \(4\) times accumulate \(2\)"):
        run_module.require_sense(toy.job(tmp_path, toy.recipe(batch=4, accumulate=2)), 4)


def test_batch_of_one(toy: ModuleType, tmp_path: Path) -> None:
    assert train(toy.job(tmp_path, toy.recipe(batch=1)))["steps"] == 8


def test_data_without_what_is_needed(toy: ModuleType, tmp_path: Path) -> None:
    class Bare(toy.Pictures):  # type: ignore[misc, name-defined]
        def __getitem__(self, key: tuple[int, int]) -> dict[str, Any]:
            sample: dict[str, Any] = super().__getitem__(key)
            del sample["target"]
            return sample

    found = refused(toy, tmp_path, toy.recipe(data__target="sharpened"), data=Bare())
    assert "the training data gives no 'target', only: name, hr, lr" in found


def test_starting_from_weights(toy: ModuleType, tmp_path: Path) -> None:
    train(toy.job(tmp_path / "start", toy.plain(steps=2)))
    start = tmp_path / "start" / "generator.safetensors"
    step = make_step(toy.job(tmp_path, toy.recipe(), start=start), Processes("cpu"))
    theirs = load_file(start)
    assert all(torch.equal(value, theirs[name]) for name, value in step.generator.network.state_dict().items())
    theirs["another.weight"] = torch.ones(1)
    save_file(theirs, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r"other\.safetensors"):
        train(toy.job(tmp_path / "run", toy.recipe(), start=tmp_path / "other.safetensors"))
    assert not files(tmp_path / "run")


def test_a_checkpoint_of_another_variant(toy: ModuleType, tmp_path: Path) -> None:
    train(toy.job(tmp_path, toy.recipe(), stop_after=4))
    kept = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    found = refused(
        toy, tmp_path, toy.recipe(), identity={"method": "toy", "variant": "other", "seed": 1, "fingerprint": "abc"}
    )
    assert "step-00000004.pt: is of another training" in found and "variant is 'tiny', here 'other'" in found
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == kept


def test_a_damaged_checkpoint_falls_back(toy: ModuleType, tmp_path: Path) -> None:
    train(toy.job(tmp_path / "whole", toy.recipe()))
    train(toy.job(tmp_path / "run", toy.recipe(), stop_after=7))
    newest = tmp_path / "run" / "checkpoints" / "step-00000007.pt"
    newest.write_bytes(newest.read_bytes()[:-1000])
    train(toy.job(tmp_path / "run", toy.recipe()))
    a, b = (load_file(tmp_path / name / "generator.safetensors") for name in ("whole", "run"))
    assert all(torch.equal(a[name], b[name]) for name in a)
    strip = [[{**row, "seconds": 0} for row in rows(tmp_path / name / "log.csv")] for name in ("whole", "run")]
    assert strip[0] == strip[1]


def test_a_folder_that_cannot_be_written_to(toy: ModuleType, read_only_disk: Path) -> None:
    assert "read-only" in refused(toy, read_only_disk, toy.recipe())


def test_a_full_disk(toy: ModuleType, small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before the first step; and where it fills up later, the checkpoints that are there stay."""
    (small_disk / "filled").write_bytes(b"x" * 900_000)
    found = refused(toy, small_disk, toy.recipe())
    assert "MB free, but checkpoints take up to" in found
    (small_disk / "filled").unlink()

    # What is there already needs no room again: a training that began goes on where it could not begin.
    train(toy.job(small_disk, toy.recipe(), stop_after=6))
    held = sum(path.stat().st_size for path in (small_disk / "checkpoints").iterdir())
    networks = make_step(toy.job(tmp_path, toy.recipe()), Processes("cpu"))
    run_module.require_space(toy.job(small_disk, toy.recipe()), networks.generator.network)
    monkeypatch.setattr("semsr.training.requirements.free_bytes", lambda folder: 0)
    assert held > 100_000  # more than ten times the generator's weights
    run_module.require_space(toy.job(small_disk, toy.recipe()), networks.generator.network)
    monkeypatch.undo()
    shutil.rmtree(small_disk / "checkpoints")
    steps = iter(range(100))

    class Filling(toy.Pictures):  # type: ignore[misc, name-defined]
        def __getitem__(self, key: tuple[int, int]) -> dict[str, Any]:
            if next(steps) == 8:
                free = os.statvfs(small_disk).f_bavail * 4096
                (small_disk / "filled").write_bytes(b"x" * (free - 8192))
            sample: dict[str, Any] = super().__getitem__(key)
            return sample

    with pytest.raises(StorageError, match="no space left on the disk") as caught:
        train(toy.job(small_disk, toy.recipe(), data=Filling()))
    assert "\n" not in str(caught.value)
    (small_disk / "filled").unlink()
    assert train(toy.job(small_disk, toy.recipe()))["steps"] == 8


def test_networks_are_not_harmed_by_copies(toy: ModuleType, tmp_path: Path) -> None:
    """Spectral norms in half precision can be copied and saved, as an average of a generator that has them would be."""
    step = make_step(toy.job(tmp_path, toy.recipe(precision="bf16")), Processes("cpu"))
    assert step.discriminator is not None
    copied = copy.deepcopy(step.discriminator.network)
    assert list(copied.state_dict()) == list(step.discriminator.network.state_dict())
