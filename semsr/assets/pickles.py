"""Pickles of plain NumPy arrays, read without trusting them.

No constructor of NumPy or Python is ever called on the file's behalf: the few names such a pickle may mention are answered by inert
stand-ins that note shape, type and bytes, and the arrays are made from those notes afterwards.
"""

from __future__ import annotations

import pickle
import re
from math import prod
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from semsr.errors import WeightsError

_PLAIN = re.compile(r"[<>|=]?(?:b1|\?|[iufc](?:1|2|4|8|16))")
_SCALARS = (type(None), bool, int, float, complex, str, bytes)


def load_numpy_pickle(path: Path) -> Any:
    """Read a pickle of nested dicts, lists and tuples of plain arrays (numbers; no objects, no records) and scalars.

    Old module names (`numpy.core`) are understood. Arrays own their memory and are in this machine's byte order.

    Raises:
        WeightsError: names the first thing that is not allowed; or the file is damaged.
    """
    try:
        with path.open("rb") as file:
            return _finish(_Reader(file).load())
    except _NotAllowedError as error:
        raise WeightsError(f"{path}: {error}; only plain NumPy arrays are read, the file is not loaded") from None
    except RecursionError:
        raise WeightsError(f"{path}: nested too deeply or into itself; the file is not loaded") from None
    except (
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        OverflowError,
        MemoryError,
    ) as error:
        raise WeightsError(f"{path}: damaged, or not a pickle of NumPy arrays ({error}); fetch it again") from None


class _NotAllowedError(Exception):
    """Something in the pickle is not an array, a container or a scalar."""


def _refuse(what: str) -> NoReturn:
    raise _NotAllowedError(what)


class _Inert:
    """Stands for a name of NumPy's; can't be changed by the pickle, as it has no attributes."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        _refuse(f"sets the state of {type(self).__name__.strip('_')}")


class _NdarrayClass(_Inert):
    """`numpy.ndarray`: only ever an argument of `_reconstruct`."""

    __slots__ = ()


class _Type:
    """A dtype under construction."""

    __slots__ = ("order", "text")

    def __init__(self, text: object) -> None:
        if not isinstance(text, str) or not _PLAIN.fullmatch(text):
            _refuse(f"holds an array of type {text!r}")
        self.text, self.order = text.lstrip("<>|="), ""

    def __setstate__(self, state: object) -> None:
        match state:
            case (int(), "<" | ">" | "|" | "=" as order, None, None, None, *_):
                self.order = order
            case _:
                _refuse("holds an array of records or of an unknown type")

    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.order + self.text)


class _Array:
    """An array under construction."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: np.ndarray[Any, Any] | None = None

    def __setstate__(self, state: object) -> None:
        match state:
            case (int(), tuple() as shape, _Type() as kind, bool() | int() as fortran, bytes() | bytearray() | str() as data):
                raw = data.encode("latin1") if isinstance(data, str) else bytes(data)
                self.value = _make(raw, kind, shape, "F" if fortran else "C")
            case _:
                _refuse("holds an array of objects")


def _make(data: bytes, kind: _Type, shape: tuple[Any, ...], order: Any) -> np.ndarray[Any, Any]:
    if not all(type(side) is int and side >= 0 for side in shape) or len(shape) > 32:
        _refuse(f"holds an array of shape {shape!r}")
    dtype = kind.dtype()
    if prod(shape) * dtype.itemsize != len(data):
        _refuse(f"holds an array of shape {shape!r} with {len(data)} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order=order).astype(dtype.newbyteorder("="))


class _Reconstruct(_Inert):
    """`numpy._core.multiarray._reconstruct`."""

    __slots__ = ()

    def __call__(self, cls: object, shape: object, kind: object) -> _Array:
        if not isinstance(cls, _NdarrayClass) or shape != (0,) or kind not in (b"b", "b"):
            _refuse("holds a subclass of an array")
        return _Array()


class _Dtype(_Inert):
    """`numpy.dtype`."""

    __slots__ = ()

    def __call__(self, text: object, align: object = False, copy: object = False) -> _Type:
        return _Type(text)


class _FromBuffer(_Inert):
    """`numpy._core.numeric._frombuffer`, which protocol 5 uses."""

    __slots__ = ()

    def __call__(self, data: object, kind: object, shape: object, order: object) -> _Array:
        array = _Array()
        array.__setstate__((1, shape, kind, order == "F", data))
        return array


class _Scalar(_Inert):
    """`numpy._core.multiarray.scalar`."""

    __slots__ = ()

    def __call__(self, kind: object, data: object = b"") -> _Array:
        array = _Array()
        array.__setstate__((1, (), kind, False, data))
        return array


class _Latin1(_Inert):
    """`_codecs.encode(text, "latin1")`: how old protocols write bytes."""

    __slots__ = ()

    def __call__(self, text: object, encoding: object) -> bytes:
        if not isinstance(text, str) or encoding != "latin1":
            _refuse(f"encodes text as {encoding!r}")
        return text.encode("latin1")


class _EmptyBytes(_Inert):
    """`bytes()`: how old protocols write no bytes at all."""

    __slots__ = ()

    def __call__(self) -> bytes:
        return b""


_ALLOWED: dict[tuple[str, str], _Inert] = {
    ("numpy", "ndarray"): _NdarrayClass(),
    ("numpy", "dtype"): _Dtype(),
    ("numpy._core.multiarray", "_reconstruct"): _Reconstruct(),
    ("numpy._core.multiarray", "scalar"): _Scalar(),
    ("numpy._core.numeric", "_frombuffer"): _FromBuffer(),
    ("_codecs", "encode"): _Latin1(),
    ("builtins", "bytes"): _EmptyBytes(),
    ("__builtin__", "bytes"): _EmptyBytes(),
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        current = re.sub(r"^numpy\.core\b", "numpy._core", module)
        if (current, name) not in _ALLOWED:
            _refuse(f"names {module}.{name}")
        return _ALLOWED[current, name]

    def persistent_load(self, pid: Any) -> NoReturn:
        _refuse("refers to something outside itself")


def _finish(value: Any) -> Any:
    """Put the arrays in the place of their notes, and refuse whatever is neither array, container nor scalar."""
    if isinstance(value, _Array):
        if value.value is None:
            _refuse("holds an array without contents")
        return value.value if value.value.shape else value.value[()]
    if type(value) is dict:
        for name in value:
            if type(name) not in (str, int):
                _refuse(f"holds a key of type {type(name).__name__.strip('_')}")
        return {name: _finish(item) for name, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_finish(item) for item in value)
    if type(value) not in _SCALARS:
        _refuse(f"holds a {type(value).__name__.strip('_')}")
    return value
