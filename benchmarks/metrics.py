"""How long scoring takes, against a plain pyiqa loop over the same pictures with the same threads, in one run.

    pip install 'semsr[iqa]'
    python benchmarks/metrics.py [--threads 2] [--pictures 8] [--repeats 3] [--sr DIR --hr DIR]

Both sides read and decode the files, and neither's time includes loading weights. The pyiqa loop is the fast kind: it decodes a picture
once and hands the tensors to all metrics. It costs the same for every method, so that its time for one is its time a method. The last
lines are `figure=VALUE goal<=GOAL`; the exit status is 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
METHODS = 5
TOLERANCES = {"psnr": 1e-4, "ssim": 2e-6, "lpips": 2e-4, "dists": 1e-4, "niqe": 2e-2}
"""What tests/metrics allow against the published values of single pictures."""

Values = dict[str, list[float]]
"""Values by metric, in the order of the pictures' names."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2, help="for both sides (default: 2)")
    parser.add_argument("--pictures", type=int, default=8, help="how many (default: 8)")
    parser.add_argument("--repeats", type=int, default=3, help="the ratio of each goal is the median of so many (default: 3)")
    parser.add_argument(
        "--sr", type=Path, help="a folder of outputs (default: OSEDiff's in $SEMSR_TEST_DATA or ../shared/data)"
    )
    parser.add_argument("--hr", type=Path, help="a folder of references of the same names")
    parser.add_argument("--measure-memory", type=int, metavar="N", help=argparse.SUPPRESS)
    return parser.parse_args()


@dataclass(frozen=True)
class Pictures:
    """Files by name: the references and one method's outputs."""

    hr: dict[str, Path]
    sr: dict[str, Path]

    def first(self, count: int) -> Pictures:
        names = sorted(self.sr)[:count]
        return Pictures({name: self.hr[name] for name in names}, {name: self.sr[name] for name in names})


def find_pictures(options: argparse.Namespace) -> Pictures:
    from semsr.imaging.pictures import picture_files

    data = Path(os.environ.get("SEMSR_TEST_DATA", ROOT.parent / "shared" / "data")) / "realsr_crop128"
    sr, hr = options.sr or data / "osediff", options.hr or data / "hr"
    if not (sr.is_dir() and hr.is_dir()):
        sys.exit(f"no pictures in {sr} and {hr}; pass --sr DIR --hr DIR, for example a cell's images/ and data/lite-photos/hr")
    outputs, references = picture_files(sr), picture_files(hr)
    names = sorted(set(outputs) & set(references))
    return Pictures({name: references[name] for name in names}, {name: outputs[name] for name in names})


def more_methods(pictures: Pictures, folder: Path) -> list[dict[str, Path]]:
    """Outputs of five methods: the real ones, and four blends of them with the reference, so that no two files are the same."""
    import numpy as np

    from semsr.imaging.pictures import read_rgb, write_png

    methods = [pictures.sr]
    for nth in range(1, METHODS):
        files = {}
        for name, path in pictures.sr.items():
            sr, hr = read_rgb(path).astype(float), read_rgb(pictures.hr[name])
            files[name] = folder / str(nth) / f"{name}.png"
            write_png(files[name], np.rint(sr + (hr - sr) * nth / (METHODS + 1)).astype(np.uint8))
        methods.append(files)
    return methods


# Our side.


class Ours:
    """The engine behind `semsr score` and `semsr eval`, with its metrics loaded."""

    def __init__(self, metrics: tuple[str, ...], threads: int) -> None:
        from semsr.evaluation.protocol import ResolvedProtocol, resolve
        from semsr.evaluation.workbench import build
        from semsr.project import Project

        project = Project(ROOT)
        full = resolve(project, "seesr")
        self.columns = tuple(column for column in full.columns if column.name in metrics)
        self.bench = build(project, [ResolvedProtocol(full.card, self.columns)])
        self.threads = threads
        for column in self.columns:
            if column.key in self.bench.unavailable:
                sys.exit(f"{column.name} is not available, because {self.bench.unavailable[column.key]}")

    def score(self, hr: dict[str, Path], methods: list[dict[str, Path]]) -> list[Values]:
        from semsr.evaluation.pairing import picture_size
        from semsr.evaluation.scoring import Subject, score

        keys = frozenset(column.key for column in self.columns)
        sizes = {name: picture_size(path) for name, path in hr.items()}
        subjects = [Subject(f"m{at}", "default", files, keys) for at, files in enumerate(methods)]
        return [
            {column.name: [scores.images[column.key][name] for name in sorted(hr)] for column in self.columns}
            for scores in score(subjects, hr, sizes, self.bench, threads=self.threads)
        ]


# Theirs.


class Theirs:
    """pyiqa's metrics as the published test script calls them, one picture after the other."""

    def __init__(self, metrics: tuple[str, ...], threads: int, cache: Path) -> None:
        import torch

        os.environ["TORCH_HOME"] = str(cache)
        try:
            import pyiqa
        except ImportError:
            sys.exit("pyiqa is not installed: pip install 'semsr[iqa]'")
        files = pyiqa_weights(cache)
        on_luma = {"test_y_channel": True, "color_space": "ycbcr"}
        settings: dict[str, dict[str, Any]] = {"psnr": on_luma, "ssim": on_luma}
        settings |= {name: {"pretrained_model_path": str(files[name])} for name in ("lpips", "dists", "niqe")}
        self.threads = threads
        with contextlib.redirect_stdout(io.StringIO()):  # it prints where it loads from
            self.metrics = {name: pyiqa.create_metric(name, device=torch.device("cpu"), **settings[name]) for name in metrics}

    def score(self, hr: dict[str, Path], sr: dict[str, Path]) -> Values:
        import torch

        from semsr.imaging.pictures import read_rgb

        def tensor(path: Path) -> torch.Tensor:
            return torch.from_numpy(read_rgb(path).copy()).permute(2, 0, 1).unsqueeze(0).contiguous().float() / 255

        torch.set_num_threads(self.threads)
        values: Values = {name: [] for name in self.metrics}
        with torch.no_grad():
            for name in sorted(sr):
                mine, theirs = tensor(sr[name]), tensor(hr[name])
                for metric, measure in self.metrics.items():
                    value = measure(mine) if metric == "niqe" else measure(mine, theirs)
                    values[metric].append(float(value))
        return values


def pyiqa_weights(cache: Path) -> dict[str, Path]:
    """Put our verified weights where pyiqa and torchvision look for theirs, so that both sides compute with the same numbers.

    torchvision's files hold a classifier, too, which neither metric uses: zeros of the right shape that take no room in the file.
    """
    import numpy as np
    import scipy.io
    import torch

    from semsr.assets.store import Store
    from semsr.plugins import load_plugin
    from semsr.project import Project

    project, store = Project(ROOT), Store()

    def asset(name: str) -> Path:
        return store.get(project.asset(name))

    checkpoints = cache / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    backbones = {
        "alexnet-owt-7be5be79.pth": (
            "load_alexnet", "alexnet-imagenet", (0, 3, 6, 8, 10), {1: (4096, 9216), 4: (4096, 4096), 6: (1000, 4096)}
        ),
        "vgg16-397923af.pth": (
            "load_vgg16", "vgg16-imagenet", (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
            {0: (4096, 25088), 3: (4096, 4096), 6: (1000, 4096)},
        ),
    }  # fmt: skip
    for file, (loader, weights, places, classifier) in backbones.items():
        kernels = load_plugin(project, "metric", project.metric_family("lpips"), f"backbones:{loader}")(asset(weights), "cpu")
        state = {}
        for place, kernel in zip(places, kernels, strict=True):
            state |= {f"features.{place}.weight": kernel.weight.contiguous(), f"features.{place}.bias": kernel.bias}
        for place, shape in classifier.items():
            state |= {f"classifier.{place}.weight": torch.zeros(1).expand(shape)}
            state |= {f"classifier.{place}.bias": torch.zeros(1).expand(shape[0])}
        torch.save(state, checkpoints / file)
    with np.load(asset("niqe-live")) as held:
        scipy.io.savemat(cache / "niqe.mat", {"mu_prisparam": held["mu_pris_param"], "cov_prisparam": held["cov_pris_param"]})
    return {"lpips": asset("lpips-alex-linear"), "dists": asset("dists-weights"), "niqe": cache / "niqe.mat"}


# Measuring.


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def difference(ours: Values, theirs: Values) -> dict[str, float]:
    return {name: max(abs(a - b) for a, b in zip(ours[name], theirs[name], strict=True)) for name in theirs}


def describe(name: str, seconds: list[float]) -> None:
    print(f"{name:<34} {statistics.median(seconds):8.4f} s a picture and method   ({min(seconds):.4f} to {max(seconds):.4f})")


def compare(pictures: Pictures, options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, float, float]]:
    count, all_five, two = len(pictures.sr), tuple(TOLERANCES), ("psnr", "ssim")
    methods = more_methods(pictures, folder / "methods")
    theirs_five, ours_five = Theirs(all_five, options.threads, folder / "torch"), Ours(all_five, options.threads)
    ours_two = Ours(two, options.threads)
    theirs_two = Theirs.__new__(Theirs)
    theirs_two.threads, theirs_two.metrics = options.threads, {name: theirs_five.metrics[name] for name in two}

    # Interleaved, so that whatever else the machine does meets all of them; first once without a clock.
    warm = pictures.first(1)
    theirs_five.score(warm.hr, warm.sr)
    ours_five.score(warm.hr, [warm.sr])
    runs: dict[str, list[float]] = {}
    for _ in range(options.repeats):
        for name, divisor, work in (
            ("pyiqa, 5 metrics", count, lambda: theirs_five.score(pictures.hr, pictures.sr)),
            ("ours, 5 metrics, one method", count, lambda: ours_five.score(pictures.hr, [pictures.sr])),
            (f"ours, 5 metrics, {METHODS} methods", count * METHODS, lambda: ours_five.score(pictures.hr, methods)),
            ("pyiqa, PSNR and SSIM", count, lambda: theirs_two.score(pictures.hr, pictures.sr)),
            ("ours, PSNR and SSIM", count, lambda: ours_two.score(pictures.hr, [pictures.sr])),
        ):
            seconds, result = timed(work)
            runs.setdefault(name, []).append(seconds / divisor)
            if name == "pyiqa, 5 metrics":
                published = result
            elif name == "ours, 5 metrics, one method":
                (alone,) = result
            elif name.endswith("methods"):
                together = result[0]
    for name, seconds_each in runs.items():
        describe(name, seconds_each)

    baseline, one, five, baseline_two, ours_alone = runs.values()
    for figure, mine, base, goal in (
        ("one_method_ratio", one, baseline, 0.5),
        ("five_methods_ratio", five, baseline, 0.35),
        ("psnr_ssim_ratio", ours_alone, baseline_two, 0.15),
    ):
        ratios = [a / b for a, b in zip(mine, base, strict=True)]
        print(f"{figure}: {min(ratios):.3f} to {max(ratios):.3f} in {len(ratios)} repeats")
        yield figure, statistics.median(ratios), goal
    for metric, largest in difference(alone, published).items():
        yield f"{metric}_max_difference", largest, TOLERANCES[metric]
    yield "shared_hr_max_difference", max(difference(together, alone).values()), 0.0


def peak_memory(count: int, options: argparse.Namespace) -> float:
    """MiB that a fresh process needs at most to score `count` pictures."""
    command = [sys.executable, __file__, "--measure-memory", str(count), "--threads", str(options.threads)]
    for name in ("sr", "hr"):
        command += [f"--{name}", str(getattr(options, name))] if getattr(options, name) else []
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def measure_memory(pictures: Pictures, options: argparse.Namespace) -> None:
    """Score that many pictures (with those there are, again and again under other names) and print the peak in MiB."""
    there = sorted(pictures.sr)
    names = [(f"{at:05}", there[at % len(there)]) for at in range(options.measure_memory)]
    hr, sr = ({new: files[old] for new, old in names} for files in (pictures.hr, pictures.sr))
    Ours(tuple(TOLERANCES), options.threads).score(hr, [sr])
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> int:
    options = arguments()
    pictures = find_pictures(options)
    if options.measure_memory:
        measure_memory(pictures, options)
        return 0
    chosen = pictures.first(options.pictures)
    print(
        f"{len(chosen.sr)} pictures, {options.threads} threads, {options.repeats} repeats; metrics: {', '.join(TOLERANCES)}\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        figures = list(compare(chosen, options, Path(folder)))
    few, many = 2 * options.threads, 8 * options.threads
    small, large = peak_memory(few, options), peak_memory(many, options)
    print(f"peak memory: {small:.0f} MiB for {few} pictures, {large:.0f} MiB for {many}\n")
    figures.append(("memory_growth", large / small, 1.1))
    for figure, value, goal in figures:
        print(f"{figure}={value:.4g} goal<={goal:g}{'' if value <= goal else '  MISSED'}")
    return int(any(value > goal for _, value, goal in figures))


if __name__ == "__main__":
    # Before NumPy and torch are loaded: both sides get the threads asked for, in every library.
    threads = str(arguments().threads)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = threads
    sys.exit(main())
