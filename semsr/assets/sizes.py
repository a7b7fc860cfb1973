"""Numbers of bytes as a person reads them."""

from __future__ import annotations


def show_bytes(size: int | None) -> str:
    """A number of bytes as a person reads it (decimal units), or "not known"."""
    if size is None:
        return "not known"
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.2f} TB"


def show_size(size: int | None, about: int | None = None) -> str:
    """The size of a file: as published; else "about" what the card knows; else that it is not known."""
    return f"about {show_bytes(about)}" if size is None and about is not None else show_bytes(size)
