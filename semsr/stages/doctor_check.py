"""One thing that `semsr doctor` looked at, and what it says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Standing = Literal["ok", "deviates", "not available", "not stored"]
"""As stored, within the tolerance; not so; can't be computed here; computed, but there is nothing to compare with."""


@dataclass(frozen=True)
class Check:
    """A metric as a protocol measures by it, or a row of a method.

    Attributes:
        kind: what it is.
        name: in words: the metric and the options that differ from its card's defaults; or method and variant.
        key: `ResolvedColumn.key`, or `<method>/<variant>`.
        subject: the metric's or the method's id.
        standing: see `Standing`.
        why: what is the matter, where it is not ok.
        picture: where it deviates most, as `noisy/texture-256`.
        value, stored: there, in the metric's unit; of a row, the pixel that differs most, in grey levels.
        deviation: how far these are apart: NaN where one is infinite or missing and the other not; None where nothing was compared.
        tolerance: how far they may be.
        count: how many values were compared.
        elsewhere: the stored values were computed by another processor or graphics card.
    """

    kind: Literal["metric", "method"]
    name: str
    key: str
    subject: str
    standing: Standing
    why: str = ""
    picture: str = ""
    value: float | None = None
    stored: float | None = None
    deviation: float | None = None
    tolerance: float | None = None
    count: int = 0
    elsewhere: bool = False


def option_text(name: str, value: object) -> str:
    """An option of a metric as a person writes it: `luma rgb`, `rounded yes`."""
    plain = {True: "yes", False: "no", None: "none"}.get(value, value) if isinstance(value, bool) or value is None else value
    return f"{name} {plain}"
