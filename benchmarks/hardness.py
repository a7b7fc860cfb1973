"""How hard the published degradations are: PSNR of bicubic on pictures degraded by each, for a folder of photographs.

    python benchmarks/hardness.py PHOTOGRAPHS [--seeds 5] [--threads 2]

From each picture (PNG or JPEG, anywhere below the folder, at least 1024 pixels a side) comes one of 512x512: halved by an antialiased
bicubic, which removes JPEG and sensor noise, then the centre. PSNR is the protocol `seesr`'s: luma of 16-235, no border. The published code
gave 27.14 dB (full) and 29.77 dB (light) on 24 photographs that are not named; light - full there is 2.63. The last line is
`figure=VALUE goal<=GOAL`: by how much our gap lies outside 2 to 3 dB.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from semsr.imaging.colour import Luma, channels
from semsr.imaging.degradation.parameters import PARAMETERS
from semsr.imaging.degradation.recipe import Recipe, degrade_batch
from semsr.imaging.degradation.sharpen import sharpen
from semsr.imaging.pictures import Rgb
from semsr.imaging.resize import bicubic_uint8

SIDE = 512


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("photographs", type=Path, help="a folder")
    parser.add_argument("--seeds", type=int, default=5, help="default: 5")
    parser.add_argument("--threads", type=int, default=2, help="pictures at a time (default: 2)")
    return parser.parse_args()


def centre_of_half(path: Path) -> Rgb | None:
    with Image.open(path) as file:
        if min(file.size) < 2 * SIDE:
            return None
        whole = np.asarray(file.convert("RGB"))
    half = bicubic_uint8(whole, 0.5)
    top, left = ((side - SIDE) // 2 for side in half.shape[:2])
    return np.ascontiguousarray(half[top : top + SIDE, left : left + SIDE])


def psnr(one: Rgb, other: Rgb) -> float:
    difference = channels(one, Luma.BT601_LIMITED) - channels(other, Luma.BT601_LIMITED)
    return float(10 * np.log10(255**2 / np.mean(difference**2)))


def sharpened(picture: Rgb) -> Rgb:
    sharp = sharpen(torch.from_numpy(picture.transpose(2, 0, 1).astype(np.float64))).round().numpy()
    return np.ascontiguousarray(sharp.transpose(1, 2, 0).astype(np.uint8))


def main() -> int:
    options = arguments()
    paths = sorted(p for p in options.photographs.rglob("*") if p.suffix.lower() in {".png", ".jpg"} and p.is_file())
    pictures = {path.stem: cut for path in paths if (cut := centre_of_half(path)) is not None}
    if not pictures:
        sys.exit(f"{options.photographs}: no PNG or JPEG of at least {2 * SIDE} pixels a side")
    torch.set_num_threads(1)
    away = statistics.mean(psnr(sharpened(picture), picture) for picture in pictures.values())
    print(f"{len(pictures)} photographs; sharpening takes them {away:.1f} dB from themselves; {options.seeds} seeds")
    means: dict[str, list[float]] = {}
    for name, parameters in PARAMETERS.items():
        for seed in range(options.seeds):
            pairs = degrade_batch(list(pictures.values()), Recipe(parameters, seed), list(pictures), threads=options.threads)
            means.setdefault(name, []).append(statistics.mean(psnr(bicubic_uint8(pair.lr, 4.0), pair.hr) for pair in pairs))
        print(f"{name:6} {statistics.mean(means[name]):6.2f} dB, SD over seeds {statistics.stdev(means[name]):.2f}")
    gaps = [light - full for light, full in zip(means["light"], means["full"], strict=True)]
    gap = statistics.mean(gaps)
    print(f"light - full {gap:.2f} dB ({min(gaps):.2f} to {max(gaps):.2f})")
    outside = max(0.0, 2.0 - gap, gap - 3.0)
    print(f"gap_outside_2_to_3_db={outside:.3g} goal<=0")
    return int(outside > 0)


if __name__ == "__main__":
    sys.exit(main())
