"""Channels in another order, colours that are gone or cast: compared by mean colours of 8 x 8 cells."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from semsr.evaluation.lints import tone
from semsr.evaluation.lints.finding import Finding, first_of
from semsr.evaluation.lints.row import Floats, RowLooks, least, median_and_spread

CHANNELS = "RGB"
SWAP = 0.5
"""Another order of channels explains the colours if it leaves less than this share of the squared difference."""
AGREED = 0.6
"""Share of a row's pictures that another order must suit better; of fewer, the pictures are named."""
COLOURFUL = 4.0
"""Mean squared grey levels by which the orders must differ; near-grey pictures look alike in any."""
GREY = 1.0
"""Mean difference of a pixel's channels up to which a picture is grey (JPEG's rounding included) ..."""
COLOURED = 6.0
"""... although its original has at least this. Measured: a ratio of 0.6 and more in all rows of the lite profile."""

CAST = 2.5
"""Grey levels between a channel and the middle one, median over a row, that are always too many."""
CAST_SURE = 1.0
"""... and those that are too many in a row whose pictures agree about them."""
CAST_SINGLE = 20.0
"""... and in one picture. Measured: 12 in one picture of Real-ESRGAN."""
CURVE = 3
"""Degree of the polynomial that takes the originals' greys to the row's where tones are bent."""
_CLIPPED = 5.0


def grey(row: RowLooks) -> list[Finding]:
    """Pictures without colour of originals that have some."""
    holds = (row.of("colour") <= GREY) & (row.of_originals("colour") >= COLOURED)
    names = row.where(holds)
    if not names:
        return []
    at = row.names.index(names[0])
    text = (
        f"{first_of(names, len(row))} {'is' if len(names) == 1 else 'are'} grey, the original{'' if len(names) == 1 else 's'} not "
        f"(mean difference of channels {row.looks[at].colour:.1f} and {row.originals[at].colour:.1f}); restore all three channels"
    )
    return [Finding("grey", "warning", text, names, row.looks[at].colour)]


def swapped(row: RowLooks) -> list[Finding]:
    """Channels in another order, in the whole row or in single pictures."""
    orders = [order for order in permutations(range(3)) if order != (0, 1, 2)]
    # Errors of chroma alone: (N,) as it is, (orders, N) otherwise; the smaller of those against HR and LR.
    as_it_is = np.min([_chroma_error(row.thumbs, each) for each in row.references], axis=0)
    otherwise = np.array(
        [np.min([_chroma_error(row.thumbs[..., order], each) for each in row.references], axis=0) for order in orders]
    )
    sums = otherwise.sum(axis=1)
    best = int(sums.argmin())
    agreed = (otherwise[best] < as_it_is).mean() >= AGREED
    if agreed and sums[best] < SWAP * as_it_is.sum() and as_it_is.mean() - sums[best] / len(row) > COLOURFUL:
        share = float(sums[best] / as_it_is.sum())
        text = (
            f"the channels of the whole row are swapped: {_order(orders[best])} instead of RGB leaves {share:.0%} of the difference "
            "in colour; mend the order where pictures are read or written (OpenCV's is BGR)"
        )
        return [Finding("channels", "warning", text, value=share)]
    lowest = otherwise.min(axis=0)
    names = row.where((lowest < SWAP**2 * as_it_is) & (as_it_is - lowest > 4 * COLOURFUL))
    if not names:
        return []
    at = row.names.index(names[0])
    share = float(lowest[at] / as_it_is[at])
    text = (
        f"{first_of(names, len(row))} {'has its' if len(names) == 1 else 'have their'} channels swapped: "
        f"{_order(orders[int(otherwise[:, at].argmin())])} instead of RGB leaves {share:.0%} of the difference in colour; "
        "mend the order where pictures are read or written (OpenCV's is BGR)"
    )
    return [Finding("channels", "warning", text, names, share)]


def cast(row: RowLooks, *, bent: bool = False) -> list[Finding]:
    """A channel that is too bright or too dark compared with the others.

    Args:
        row: the row.
        bent: the row's tones are not the originals'. Bent tones move channels apart, too; that is taken off first.
    """
    if len(row) >= tone.FEW:
        originals = [_bent(each, row.thumbs) for each in row.references] if bent else row.references
        away = [_channel_offsets(row.thumbs, each) for each in originals]
        medians, limits = zip(*(_median_and_limit(each) for each in away), strict=True)
        middle = least(medians)
        beyond = np.all([np.abs(median) > limit for median, limit in zip(medians, limits, strict=True)], axis=0) & (middle != 0)
        if beyond.any():
            at = int(np.abs(np.where(beyond, middle, 0.0)).argmax())
            value = float(middle[at])
            text = (
                f"the whole row has a colour cast: {CHANNELS[at]} is {abs(value):.1f} grey levels too {_much(value)} compared with the "
                f"other channels (median of {len(row)} pictures); look for a normalisation that treats channels apart, or a missing colour "
                "correction"
            )
            return [Finding("cast", "warning", text, value=value)]
    if bent:
        return []
    away = [_channel_offsets(row.thumbs, each) for each in row.references]
    single = least(away)
    names = row.where(np.abs(single).max(axis=1) > CAST_SINGLE)
    if not names:
        return []
    found = single[row.names.index(names[0])]
    channel = int(np.abs(found).argmax())
    text = (
        f"{first_of(names, len(row))} {'has' if len(names) == 1 else 'have'} a colour cast: {CHANNELS[channel]} is "
        f"{abs(found[channel]):.0f} grey levels too {_much(found[channel])} in the first; look at the picture and make it again"
    )
    return [Finding("cast", "warning", text, names, float(found[channel]))]


def _chroma_error(thumbs: Floats, reference: Floats) -> Floats:
    """(N,) mean squared difference of what is left of the channels without their mean."""
    difference = thumbs - reference
    difference = difference - difference.mean(axis=-1, keepdims=True)
    return np.asarray(np.square(difference).mean(axis=(1, 2, 3)), dtype=np.float64)


def _channel_offsets(thumbs: Floats, reference: Floats) -> Floats:
    """(N, 3) medians over cells of each channel's offset, less the middle channel's: brightness is no cast."""
    difference = thumbs - reference
    clipped = (reference < _CLIPPED) | (reference > 255 - _CLIPPED)
    offsets = np.nanmedian(np.where(clipped & ~clipped.all(axis=(1, 2), keepdims=True), np.nan, difference), axis=(1, 2))
    return np.asarray(offsets - np.median(offsets, axis=1, keepdims=True), dtype=np.float64)


def _bent(reference: Floats, thumbs: Floats) -> Floats:
    """The originals' cells in the row's tones, which one curve for all channels gives; a flat picture keeps its own."""
    grey, its = reference.mean(axis=-1).reshape(-1), thumbs.mean(axis=-1).reshape(-1)
    if np.ptp(grey) < 16:
        return reference
    # Beyond the greys that there are, a polynomial says nothing.
    curve = np.polynomial.Polynomial.fit(grey, its, CURVE)
    inside = np.clip(reference, grey.min(), grey.max())
    return np.asarray(curve(inside) + (reference - inside), dtype=np.float64)


def _median_and_limit(away: Floats) -> tuple[Floats, Floats]:
    """Where pictures agree, less is sure: networks have casts of their own, but these differ from picture to picture."""
    middle, spread = median_and_spread(away)
    return middle, np.minimum(CAST, CAST_SURE + 2.0 * spread)


def _order(order: tuple[int, ...]) -> str:
    return "".join(CHANNELS[channel] for channel in order)


def _much(value: float) -> str:
    return "bright" if value > 0 else "dark"
