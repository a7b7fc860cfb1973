"""Rows that lie a pixel or more beside their originals.

One pixel costs 0.34 dB of PSNR on OSEDiff's RealSR outputs: enough to lose a rank, too little to be seen in a mean.

A method may legitimately lie anywhere between LR and HR, which in real pairs do not lie exactly on each other (RealSR: up to 0.7
pixels; lite-photos-real: a median of 0.3). So what counts of a picture is how far it lies beyond both: nothing where they disagree about
the direction.
"""

from __future__ import annotations

import numpy as np

from semsr.evaluation.lints.finding import Finding, first_of
from semsr.evaluation.lints.row import Floats, RowLooks, least, median_and_spread

SET = 0.5
"""Pixels, median over a row. Measured: OSEDiff 0.1, Real-ESRGAN 0.1, everything else of the lite profile 0.05."""
SET_FROM_LR = 0.75
"""Pixels, median over a row, from LR alone, where LR and HR lie on each other to within 0.5: HR is a poor witness of noisy rows.
Measured: 0.4."""
SINGLE = 0.8
"""Pixels, one picture beyond the rest of its row. Measured where pictures correlate: 0.4."""
CORRELATED = 0.5
"""A single picture's position counts where it correlates so well with HR and LR: below, the peak is noise (off by up to 57 pixels in
a SeeSR that was trained for minutes)."""
FEW = 4
"""Of fewer pictures there is no median to speak of; each counts by itself."""
_AGAIN = "look at how the pictures were padded, cropped or resized, and make them again"


def judge(row: RowLooks) -> list[Finding]:
    """Whether the row, or single pictures of it, are shifted."""
    from_lr, from_hr = row.of("from_lr"), row.of("from_hr")
    witnesses = [each for each in (from_lr, from_hr) if not np.isnan(each[:, :2]).all()]
    if not witnesses:
        return []
    found = np.stack([~np.isnan(each).any(axis=1) for each in witnesses]).all(axis=0)
    beyond = least([np.nan_to_num(each[:, :2]) for each in witnesses])
    middle = np.zeros(2)
    if found.sum() >= FEW:
        middle = median_and_spread(beyond[found])[0]
        if (shift := _of_row(middle, from_lr[found], row.of_originals("lr_from_hr")[found])) is not None:
            text = f"the whole row lies {_words(shift)} its originals (median of {found.sum()} pictures); {_AGAIN}"
            return [Finding("shift", "warning", text, value=float(np.abs(shift).max()))]
    sure = found & np.stack([(each[:, 2] >= CORRELATED) & (each[:, 2] > each[:, 3]) for each in witnesses]).all(axis=0)
    away = beyond - middle
    names = row.where(sure & (np.abs(away).max(axis=1) >= SINGLE))
    if not names:
        return []
    shift = away[row.names.index(names[0])]
    if len(names) == 1:
        text = f"{names[0]!r} lies {_words(shift)} its original; {_AGAIN}"
    else:
        text = f"{first_of(names, len(row))} lie beside their originals, the first {_words(shift)} its own; {_AGAIN}"
    return [Finding("shift", "warning", text, names, float(np.abs(shift).max()))]


def _of_row(middle: Floats, from_lr: Floats, lr_from_hr: Floats) -> Floats | None:
    if np.abs(middle).max() >= SET:
        return middle
    if np.isnan(from_lr).any():
        return None
    # Without HR there is nothing that could lie beside LR; it is the only witness then, and was asked above.
    pair = 0.0 if np.isnan(lr_from_hr).any() else float(np.abs(np.median(lr_from_hr[:, :2], axis=0)).max())
    alone = np.median(from_lr[:, :2], axis=0)
    return alone if np.abs(alone).max() >= SET_FROM_LR and pair < SET else None


def _words(shift: Floats) -> str:
    down, right = (round(float(value), 1) for value in shift)
    parts = [f"{abs(down):g} px {'below' if down > 0 else 'above'}"] if abs(down) >= 0.3 else []
    parts += [f"{abs(right):g} px {'right of' if right > 0 else 'left of'}"] if abs(right) >= 0.3 else []
    return " and ".join(parts) or "beside"
