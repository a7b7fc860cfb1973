"""Pickles of arrays come back as NumPy wrote them; everything else is refused and nothing of it runs."""

from __future__ import annotations

import io
import os
import pickle
import struct
import subprocess
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semsr.assets.pickles import load_numpy_pickle
from semsr.errors import WeightsError

ARRAYS = [
    np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
    np.arange(10, dtype=">i2"),
    np.arange(10, dtype=np.uint8)[::2],
    np.array([True, False]),
    np.array([1 + 2j], dtype=np.complex64),
    np.array(7, dtype=np.int64),
    np.zeros((0, 3), dtype=np.float16),
]


def save(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_equals_the_plain_unpickler(tmp_path: Path, protocol: int) -> None:
    value = {"nested": {"list": ARRAYS, "tuple": (1, 2.5, "text", None, True, b"bytes")}, 3: np.float32(0.1), "s": np.int8(-4)}
    data = pickle.dumps(value, protocol)
    ours, theirs = load_numpy_pickle(save(tmp_path / "x", data)), pickle.loads(data)  # noqa: S301 (made here)
    assert ours.keys() == theirs.keys() and ours["nested"]["tuple"] == theirs["nested"]["tuple"]
    for one, other in zip(ours["nested"]["list"], theirs["nested"]["list"], strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype.newbyteorder("=") and one.dtype.isnative and one.shape == other.shape
    assert ours[3] == theirs[3] and type(ours[3]) is np.float32 and ours["s"] == -4


def test_names_of_numpy_1_are_understood(tmp_path: Path) -> None:
    data = pickle.dumps(ARRAYS[0], 2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert b"numpy.core.multiarray" in data
    np.testing.assert_array_equal(load_numpy_pickle(save(tmp_path / "x", data)), ARRAYS[0])


class Calls:
    """Pickles to a call of `function(*arguments)`, optionally followed by a state."""

    def __init__(self, function: Any, *arguments: Any, state: Any = None) -> None:
        self.parts = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.parts


def reconstruct() -> Any:
    return np.empty(0, np.uint8).__reduce__()[0]


def scalar() -> Any:
    return np.float32(0).__reduce__()[0]


RECORD = np.dtype([("a", "O"), ("b", "f4")])


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize(
    "value, message",
    [
        pytest.param(lambda mark: Calls(os.system, f"touch {mark}"), "posix.system", id="os.system"),
        pytest.param(lambda mark: Calls(eval, f"open({str(mark)!r}, 'w')"), r"(__builtin__|builtins)\.eval", id="eval"),
        pytest.param(lambda mark: Calls(exec, f"open({str(mark)!r}, 'w')"), r"\.exec", id="exec"),
        pytest.param(lambda mark: Calls(getattr, "text", "format"), r"\.getattr", id="getattr"),
        pytest.param(lambda mark: Calls(subprocess.Popen, ["touch", str(mark)]), "Popen", id="Popen"),
        pytest.param(lambda mark: Calls(np.load, str(mark)), "numpy", id="numpy.load"),
        pytest.param(lambda mark: Calls(np.memmap, str(mark), "u1", "w+", 0, (4,)), "numpy", id="numpy.memmap"),
        pytest.param(lambda mark: OrderedDict(a=1), "OrderedDict", id="OrderedDict"),
        pytest.param(lambda mark: np.ma.masked_array([1]), "numpy.ma", id="subclass"),
        pytest.param(lambda mark: np.array([object, None]), r"type 'O8'|objects|names", id="object array"),
        pytest.param(lambda mark: np.array([{"a": 1}], dtype=object), r"type 'O8'", id="array of a dict"),
        pytest.param(lambda mark: np.zeros(2, RECORD), "type 'V12'", id="records"),
        pytest.param(lambda mark: np.array(["text"]), "type 'U4'", id="text"),
        pytest.param(lambda mark: np.array(["2020-01-01"], "M8[D]"), "type 'M8'", id="dates"),
        pytest.param(lambda mark: {1, 2}, "set", id="set"),
        pytest.param(lambda mark: {(1, 2): 3}, "key of type tuple", id="tuple as key"),
        pytest.param(lambda mark: np.ndarray, "NdarrayClass", id="the class itself"),
        pytest.param(lambda mark: Calls(np.ndarray, (4,), "O"), "damaged", id="ndarray called"),
        pytest.param(
            lambda mark: Calls(scalar(), np.dtype("O"), Calls(os.system, f"touch {mark}")), "posix|'O8'", id="scalar of O"
        ),
        pytest.param(lambda mark: Calls(scalar(), np.dtype("f4"), b"12345678"), "with 8 bytes", id="scalar too long"),
        pytest.param(lambda mark: Calls(reconstruct(), np.ndarray, (9,), b"b"), "subclass", id="reconstruct with a shape"),
        pytest.param(lambda mark: Calls(reconstruct(), np.ndarray, (0,), b"b"), "without contents", id="no contents"),
        pytest.param(
            lambda mark: Calls(reconstruct(), np.ndarray, (0,), b"b", state=(1, (1 << 60,), np.dtype("f8"), False, b"")),
            "with 0 bytes",
            id="huge shape",
        ),
        pytest.param(
            lambda mark: Calls(reconstruct(), np.ndarray, (0,), b"b", state=(1, (-1, -8), np.dtype("u1"), False, b"12345678")),
            "shape",
            id="negative shape",
        ),
        pytest.param(
            lambda mark: Calls(np.dtype, "f4", state=(3, "|", ("f4", (1 << 40,)), None, None, 4, 4, 0)),
            "records",
            id="sub-array type",
        ),
        pytest.param(lambda mark: Calls(np.dtype, "f4"), "Type", id="a bare type"),
    ],
)
def test_anything_else_is_refused_and_does_not_run(tmp_path: Path, value: Any, message: str, protocol: int) -> None:
    mark = tmp_path / "ran"
    data = pickle.dumps({"good": ARRAYS[0], "bad": value(mark)}, protocol)
    with pytest.raises(WeightsError, match=message) as caught:
        load_numpy_pickle(save(tmp_path / "x.pkl", data))
    assert not mark.exists()
    assert str(tmp_path / "x.pkl") in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"cnumpy\nndarray\n}Vx\nI1\nsb.", id="state of the class"),
        pytest.param(b"cnumpy.core.multiarray\n_reconstruct\nN}V__defaults__\n(I1\ntsb.", id="attributes of a function"),
        pytest.param(b"\x80\x02cnumpy\nndarray\n)\x81.", id="NEWOBJ"),
        pytest.param(b"\x80\x02\x82\x01.", id="extension"),
        pytest.param(b"Psomething\n.", id="persistent"),
        pytest.param(b"\x80\x04\x8c\x05numpy\x8c\x0fndarray.__new__\x93.", id="dotted name"),
        pytest.param(b"(lp0\ng0\na.", id="a list that holds itself"),
        pytest.param(b"(" * 100 + b"l" * 100 + b".", id="nested lists"),
        pytest.param(b"]" * 50_000 + b"a" * 49_999 + b".", id="nested too deeply"),
        pytest.param(b"c_codecs\nencode\n(Vx\nVrot13\ntR.", id="another encoding"),
        pytest.param(b"", id="empty"),
        pytest.param(b"not a pickle", id="text"),
        pytest.param(pickle.dumps(ARRAYS)[:-30], id="truncated"),
        pytest.param(b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"x.", id="absurd length"),
    ],
)
def test_hand_made_opcodes(tmp_path: Path, data: bytes) -> None:
    if data.startswith(b"(((("):
        assert load_numpy_pickle(save(tmp_path / "x", data)) == pickle.load(io.BytesIO(data))  # noqa: S301 (made here)
        return
    with pytest.raises(WeightsError) as caught:
        load_numpy_pickle(save(tmp_path / "x", data))
    assert "\n" not in str(caught.value)
