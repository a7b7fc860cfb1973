"""Heat maps of what semantic tokens look at, on a real picture and on the restored one, and numbers on all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from semsr.errors import PictureError
from semsr.files import write_atomic
from semsr.imaging.pictures import Rgb, encode_png, read_rgb
from semsr.preparation.manifest import Entry
from semsr.reporting.contact_sheet import Shown, busiest, evenly
from semsr.reporting.training.attention import Attention
from semsr.reporting.training.found import BlockMaps, BlockNumbers

PAIRS = 6
"""Patches that the numbers are taken over."""
EVEN = 1.05
"""Maps whose peak is less than this many times the even weight are not drawn: colours would show what is hardly there."""
_TILE = 160
_GAP = 4


@dataclass(frozen=True)
class PatchPair:
    """The same square of a photograph's LR and HR."""

    name: str
    lr: Rgb
    hr: Rgb


def cut_pairs(entries: Sequence[Entry], side: int, scale: int) -> tuple[list[PatchPair], list[str]]:
    """The busiest square of up to six photographs, evenly chosen, as LR and HR; and what can't be read, a line each."""
    usable = [
        entry
        for entry in entries
        if entry.hr_size and entry.lr_size and min(entry.hr_size) >= side and entry.hr_size[0] == scale * entry.lr_size[0]
    ]
    pairs: list[PatchPair] = []
    problems: list[str] = []
    for place in evenly(len(usable), PAIRS):
        entry = usable[place]
        assert entry.hr is not None and entry.lr is not None
        try:
            hr, lr = read_rgb(entry.hr), read_rgb(entry.lr)
        except PictureError as error:
            problems.append(str(error))
            continue
        top, left = busiest(hr, side, scale * max(1, side // scale // 8))
        small = lr[top // scale : (top + side) // scale, left // scale : (left + side) // scale]
        pairs.append(PatchPair(entry.name, small, hr[top : top + side, left : left + side]))
    return pairs, problems


def numbers(who: str, on_hr: Sequence[Attention], on_sr: Sequence[Attention]) -> list[BlockNumbers]:
    """Numbers of each block, over the batch that both were made of."""
    found = []
    for real, fake in zip(on_hr, on_sr, strict=True):
        hr, sr = real.weights, fake.weights
        _, tokens, pixels = hr.shape
        found.append(
            BlockNumbers(
                who,
                real.block,
                tokens,
                pixels,
                float(real.entropy.mean()),
                float(fake.entropy.mean()),
                _apart(hr),
                float(0.5 * (hr - sr).abs().sum(dim=-1).mean()),
                max(real.error, fake.error),
            )
        )
    return found


def choose_tokens(side: int, real: Tensor, fake: Tensor) -> tuple[list[int], int]:
    """Tokens to show: four on a grid, then the two whose entropies on HR and SR differ most.

    Args:
        side: of the square semantic grid.
        real, fake: (tokens,) entropies.

    Returns:
        Numbers of tokens, row by row, and how many of them stand on the grid.
    """
    places = sorted({side // 4, side - 1 - side // 4})
    grid = [row * side + column for row in places for column in places]
    order = torch.argsort((real - fake).abs(), descending=True, stable=True).tolist()
    return grid + [token for token in order if token not in grid][:2], len(grid)


def draw_maps(
    pair: PatchPair, sr: Rgb, real: Attention, fake: Attention, place: int, folder: Path, key: str
) -> BlockMaps | None:
    """Write the heat maps of one block for the patch at `place` of the batch.

    Colours go from black (none) over red to light yellow (the peak of all maps of this picture), over the patch in grey.
    Patches are square.

    Returns:
        What was drawn; None where all pixels are attended to nearly alike.

    Raises:
        StorageError: the folder can't be written.
    """
    hr_maps, sr_maps = real.weights[place], fake.weights[place]
    grid = real.tokens[0]
    chosen, on_grid = choose_tokens(grid, real.entropy[place], fake.entropy[place])
    # A few bright pixels shall not make all others black.
    peak = float(torch.quantile(torch.cat([hr_maps[chosen], sr_maps[chosen]]).flatten(), 0.995))
    if peak * hr_maps.shape[1] < EVEN:
        return None
    columns = []
    for token in chosen:
        rows = [_marked(pair.hr, token, grid)]
        for rgb, maps in ((pair.hr, hr_maps), (sr, sr_maps)):
            rows.append(_heated(rgb, maps[token].reshape(real.pixels).numpy() / max(peak, 1e-12)))
        columns.append(_stack(rows, 0))
    image = _stack(columns, 1)
    file = f"attention/{key}.png"
    write_atomic(folder / file, encode_png(image))
    return BlockMaps(
        real.block,
        pair.name,
        Shown(file, image.shape[1], image.shape[0]),
        tuple(divmod(token, grid) for token in chosen),
        tuple((float(real.entropy[place, token]), float(fake.entropy[place, token])) for token in chosen),
        on_grid,
        peak * hr_maps.shape[1],
    )


def _apart(maps: Tensor) -> float:
    """Mean total variation between the maps of any two of at most 32 tokens, evenly chosen, of each picture; (B, N, M)."""
    some = evenly(maps.shape[1], 32)
    pairs = list(combinations(some, 2))
    if not pairs:
        return 0.0
    return float(np.mean([float(0.5 * (maps[:, one] - maps[:, other]).abs().sum(dim=-1).mean()) for one, other in pairs]))


def _marked(rgb: Rgb, token: int, grid: int) -> Rgb:
    """The patch with a frame where a token stands."""
    tile = _tile(rgb)
    row, column = divmod(token, grid)
    top, left = round(row * _TILE / grid), round(column * _TILE / grid)
    low, right = round((row + 1) * _TILE / grid), round((column + 1) * _TILE / grid)
    for grown, value in ((0, 0), (1, 255)):
        y, x = max(0, top - grown), max(0, left - grown)
        v, u = min(_TILE, low + grown) - 1, min(_TILE, right + grown) - 1
        tile[[y, v], x : u + 1] = value
        tile[y : v + 1, [x, u]] = value
    return tile


def _heated(rgb: Rgb, share: NDArray[np.float64]) -> Rgb:
    from matplotlib import colormaps

    grey = _tile(rgb).mean(axis=2, keepdims=True)
    heat = colormaps["inferno"](np.clip(share, 0, 1))[..., :3]
    large = np.asarray(
        Image.fromarray((255 * heat).round().astype(np.uint8)).resize((_TILE, _TILE), Image.Resampling.NEAREST),
        dtype=np.float64,
    )
    return np.asarray((0.3 * grey + 0.7 * large).round(), dtype=np.uint8)


def _tile(rgb: Rgb) -> Rgb:
    return np.array(Image.fromarray(np.ascontiguousarray(rgb)).resize((_TILE, _TILE), Image.Resampling.NEAREST))


def _stack(parts: Sequence[Rgb], axis: int) -> Rgb:
    """Side by side or one below the other, on white."""
    gap = np.full((_GAP, parts[0].shape[1], 3) if axis == 0 else (parts[0].shape[0], _GAP, 3), 255, dtype=np.uint8)
    laid = [parts[0]]
    for part in parts[1:]:
        laid += [gap, part]
    return np.concatenate(laid, axis=axis)
