"""Weights load without running anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from semsr.assets.tensors import load_tensors
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
