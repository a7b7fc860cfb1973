"""Weights load without running anything."""

from __future__ import annotations

import os
import pickle
import random
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from semsr.assets.tensors import load_tensors
from semsr.assets.unpinned import UNPINNED, note_of
from semsr.errors import WeightsError

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.tensor([1, 2], dtype=torch.int64)}


class Evil:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> object:
        return os.system, (f"touch {self.mark}",)


def same(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == STATE.keys() and all(torch.equal(found[name], STATE[name]) for name in STATE)


def test_reads_what_torch_and_safetensors_wrote(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "zip.pth")
    torch.save(STATE, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    save_file(STATE, tmp_path / "x.safetensors")
    for name in ("zip.pth", "old.pth", "x.safetensors"):
        assert same(load_tensors(tmp_path / name))


def test_a_group_is_taken_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    torch.save({"params_ema": STATE, "iteration": 5}, path)
    assert same(load_tensors(path, "params_ema"))
    with pytest.raises(WeightsError, match=r"'params_ema' is a dict.*name the group"):
        load_tensors(path)
    with pytest.raises(WeightsError, match=r"no group 'params'; found: params_ema, iteration"):
        load_tensors(path, "params")


def test_a_known_group_need_not_be_named_where_it_is_alone(tmp_path: Path) -> None:
    path, known = tmp_path / "x.pth", ("params_ema", "params")
    for content in ({"params_ema": STATE, "iteration": 5}, {"params": STATE}, STATE):
        torch.save(content, path)
        assert same(load_tensors(path, known=known))
    for content in ({"params_ema": STATE, "params": STATE}, {"net": STATE}, {"params": STATE, "a.bias": STATE["a.bias"]}):
        torch.save(content, path)
        with pytest.raises(WeightsError, match="name the group"):
            load_tensors(path, known=known)


@pytest.mark.parametrize("new", [True, False])
def test_code_in_the_file_is_named_and_does_not_run(tmp_path: Path, new: bool) -> None:
    path = tmp_path / "x.pth"
    torch.save({"a": Evil(tmp_path / "ran")}, path, _use_new_zipfile_serialization=new)
    with pytest.raises(WeightsError, match=r"posix\.system.*could run code") as caught:
        load_tensors(path)
    assert not (tmp_path / "ran").exists() and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["x.pth", "x.safetensors"])
@pytest.mark.parametrize("data", [b"", b"garbage" * 100, b"PK\x03\x04" + bytes(100), None])
def test_damaged_files(tmp_path: Path, name: str, data: bytes | None) -> None:
    path = tmp_path / name
    if data is None:
        save_file(STATE, path) if name.endswith("rs") else torch.save(STATE, path)
        data = path.read_bytes()[:-100]
    path.write_bytes(data)
    with pytest.raises(WeightsError) as caught:
        load_tensors(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def _legacy(path: Path) -> None:
    torch.save({"params": STATE, "iteration": 5}, path, _use_new_zipfile_serialization=False)


def _zip(path: Path) -> None:
    torch.save({"params": STATE, "iteration": 5}, path)


def _safetensors(path: Path) -> None:
    save_file(STATE, path)


@pytest.mark.parametrize(
    ("write", "name"),
    [(_legacy, "old.pth"), (_zip, "zip.pth"), (_safetensors, "x.safetensors")],
    ids=["legacy", "zip", "safetensors"],
)
def test_whatever_happened_to_a_file_it_is_tensors_or_one_line(
    tmp_path: Path, write: Callable[[Path], None], name: str, recwarn: pytest.WarningsRecorder
) -> None:
    """Cut off anywhere, bits turned over anywhere: torch's IndexError, struct.error, AssertionError and others don't come out."""
    path = tmp_path / name
    write(path)
    whole, chance, said = path.read_bytes(), random.Random(20260), set()
    key = None if name.endswith("rs") else "params"
    for number in range(400):
        data = bytearray(whole)
        if number % 4 == 0:
            del data[chance.randrange(len(data)) :]
        else:
            for _ in range(chance.choice((1, 2, 8))):
                # Half of them near the start, where legacy files and safetensors keep what is not numbers.
                place = chance.randrange(len(data)) if number % 2 else chance.randrange(min(400, len(data)))
                data[place] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        try:
            load_tensors(path, key)
        except WeightsError as error:
            text = str(error)
            assert text.startswith(f"{path}: ") and text.isprintable() and len(text) < len(str(path)) + 400
            said.add(text)
    assert len(said) > 5, "most of them were noticed"
    assert not [found for found in recwarn if "pickle protocol" in str(found.message)]


def test_a_pickle_of_another_protocol_is_read_without_a_warning(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "x.pth", pickle_protocol=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(load_tensors(tmp_path / "x.pth"))


@pytest.mark.parametrize("name", ["x.pth", "x.safetensors"])
def test_what_is_no_file_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsError, match=rf"{name}: no such file"):
        load_tensors(tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(WeightsError, match=rf"{name}: a folder, not a weights file"):
        load_tensors(tmp_path / name)


@pytest.mark.parametrize("name", ["x.pth", "x.safetensors"])
def test_too_little_memory_is_not_taken_for_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError

    (tmp_path / name).touch()
    monkeypatch.setattr("semsr.assets.tensors.torch.load", no_memory)
    monkeypatch.setattr("semsr.assets.tensors.load_file", no_memory)
    with pytest.raises(MemoryError):
        load_tensors(tmp_path / name)


@pytest.mark.parametrize("data", [b"garbage" * 100, pickle.dumps(print), bytes(2000), b"PK\x03\x04" + bytes(100)])
@pytest.mark.parametrize("name", ["x.pth", "x.safetensors"])
def test_of_a_file_that_stays_in_the_store_it_is_said_what_to_delete(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / UNPINNED / name
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="fetch or train it again"):
        load_tensors(path)
    with pytest.raises(WeightsError) as caught:
        load_tensors(path)
    assert not any(advice in str(caught.value) for advice in ("Re-run", "`False`")), "torch's, to load it unsafely"
    note_of(path).touch()
    with pytest.raises(WeightsError, match=rf"delete it and {name}\.sha256 beside it, and supply it again"):
        load_tensors(path)
