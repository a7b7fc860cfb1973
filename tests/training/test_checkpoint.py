"""Checkpoint files: whole, checked, ours, two of them."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from semsr.errors import SemsrError, StorageError
from semsr.training.checkpoint import Checkpoints

IDENTITY = {"method": "toy", "seed": 1, "fingerprint": "abc"}


def made(folder: Path, **identity: object) -> Checkpoints:
    return Checkpoints(folder, {**IDENTITY, **identity}, "toy/tiny@1")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def test_gives_back_what_was_saved_and_keeps_two(tmp_path: Path) -> None:
    checkpoints = made(tmp_path)
    assert checkpoints.load() is None
    for step in (3, 6, 9):
        checkpoints.save(step, {"weights": {"a": torch.arange(5.0) + step}, "nested": [1, (2.5, None), "x"]})
    assert names(tmp_path) == ["step-00000006.pt", "step-00000009.pt"]
    state = made(tmp_path).load()
    assert state is not None and state["step"] == 9 and state["nested"] == [1, (2.5, None), "x"]
    assert torch.equal(state["weights"]["a"], torch.arange(5.0) + 9)


def test_torch_reads_it_as_it_is(tmp_path: Path) -> None:
    made(tmp_path).save(1, {"weights": torch.ones(3)})
    loaded = torch.load(tmp_path / "checkpoints" / "step-00000001.pt", weights_only=True)
    assert torch.equal(loaded["weights"], torch.ones(3)) and loaded["identity"] == IDENTITY


@pytest.mark.parametrize("damage", ["one bit", "cut", "empty", "junk"])
def test_a_damaged_one_falls_back_to_the_one_before(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    checkpoints = made(tmp_path)
    for step in (3, 6):
        checkpoints.save(step, {"weights": torch.full((1000,), float(step))})
    path = tmp_path / "checkpoints" / "step-00000006.pt"
    data = bytearray(path.read_bytes())
    where = data.find(torch.full((4,), 6.0).numpy().tobytes())  # in the middle of a tensor, where torch itself does not look
    assert where > 0
    data[where + 100] ^= 1
    path.write_bytes({"one bit": bytes(data), "cut": bytes(data[:700]), "empty": b"", "junk": b"x" * 5000}[damage])
    again = made(tmp_path)
    with caplog.at_level(logging.WARNING):
        state = again.load()
    assert state is not None and state["step"] == 3
    assert len(caplog.messages) == 1 and str(path) in caplog.messages[0]
    # The next one that is saved takes the damaged one's place among the two.
    again.save(5, {})
    assert names(tmp_path) == ["step-00000003.pt", "step-00000005.pt"]


def test_all_damaged_is_an_error(tmp_path: Path) -> None:
    made(tmp_path).save(3, {})
    (tmp_path / "checkpoints" / "step-00000003.pt").write_bytes(b"")
    with pytest.raises(SemsrError, match=r"all checkpoints in .* are damaged; delete that folder") as caught:
        made(tmp_path).load()
    assert "\n" not in str(caught.value)


def test_another_trainings_is_refused(tmp_path: Path) -> None:
    made(tmp_path).save(3, {})
    with pytest.raises(SemsrError, match=r"is of another training than toy/tiny@1: fingerprint is 'abc', here 'xyz'; delete"):
        made(tmp_path, fingerprint="xyz").load()
    with pytest.raises(SemsrError, match="seed is 1, here 2"):
        made(tmp_path, seed=2, fingerprint="xyz").load()
    with pytest.raises(SemsrError, match="variant is None, here 'b'"):
        made(tmp_path, variant="b").load()
    assert names(tmp_path) == ["step-00000003.pt"]


def test_a_full_disk_leaves_what_is_there(small_disk: Path) -> None:
    checkpoints = made(small_disk)
    checkpoints.save(3, {"weights": torch.ones(50_000)})
    with pytest.raises(StorageError, match="no space left") as caught:
        checkpoints.save(6, {"weights": torch.ones(500_000)})
    assert "\n" not in str(caught.value)
    assert names(small_disk) == ["step-00000003.pt"]
    state = made(small_disk).load()
    assert state is not None and state["step"] == 3


def test_leftovers_of_a_killed_write_go(tmp_path: Path) -> None:
    made(tmp_path).save(3, {})
    leftover = tmp_path / "checkpoints" / ".step-00000006.pt.123.abc.partial"
    leftover.write_bytes(b"half")
    Checkpoints(tmp_path, IDENTITY, "toy", writes=False)
    assert leftover.exists()
    made(tmp_path)
    assert not leftover.exists()
