"""Pictures under another one's name, and pictures that are mirrored or turned; both seen in what is left of a picture in 8 x 8 cells."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from semsr.evaluation.lints.finding import Finding, first_of
from semsr.evaluation.lints.row import Floats, RowLooks
from semsr.evaluation.lints.thumbnail import pattern

OWN = 0.9
"""A picture whose cells correlate so well with its own original's is where it belongs. Measured: at least 0.93 in all rows of the lite
profile, 0.98 in OSEDiff's outputs."""
OTHER = 0.9
"""A picture whose cells correlate so well with another original's, and better by MARGIN than with its own, belongs there."""
MARGIN = 0.1

TURNS: dict[str, Callable[[Floats], Floats]] = {
    "mirrored left to right": lambda cells: cells[..., :, ::-1, :],
    "upside down": lambda cells: cells[..., ::-1, :, :],
    "turned by 180 degrees": lambda cells: cells[..., ::-1, ::-1, :],
    "transposed": lambda cells: cells.swapaxes(-3, -2),
    "turned by 90 degrees to the left": lambda cells: np.rot90(cells, 1, axes=(-3, -2)),
    "turned by 90 degrees to the right": lambda cells: np.rot90(cells, -1, axes=(-3, -2)),
    "transposed along the other diagonal": lambda cells: np.rot90(cells, 2, axes=(-3, -2)).swapaxes(-3, -2),
}
"""What was done to a picture, and how it is done to an original (..., 8, 8, 3)."""


def judge(row: RowLooks) -> list[Finding]:
    """Which pictures belong to other names, and which are mirrored or turned."""
    findings: list[Finding] = []
    own_patterns = pattern(row.thumbs)
    theirs = [pattern(reference) for reference in row.references]
    # The better of HR and LR: what looks right compared with one of them is right.
    own = np.max([(own_patterns * each).sum(axis=1) for each in theirs], axis=0)
    across = np.max([own_patterns @ each.T for each in theirs], axis=0)
    np.fill_diagonal(across, -1.0)
    doubtful = (own < OWN) & (np.linalg.norm(own_patterns, axis=1) > 0.5)
    best = across.argmax(axis=1)
    strength = across[np.arange(len(row)), best]
    wrong = doubtful & (strength >= OTHER) & (strength >= own + MARGIN)
    if names := row.where(wrong):
        at = row.names.index(names[0])
        text = (
            f"{first_of(names, len(row))} show{'s' if len(names) == 1 else ''} another picture than the name says: the first is "
            f"{row.names[best[at]]!r} (its coarse colours correlate {strength[at]:.2f} with that one, {own[at]:.2f} with its own); "
            "look at how pictures are named, nothing may go by order"
        )
        findings.append(Finding("other-name", "warning", text, names, float(strength[at])))
    turned = {
        name: np.max([(own_patterns * pattern(turn(each))).sum(axis=1) for each in row.references], axis=0)
        for name, turn in TURNS.items()
    }
    for name, found in turned.items():
        most = np.max(list(turned.values()), axis=0)
        holds = doubtful & ~wrong & (found == most) & (found >= OTHER) & (found >= own + MARGIN)
        if names := row.where(holds):
            at = row.names.index(names[0])
            are = "is" if len(names) == 1 else "are"
            text = (
                f"{first_of(names, len(row))} {are} {name} (coarse colours correlate {found[at]:.2f} so, {own[at]:.2f} as "
                f"{'it is' if len(names) == 1 else 'they are'}); undo it where the pictures are made"
            )
            findings.append(Finding("turned", "warning", text, names, float(found[at])))
    return findings
