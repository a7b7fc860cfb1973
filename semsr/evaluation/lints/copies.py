"""Pictures that are suspiciously equal: to their HR, to another row's, or to LR that was only enlarged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from semsr.evaluation.lints.finding import Finding, first_of
from semsr.evaluation.lints.look import EQUAL_DB
from semsr.evaluation.lints.row import RowLooks
from semsr.evaluation.lints.sketch import mean_squared

ALMOST = 60.0
"""PSNR in dB above which two pictures are one, but for rounding. Measured against HR: at most 31 dB in all rows of the lite profile."""
NOISE = 0.85
"""Correlation with HR's finest detail, median over a row, that no restoration has: noise can't be guessed. Measured: a median of 0.38
(DAT on clean photographs), at most 0.62 in one picture."""
ENLARGED = 50.0
"""PSNR in dB against enlarged LR, median over a row, above which nothing was restored (another library's bicubic is 53 dB off)."""
FLAT = 2.0
"""Pictures with a smaller standard deviation are alike whoever made them."""
RowName = tuple[str, str, int]
"""Method, variant, seed."""


@dataclass(frozen=True)
class NamedRow:
    """A row with what tells it apart. `checks`: it is there to check the set-up, and equal to something by its nature."""

    name: RowName
    row: RowLooks
    checks: bool = False


def judge(row: RowLooks) -> list[Finding]:
    """Whether pictures are HR itself, or carry its noise, or are LR enlarged."""
    return equal_to_hr(row) or hr_noise(row) or only_enlarged(row)


def equal_to_hr(row: RowLooks) -> list[Finding]:
    """Pictures that are their own reference."""
    likeness = np.nan_to_num(row.of("hr_db"))
    names = row.where((likeness > ALMOST) & (row.of("spread") > FLAT))
    if not names:
        return []
    value = float(likeness[row.names.index(names[0])])
    how = "identical" if value >= EQUAL_DB else f"{value:.1f} dB"
    text = (
        f"{first_of(names, len(row))} {'is its' if len(names) == 1 else 'are their'} own HR picture{'' if len(names) == 1 else 's'} "
        f"({how}, no restoration comes near {ALMOST:.0f} dB); look at which folder was taken"
    )
    return [Finding("equal-to-hr", "warning", text, names, value)]


def hr_noise(row: RowLooks) -> list[Finding]:
    """Pictures whose finest detail is HR's."""
    noise = np.nan_to_num(row.of("noise"))
    if np.median(noise) > NOISE:
        text = (
            f"the finest detail of the whole row is its HR's (correlation {np.median(noise):.2f}, median of {len(row)} pictures; at most "
            f"{NOISE:g} is possible without having seen HR); look at what the method was given"
        )
        return [Finding("hr-noise", "warning", text, value=float(np.median(noise)))]
    return []


def only_enlarged(row: RowLooks) -> list[Finding]:
    """A row in which LR was enlarged, and nothing else."""
    likeness = np.nan_to_num(row.of("enlarged_db"))
    middle = float(np.median(likeness))
    if middle < ENLARGED:
        return []
    text = f"the whole row is its LR enlarged ({'identical' if middle >= EQUAL_DB else f'{middle:.1f} dB'}, median of {len(row)} pictures)"
    return [Finding("only-enlarged", "info", text, value=middle)]


def judge_together(rows: Sequence[NamedRow]) -> Mapping[RowName, list[Finding]]:
    """Which rows hold pictures of other rows.

    Each is compared with those before it, so that of two equal rows the second is accused and names the first. Rows that check the set-up
    are left out: a method that only enlarges is told so by `only_enlarged`.
    """
    found: dict[RowName, list[Finding]] = {each.name: [] for each in rows}
    judged = [each for each in rows if not each.checks]
    for at, one in enumerate(judged):
        for other in judged[:at]:
            if finding := _equal(one, other):
                found[one.name].append(finding)
                break
    return found


def _equal(one: NamedRow, other: NamedRow) -> Finding | None:
    places = {name: at for at, name in enumerate(other.row.names)}
    shared = [(at, places[name]) for at, name in enumerate(one.row.names) if name in places]
    if not shared:
        return None
    mine, theirs = (np.array(list(side)) for side in zip(*shared, strict=True))
    values = 3 * one.row.of_originals("height")[mine] * one.row.of_originals("width")[mine]
    squared = mean_squared(one.row.of("sketch")[mine], other.row.of("sketch")[theirs], 1) / values
    # The estimate is off by up to a half of itself (three standard deviations); 60 dB is a mean square of 0.065.
    equal = (squared <= 255**2 / 10 ** (ALMOST / 10)) & (one.row.of("spread")[mine] > FLAT)
    names = tuple(one.row.names[at] for at, same in zip(mine, equal, strict=True) if same)
    if not names:
        return None
    method, variant, seed = other.name
    text = (
        f"{first_of(names, len(one.row))} {'is' if len(names) == 1 else 'are'} the picture{'' if len(names) == 1 else 's'} of row "
        f"{method}/{variant}{f'@{seed}' if seed else ''}; two rows that differ can't restore alike: look at which weights and which folder "
        "were taken"
    )
    return Finding("equal-to-row", "warning", text, names, float(len(names)))
