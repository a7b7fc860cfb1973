"""What a data set's card must keep beyond its schema: each rule looks at the card and what stands around it, and says what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from semsr.stages.dataset_rules import files, pictures, sets, texts
from semsr.stages.dataset_rules.subject import Finding, Subject, Verdict

RULES: Mapping[str, Callable[[Subject], Verdict]] = {
    "README": texts.readme,
    "licence": texts.licence,
    "paper": texts.paper,
    "assets": files.assets,
    "addresses": files.addresses,
    "checksums": files.checksums,
    "counts": sets.counts,
    "parts": sets.parts,
    "pixels": pictures.pixels,
    "layouts": pictures.layouts,
    "degradation": pictures.degradation,
    "comparable": sets.comparable,
    "annotations": pictures.annotated,
    "checked": texts.checked,
}
"""By the name that a reader sees, in the order in which one wants to know; the schema comes before them all."""


def findings(subject: Subject) -> list[Finding]:
    """What every rule finds."""
    found = []
    for name, rule in RULES.items():
        problems, figure = rule(subject)
        passed = False if problems else (True if figure is not None else None)
        found.append(Finding(name, passed, "; ".join(problems) or figure or ""))
    return found
