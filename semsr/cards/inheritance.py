"""Entries of one file that extend each other: `extends: NAME` takes over that entry, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from semsr.errors import CardError

EXTENDS = "extends"


def inherit(entries: Mapping[str, Any], source: str) -> dict[str, dict[str, Any]]:
    """Every entry with what it extends filled in.

    Mappings are merged key by key, anything else replaces what was there, and a null takes a key away.

    Args:
        entries: by name, as read.
        source: the file's name, for errors.

    Raises:
        CardError: an entry is no mapping, extends one that is not there, or itself.
    """
    return {str(name): _resolve(str(name), entries, source, ()) for name in entries}


def _resolve(name: str, entries: Mapping[str, Any], source: str, below: tuple[str, ...]) -> dict[str, Any]:
    entry = entries[name]
    if not isinstance(entry, Mapping):
        raise CardError(f"{source}: {name}: expected keys and values, found {entry!r}")
    base = entry.get(EXTENDS)
    own = {str(key): value for key, value in entry.items() if key != EXTENDS}
    if base is None:
        return _without_nulls(own)
    if base not in entries:
        raise CardError(f"{source}: {name}.{EXTENDS}: found {base!r}; allowed: {', '.join(map(str, entries))}")
    if base in (*below, name):
        raise CardError(
            f"{source}: {name}.{EXTENDS}: {' extends '.join((*below, name, str(base)))}: an entry can't extend itself"
        )
    return _merge(_resolve(str(base), entries, source, (*below, name)), own)


def _merge(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in own.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = _without_nulls(value) if isinstance(value, Mapping) else value
    return merged


def _without_nulls(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_nulls(value) if isinstance(value, Mapping) else value for key, value in entry.items() if value is not None
    }
