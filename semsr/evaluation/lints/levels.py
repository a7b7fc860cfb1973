"""Values that never were a picture: all black, 0-1 written as 8 bits, tiles that were lost, 16-235 taken for 0-255."""

from __future__ import annotations

import numpy as np

from semsr.evaluation.lints.finding import Finding, first_of
from semsr.evaluation.lints.look import LOST_BY
from semsr.evaluation.lints.row import RowLooks

BLACK = 2.0
"""Grey levels up to which the brightest thousandth of a picture's values goes if 0-1 was written as 8 bits ..."""
LIT = 30.0
"""... although it goes at least so far in the original."""
FLAT = 1.0
"""Standard deviation of a picture of one colour ..."""
STRUCTURED = 5.0
"""... although its original's cells differ by this much."""
LIMITED = (14.0, 237.0)
"""Grey levels that the darkest and brightest thousandth of limited range keep to (16 and 235, and 2 for rounding and JPEG) ..."""
BEYOND = (8.0, 245.0)
"""... although the original goes so far. Counted are pictures whose original does on either side."""
ALL = 0.9
"""Share of those pictures that keep to it, on either side, by which a row is of limited range."""
SQUEEZED = 5.0
"""Grey levels by which the row's brightness may differ from what squeezing to 16-235 makes of the originals', in the median."""
ENOUGH = 3


def blank(row: RowLooks) -> list[Finding]:
    """Pictures that are almost black, or of one colour, although their originals are not."""
    findings: list[Finding] = []
    high, original_high = row.of("high"), row.of_originals("high")
    black = (high <= BLACK) & (original_high >= LIT)
    if names := row.where(black):
        at = row.names.index(names[0])
        text = (
            f"{first_of(names, len(row))} {'is' if len(names) == 1 else 'are'} almost black (no value above {high[at]:.0f}, "
            f"{original_high[at]:.0f} in the original); scale 0-1 to 0-255 before writing, or look for values that are no numbers"
        )
        findings.append(Finding("black", "warning", text, names, float(high[at])))
    cells = np.min([each.std(axis=(1, 2, 3)) for each in row.references], axis=0)
    if names := row.where((row.of("spread") <= FLAT) & (cells >= STRUCTURED) & ~black):
        text = (
            f"{first_of(names, len(row))} {'is' if len(names) == 1 else 'are'} of one flat colour, the original"
            f"{'' if len(names) == 1 else 's'} not; look for values that are no numbers, and make the picture again"
        )
        findings.append(Finding("flat", "warning", text, names, row.looks[row.names.index(names[0])].spread))
    return findings


def lost_part(row: RowLooks) -> list[Finding]:
    """Pictures that are of one flat colour somewhere, far from what is there in the originals."""
    lost = row.of("lost")
    names = row.where(lost > 0)
    if not names:
        return []
    at = row.names.index(names[0])
    text = (
        f"{first_of(names, len(row))} lack{'s' if len(names) == 1 else ''} a part: {lost[at]:.0f} of 64 cells of the first are of one flat "
        f"colour, {LOST_BY:.0f} grey levels and more from the original; look for tiles that were lost or are no numbers"
    )
    return [Finding("lost-part", "warning", text, names, float(lost[at]))]


def limited_range(row: RowLooks) -> list[Finding]:
    """Whether the row keeps to 16-235 although its originals do not."""
    dark, bright = row.of_originals("low") <= BEYOND[0], row.of_originals("high") >= BEYOND[1]
    if min(dark.sum(), bright.sum()) == 0 or dark.sum() + bright.sum() < ENOUGH:
        return []
    # On both sides: bent tones lift the one or press the other.
    kept = min((row.of("low")[dark] >= LIMITED[0]).mean(), (row.of("high")[bright] <= LIMITED[1]).mean())
    # Squeezing brightens by 16 less 0.141 of the mean; a row that is just brighter or duller keeps away from the ends, too.
    brighter = [
        np.median((row.thumbs - each).mean(axis=(1, 2, 3)) - (16 - 36 / 255 * each.mean(axis=(1, 2, 3))))
        for each in row.references
    ]
    if kept < ALL or min(abs(each) for each in brighter) > SQUEEZED:
        return []
    text = (
        f"the whole row keeps to 16-235: in {kept:.0%} of the places where originals go beyond, it does not "
        f"(its darkest values lie at {np.median(row.of('low')[dark]):.0f}, its brightest at {np.median(row.of('high')[bright]):.0f}); "
        "write full range, 0-255"
    )
    return [Finding("limited-range", "warning", text, value=float(kept))]
