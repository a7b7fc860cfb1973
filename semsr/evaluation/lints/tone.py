"""Tones that are bent (gamma), stretched, squeezed or shifted as a whole: compared by mean colours of 8 x 8 cells."""

from __future__ import annotations

import numpy as np

from semsr.evaluation.lints.finding import Finding, first_of
from semsr.evaluation.lints.row import Floats, RowLooks, least, median_and_spread

GAMMA = 0.065
"""Natural logarithm of the exponent, median over a row, that is always too much (1.067 or 1 / 1.067) ..."""
GAMMA_SURE = 0.02
"""... and that is too much in a row whose pictures agree about it. Measured: Real-ESRGAN 0.044 with a spread of 0.04 on lite-photos."""
GAMMA_SINGLE = 0.4
"""... and in one picture. Measured: 0.2 in one picture of Real-ESRGAN."""
SLOPE = (0.8, 1.12)
"""Contrast: tones over those of the original, median over a row, beyond which it is too low or too high. Measured: 0.915 (OSEDiff)
to 1.03."""
BRIGHTNESS = 6.0
"""Grey levels by which a row is too bright or too dark. Measured: 3.4 (Real-ESRGAN on lite-photos-real)."""
BRIGHTNESS_SINGLE = 30.0
"""... and by which one picture is. Measured: 13."""
_DARK, _BRIGHT = 10.0, 245.0
"""Cells beyond hold pixels that were clipped, and say little about a curve."""
FEW = 4


def judge(row: RowLooks) -> list[Finding]:
    """Whether the row's tones, or those of single pictures, are not those of the originals."""
    gammas = [_log_gammas(row.thumbs, each) for each in row.references]
    offsets = [(row.thumbs - each).mean(axis=(1, 2, 3)) for each in row.references]
    if len(row) >= FEW and (finding := _of_row(row, gammas, offsets)):
        return [finding]
    gamma, offset = least(gammas), least(offsets)
    names = row.where((np.abs(gamma) > GAMMA_SINGLE) | (np.abs(offset) > BRIGHTNESS_SINGLE))
    if not names:
        return []
    at = row.names.index(names[0])
    text = (
        f"{first_of(names, len(row))} {'is' if len(names) == 1 else 'are'} too {'bright' if offset[at] > 0 else 'dark'}: "
        f"{abs(offset[at]):.0f} grey levels in the first (as by a gamma of {np.exp(gamma[at]):.2f}); look at the picture and make it again"
    )
    return [Finding("tone", "warning", text, names, float(offset[at]))]


def _of_row(row: RowLooks, gammas: list[Floats], offsets: list[Floats]) -> Finding | None:
    medians, spreads = zip(*(median_and_spread(each) for each in gammas), strict=True)
    gamma = float(least(medians))
    bent = gamma != 0 and all(
        abs(median) > min(GAMMA, GAMMA_SURE + 2.0 * spread) for median, spread in zip(medians, spreads, strict=True)
    )
    slopes = [_slopes(row.thumbs, each) for each in row.references]
    log_slope = float(least([np.asarray(np.log(np.median(each))) for each in slopes]))
    slope = float(np.exp(log_slope))
    stretched = not SLOPE[0] <= slope <= SLOPE[1]
    offset = float(least([np.asarray(np.median(each)) for each in offsets]))
    many = f"median of {len(row)} pictures"
    if stretched and not (bent and _gamma_explains(row, gamma)):
        text = (
            f"the whole row has a contrast of {slope:.2f} times the originals' ({many}); look for values that are scaled twice, or "
            "16-235 taken for 0-255 or the other way round"
        )
        return Finding("tone", "warning", text, value=slope)
    if bent:
        text = (
            f"the whole row is bent as by a gamma of {np.exp(gamma):.2f} ({many}); look for a conversion to or from linear light, or "
            "for a colour profile"
        )
        return Finding("tone", "warning", text, value=float(np.exp(gamma)))
    if abs(offset) > BRIGHTNESS:
        text = (
            f"the whole row is {abs(offset):.1f} grey levels too {'bright' if offset > 0 else 'dark'} ({many}); look at how values are "
            "scaled before they are written"
        )
        return Finding("tone", "warning", text, value=offset)
    return None


def _gamma_explains(row: RowLooks, log_gamma: float) -> bool:
    """Whether a bent curve leaves less than a straight line does, over all cells."""
    left = []
    for reference in row.references:
        curve = 255.0 * (np.clip(reference, 0.5, 255) / 255.0) ** np.exp(log_gamma)
        slope, start = np.polyfit(reference.reshape(-1), row.thumbs.reshape(-1), 1)
        left.append((float(np.abs(row.thumbs - curve).mean()), float(np.abs(row.thumbs - slope * reference - start).mean())))
    bent, straight = min(left)
    return bent < straight


def _log_gammas(thumbs: Floats, reference: Floats) -> Floats:
    """(N,) logarithms of the exponents that turn the originals' cells into the row's; 0 where all cells are black or white."""
    sound = (reference > _DARK) & (reference < _BRIGHT) & (thumbs > 1.0) & (thumbs < 254.0)
    x = np.where(sound, np.log(np.clip(reference, 1.0, 254.0) / 255.0), 0.0)
    y = np.where(sound, np.log(np.clip(thumbs, 1.0, 254.0) / 255.0), 0.0)
    energy = np.square(x).sum(axis=(1, 2, 3))
    exponent = np.where(energy > 0, (x * y).sum(axis=(1, 2, 3)) / np.maximum(energy, 1e-9), 1.0)
    return np.asarray(np.log(np.clip(exponent, 0.05, 20.0)), dtype=np.float64)


def _slopes(thumbs: Floats, reference: Floats) -> Floats:
    """(N,) regression slopes of cells on the originals'; 1 for flat originals."""
    x = reference - reference.mean(axis=(1, 2, 3), keepdims=True)
    energy = np.square(x).sum(axis=(1, 2, 3))
    slope = (x * (thumbs - thumbs.mean(axis=(1, 2, 3), keepdims=True))).sum(axis=(1, 2, 3)) / np.maximum(energy, 1e-9)
    return np.asarray(np.where(energy > x[0].size, np.clip(slope, 0.01, 100.0), 1.0), dtype=np.float64)
