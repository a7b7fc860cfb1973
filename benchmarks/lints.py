"""How surely lints find planted faults, and whether they accuse the innocent.

    python benchmarks/lints.py [--pictures N] [--rows osediff,bicubic,...] [--results DIR]

Each fault is planted in every picture of a row ("row": is it said of the row, or of which share of its pictures?), and in one picture
at a time of an otherwise clean row ("alone": in which share of the pictures is it found?). Rows: OSEDiff's published outputs on RealSR and
bicubic enlargement of the same LR (SEMSR_TEST_DATA), and, where they are there, the cells of a profile (--results results/lite). Goals:
every fault of a row is found, no finding on clean rows. Prints Markdown; a goal that is missed is marked, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from semsr.evaluation.lints.judges import judge_row
from semsr.evaluation.lints.look import Look, OriginalLook, Originals, look_at, look_at_originals
from semsr.evaluation.lints.row import RowLooks
from semsr.imaging.pictures import Rgb, read_rgb
from semsr.imaging.resize import bicubic_uint8

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("SEMSR_TEST_DATA", ROOT.parent / "shared" / "data")) / "realsr_crop128"
Change = Callable[[Rgb], Rgb]


def jpeg(quality: int) -> Change:
    def change(rgb: Rgb) -> Rgb:
        file = io.BytesIO()
        Image.fromarray(rgb).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))

    return change


def shift(down: int, right: int) -> Change:
    return lambda rgb: np.roll(rgb, (down, right), axis=(0, 1))


def gamma(exponent: float) -> Change:
    return lambda rgb: np.rint(255 * (rgb / 255) ** exponent).astype(np.uint8)


def add(red: int, green: int, blue: int) -> Change:
    return lambda rgb: np.clip(rgb + np.array([red, green, blue]), 0, 255).astype(np.uint8)


def scaled(slope: float, start: float) -> Change:
    return lambda rgb: np.clip(np.rint(rgb * slope + start), 0, 255).astype(np.uint8)


def frame(width: int, **how: object) -> Change:
    inner = slice(width, -width)
    return lambda rgb: np.pad(rgb[inner, inner], ((width, width), (width, width), (0, 0)), **how)


def lost_tile(rgb: Rgb) -> Rgb:
    changed = rgb.copy()
    changed[-rgb.shape[0] // 4 :, -rgb.shape[1] // 4 :] = 0
    return changed


FAULTS: dict[str, tuple[str, Change, bool]] = {
    "shift 1 px down": ("shift", shift(1, 0), True),
    "shift 1 px up": ("shift", shift(-1, 0), True),
    "shift 1 px right": ("shift", shift(0, 1), True),
    "shift 1 px left": ("shift", shift(0, -1), True),
    "shift 2 px": ("shift", shift(2, 0), True),
    "BGR": ("channels", lambda rgb: rgb[..., ::-1], True),
    "GBR": ("channels", lambda rgb: rgb[..., [1, 2, 0]], True),
    "grey": ("grey", lambda rgb: np.asarray(Image.fromarray(rgb).convert("L").convert("RGB")), True),
    "gamma 1.05": ("tone", gamma(1.05), False),
    "gamma 1.1": ("tone", gamma(1.1), False),
    "gamma 1 / 1.1": ("tone", gamma(1 / 1.1), False),
    "gamma 1.2": ("tone", gamma(1.2), True),
    "gamma 1 / 1.2": ("tone", gamma(1 / 1.2), True),
    "gamma 2.2": ("tone", gamma(2.2), True),
    "gamma 1 / 2.2": ("tone", gamma(1 / 2.2), True),
    "brighter by 12": ("tone", add(12, 12, 12), True),
    "darker by 12": ("tone", add(-12, -12, -12), True),
    "cast red +2": ("cast", add(2, 0, 0), False),
    "cast red +4": ("cast", add(4, 0, 0), False),
    "cast green -4": ("cast", add(0, -4, 0), False),
    "cast blue +4": ("cast", add(0, 0, 4), False),
    "cast red +8": ("cast", add(8, 0, 0), True),
    "cast blue -8": ("cast", add(0, 0, -8), True),
    "16-235": ("limited-range", scaled(219 / 255, 16), True),
    "0-1 as 8 bits": ("black", scaled(1 / 255, 0), True),
    "flat": ("flat", lambda rgb: np.full_like(rgb, 128), True),
    "lost tile": ("lost-part", lost_tile, True),
    "JPEG 98": ("jpeg", jpeg(98), False),
    "JPEG 95": ("jpeg", jpeg(95), True),
    "JPEG 90": ("jpeg", jpeg(90), True),
    "JPEG 75": ("jpeg", jpeg(75), True),
    "black border 1 px": ("border", frame(1, constant_values=0), True),
    "black border 4 px": ("border", frame(4, constant_values=0), True),
    "copied border 1 px": ("border", frame(1, mode="edge"), True),
    "copied border 4 px": ("border", frame(4, mode="edge"), True),
    "mirrored": ("turned", lambda rgb: rgb[:, ::-1], True),
    "upside down": ("turned", lambda rgb: rgb[::-1], True),
}
"""Name: the lint that must find it, what is done, and whether it is strong enough that every row must be told."""


@dataclass(frozen=True)
class Picture:
    name: str
    sr: Rgb
    originals: Originals
    known: OriginalLook


def realsr(kind: str, count: int) -> Iterator[Picture]:
    for path in sorted((DATA / "osediff").glob("*.png"))[:count]:
        hr, lr = read_rgb(DATA / "hr" / path.name), read_rgb(DATA / "lr" / path.name)
        yield picture(path.stem, read_rgb(path) if kind == "osediff" else bicubic_uint8(lr, 4), hr, lr)


def picture(name: str, sr: Rgb, hr: Rgb, lr: Rgb) -> Picture:
    originals = Originals(lr, hr, (hr.shape[0], hr.shape[1]))
    return Picture(name, sr, originals, look_at_originals(originals))


def cells(results: Path, count: int) -> Iterator[tuple[str, list[Picture]]]:
    for folder in sorted(results.glob("cells/*/*/*/images")):
        dataset, method, variant = folder.parts[-4:-1]
        data = ROOT / "data" / dataset
        pictures = [
            picture(path.stem, read_rgb(path), read_rgb(data / "hr" / path.name), read_rgb(data / "lr" / path.name))
            for path in sorted(folder.glob("*.png"))[:count]
        ]
        yield f"{dataset}/{method}/{variant}", pictures


def row_of(pictures: list[Picture], looks: list[Look]) -> RowLooks:
    return RowLooks(tuple(each.name for each in pictures), tuple(looks), tuple(each.known for each in pictures))


def looks_of(pictures: list[Picture], change: Change) -> list[Look]:
    return [look_at(np.ascontiguousarray(change(each.sr)), each.originals, each.known) for each in pictures]


def judge_planted(pictures: list[Picture], clean: list[Look], fault: str) -> tuple[str, float, bool]:
    """What is said of the row, in which share of the pictures the fault is found alone, and whether the row's was found."""
    lint, change, _ = FAULTS[fault]
    planted = looks_of(pictures, change)
    said = [finding for finding in judge_row(row_of(pictures, planted)) if finding.lint == lint]
    alone = 0
    for at, each in enumerate(pictures):
        mixed = [*clean[:at], planted[at], *clean[at + 1 :]]
        alone += any(finding.lint == lint and each.name in finding.pictures for finding in judge_row(row_of(pictures, mixed)))
    share = "no"
    if said:
        share = f"{len(said[0].pictures)} of {len(pictures)}" if said[0].pictures else "yes"
    return share, alone / len(pictures), bool(said)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--rows", default="")
    parser.add_argument("--faults", default="", help="only faults whose names hold one of these words")
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    rows = {kind: list(realsr(kind, options.pictures)) for kind in ("osediff", "bicubic")} if DATA.is_dir() else {}
    rows |= dict(cells(options.results, options.pictures)) if options.results else {}
    wanted = [part for part in options.rows.split(",") if part]
    missed = 0
    for name, pictures in rows.items():
        if wanted and not any(part in name for part in wanted):
            continue
        start = time.process_time()
        clean = looks_of(pictures, lambda rgb: rgb)
        seconds = (time.process_time() - start) / len(pictures)
        said = [finding for finding in judge_row(row_of(pictures, clean)) if finding.counts]
        missed += len(said)
        print(f"\n{name}: {len(pictures)} pictures, {seconds:.2f} s of one core a picture, {len(said)} false alarms")
        for finding in said:
            print(f"  FALSE: {finding.lint}: {finding.message}")
        print("\n| fault | row | alone |\n|---|---|---|")
        words = [word for word in options.faults.split(",") if word]
        for fault in (each for each in FAULTS if not words or any(word in each for word in words)):
            share, alone, found = judge_planted(pictures, clean, fault)
            mark = " MISSED" if FAULTS[fault][2] and not found else ""
            missed += bool(mark)
            print(f"| {fault} | {share}{mark} | {alone:.0%} |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
