"""What a file's way has left in pixels: JPEG's grid, and edges that hold no picture."""

from __future__ import annotations

import numpy as np

from semsr.evaluation.lints.edges import SIDES
from semsr.evaluation.lints.finding import Finding, first_of
from semsr.evaluation.lints.grid import blocks
from semsr.evaluation.lints.row import RowLooks

GRID = 0.06
"""Difference of shares from which on a picture was JPEG. Measured on pictures of 512 x 512: at most 0.039 (OSEDiff) and 0.028 (bicubic,
also of LR that is JPEG at quality 30); at quality 95 at least 0.22 and 0.099, and 0.121 on RealSR's HR."""
GRID_NOISE = 6.0
"""... and it must be this many standard errors of a share of the picture's blocks (0.094 of 256 x 256; measured there: at most 0.051)."""
SAME_AS_HR = 45.0
"""PSNR in dB above which a picture's grid may be its HR's own."""
SAME_AS_LR = 60.0
"""PSNR in dB against LR enlarged above which it may be LR's: repeated pixels of strongly compressed LR reach 0.083."""


def judge(row: RowLooks) -> list[Finding]:
    """JPEG traces and empty edges."""
    return jpeg(row) + empty_edges(row)


def jpeg(row: RowLooks) -> list[Finding]:
    """Pictures that were stored as JPEG on their way."""
    grid = np.nan_to_num(row.of("grid"))
    sizes = zip(row.of_originals("height"), row.of_originals("width"), strict=True)
    limits = np.array([max(GRID, GRID_NOISE * np.sqrt(0.25 / max(blocks((int(h), int(w))), 1))) for h, w in sizes])
    inherited = (np.nan_to_num(row.of("hr_db")) > SAME_AS_HR) & (np.nan_to_num(row.of_originals("hr_grid")) > limits / 2)
    inherited |= np.nan_to_num(row.of("enlarged_db")) > SAME_AS_LR
    names = row.where((grid > limits) & ~inherited)
    if not names:
        return []
    at = row.names.index(names[0])
    text = (
        f"{first_of(names, len(row))} carr{'ies' if len(names) == 1 else 'y'} traces of JPEG in 8 x 8 blocks (strength {grid[at]:.2f}; "
        f"{limits[at]:.2f} is allowed); write PNG from the first, quality 95 costs fidelity and perceptual scores alike"
    )
    return [Finding("jpeg", "warning", text, names, float(grid[at]))]


def empty_edges(row: RowLooks) -> list[Finding]:
    """Pictures with a border of one colour, or of copied lines."""
    edges = row.of("edges")
    names = row.where(edges.max(axis=1) > 0)
    if not names:
        return []
    first = edges[row.names.index(names[0])]
    where = ", ".join(f"{count:.0f} px at the {side}" for side, count in zip(SIDES, first, strict=True) if count)
    text = (
        f"{first_of(names, len(row))} {'has' if len(names) == 1 else 'have'} an empty border (the first: {where}, of one colour or copied "
        "from the line within); look at padding and tiling, and fill the whole picture"
    )
    return [Finding("border", "warning", text, names, float(first.max()))]
