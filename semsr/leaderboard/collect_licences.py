"""What may be done with a method, out of the words of its licences."""

from __future__ import annotations

import re
from collections.abc import Iterable

from semsr.project import Project

_FORBIDS = re.compile(
    r"\bnon-?commercial\b|\bCC[- ]BY[- ]NC\b|\bNC\b|\bS-Lab\b|\bPolyForm\b|\bresearch (use )?only\b|\bacademic\b", re.IGNORECASE
)
_OPEN = re.compile(
    r"\bApache\b|\bMIT\b|\bBSD\b|\bCC0\b|\bpublic domain\b|\bCC[- ]BY(-SA)?[- ]?\d|\bISC\b|\bUnlicense\b|\bMPL\b", re.IGNORECASE
)


def policy(licences: Iterable[str]) -> str:
    """One word for several licences: the strictest of them.

    Args:
        licences: as cards have them.

    Returns:
        "non-commercial" if any forbids commercial use, "open" if all are known to allow it, else "unknown".
    """
    texts = [text for text in licences if text.strip()]
    if any(_FORBIDS.search(text) for text in texts):
        return "non-commercial"
    # "none stated" and the like name no licence that is known here; a licence with conditions of its own (OpenRAIL) is none, either.
    return "open" if texts and all(_OPEN.search(text) for text in texts) else "unknown"


def licences_of(project: Project, method: str, variant: str | None = None) -> tuple[str, ...]:
    """The licences of a method's code and of the weights of a variant or description (default: of all variants)."""
    card = project.method(method)
    variants = card.variants.values() if variant is None else [{**card.descriptions, **card.variants}[variant]]
    names = {name for each in variants for way in each.weights for name in way.split("+")}
    weights = [project.assets[name].licence for name in sorted(names) if name in project.assets]
    return tuple(dict.fromkeys((card.licence, *weights)))
