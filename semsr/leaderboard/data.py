"""Data of the site as scripts: a page that is opened from a file may not fetch, but may load scripts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
"""What could end a script element, open a comment in it, or end a line of a script."""


def plain(value: object) -> object:
    """A value that JSON can hold: NaN becomes null, infinities become the texts that JavaScript's `Number` reads as such.

    Args:
        value: mappings, sequences, texts, numbers, None.

    Raises:
        TypeError: anything else.
    """
    match value:
        case str() | int() | None:  # with bool, which is an int
            return value
        case float():
            if math.isnan(value):
                return None
            return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")
        case dict() | Mapping():
            return {str(key): plain(each) for key, each in value.items()}
        case list() | tuple() | Sequence():
            return [plain(each) for each in value]
    raise TypeError(f"{type(value).__name__} can't be written as JSON")


def script_json(value: object) -> str:
    """JSON that may stand in any script: no sign in it means anything to HTML, whatever the texts are."""
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)


def data_script(key: str, value: object) -> str:
    """A classic script that hands `value` to `semsr.get(key)` of the page that loads it."""
    return f"semsr.add({script_json(key)},{script_json(value)});\n"
