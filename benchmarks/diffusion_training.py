"""Seconds a step of SeeSR's stage two, the largest batch that fits, and memory.

    python benchmarks/diffusion_training.py [--threads 1] [--most 4]
    python benchmarks/diffusion_training.py --real [--precision fp16] [--most 1024] [--out FILE]

The recipe is `stage-two` of methods/seesr/recipes.yaml with its objective (autoencoder, tagger, DAPE, text encoder, U-Net, ControlNet), its
optimiser, its precision and activations computed again on the way back, in one part: `accumulate` is 1. Weights are random, pictures are
noise that lies on the device: the loader, the log and checkpoints are not in it. The batch is doubled until memory runs out, one step each,
and the largest that fits is trained `--steps` more. The first batch is trained until a step counts, since fp16 leaves the first ones out
while it looks for its scale, and the optimiser has its averages only then; what fp16 left out later is told.

`--real` is the published size on a GPU, patches of 512x512, and CLIP's text encoder with a made-up vocabulary. Its steps grow with the
batch: where minutes count, bound them by `--most` and `--steps`. It has not been run yet: no GPU was at hand. Without it networks and
patches are those of the recipe `tiny`, on a CPU in fp32, to see that everything runs; memory is then the process's.

Nothing is compared and there is no goal; the exit status is 1 where not even one picture fits, and 2 where `--real` finds no GPU.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffusion_setup import ROOT, no_gpu, pictures, plugin, sizes, words

FIRST = 30
"""Steps within which fp16 must have found a scale at which gradients do not overflow."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", action="store_true", help="published sizes, on a GPU")
    parser.add_argument("--precision", choices=("fp32", "bf16", "fp16"), help="default: the recipe's with --real, else fp32")
    parser.add_argument("--steps", type=int, default=20, help="of the largest batch (default: 20)")
    parser.add_argument("--most", type=int, help="pictures a step, at most (default: 4; with --real 1024)")
    parser.add_argument("--threads", type=int, default=1, help="on a CPU (default: 1)")
    parser.add_argument("--out", type=Path, help="write the table here, too")
    options = parser.parse_args()
    options.most = options.most or (1024 if options.real else 4)
    options.device = "cuda" if options.real else "cpu"
    return options


# What is trained.


def make_recipe(options: argparse.Namespace) -> Any:
    """Stage two as it is published, or at the tiny size."""
    from semsr.project import Project

    recipes = Project(ROOT).recipes("seesr")
    recipe, tiny = recipes["stage-two"], recipes["tiny"]
    precision = options.precision or (recipe.precision if options.real else "fp32")
    patch = (recipe if options.real else tiny).data.patch
    generator = recipe.generator.model_copy(update={"options": sizes(options.real)})
    changed = {"generator": generator, "precision": precision, "batch": 1, "accumulate": 1, "recompute": True}
    return recipe.model_copy(update={**changed, "data": recipe.data.model_copy(update={"patch": patch})})


def make_step(options: argparse.Namespace, recipe: Any) -> Any:
    """The training loop's own step, around networks that no file gives."""
    from semsr.restoration.python import make_deterministic
    from semsr.training import networks
    from semsr.training.job import Job
    from semsr.training.process import Processes

    seesr = plugin()

    class Random(seesr("training.parts").SeesrParts):  # type: ignore[misc]
        def __init__(self, files: Mapping[str, Path]) -> None:
            named = dict.fromkeys([*recipe.assets, *recipe.trained], Path("random"))
            super().__init__(recipe.generator, None, named, recipe.objective, recompute=recipe.recompute)
            self.files = files

        def _latents(self) -> Any:
            autoencoder = seesr("networks.autoencoder").make_autoencoder(self.card.autoencoder)
            return seesr("training.latents").Latents(autoencoder, self.card.autoencoder.scaling)

    make_deterministic(options.threads if options.device == "cpu" else None)
    with words() as files:
        job = Job("benchmark/stage-two", recipe, Random(files), [], Path(), {}, 1, device=options.device)  # type: ignore[arg-type]
        return networks.make_step(job, Processes(options.device))


def make_batch(options: argparse.Namespace, recipe: Any, count: int) -> dict[str, Any]:
    hr, lr = (pictures(count, side).to(options.device) for side in (recipe.data.patch, recipe.data.patch // 4))
    return {"hr": hr, "lr": lr, "tags": ["dog, grass"] * count}


# The measurement.


def timed(options: argparse.Namespace, step: Any, batch: dict[str, Any]) -> float:
    """Seconds of one step."""
    import torch

    began = time.perf_counter()
    step([{name: batch[name] for name in step.wants}])
    if options.device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def until_one_counts(options: argparse.Namespace, step: Any, batch: dict[str, Any]) -> None:
    for _ in range(FIRST):
        before = step.generator.skipped
        timed(options, step, batch)
        if step.generator.skipped == before:
            return
    raise SystemExit(f"{FIRST} steps in a row overflowed {step.precision.name}: nothing was measured")


def peak(options: argparse.Namespace) -> float:
    """GiB since the last `forget`, of the GPU's memory; on a CPU of the process, ever."""
    import torch

    from semsr.restoration.python import peak_memory

    return (peak_memory(torch.device(options.device)) or 0) / 2**30


def forget(options: argparse.Namespace, step: Any) -> None:
    """Drop what a step left behind, one that broke off, too, and begin a new peak."""
    import torch

    step.generator.optimiser.zero_grad(set_to_none=True)
    gc.collect()
    if options.device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def try_batch(options: argparse.Namespace, recipe: Any, step: Any, count: int, steps: int) -> list[float] | None:
    """Seconds of each step; None: memory ran out."""
    import torch

    forget(options, step)
    try:
        batch = make_batch(options, recipe, count)
        if not step.generator.optimiser.state:
            until_one_counts(options, step, batch)
        return [timed(options, step, batch) for _ in range(steps)]
    except torch.OutOfMemoryError:
        return None


def measure(options: argparse.Namespace, recipe: Any, step: Any, lines: list[str]) -> int:
    """Double the batch until it does not fit, then train the largest. Returns: the exit status."""
    say(lines, f"{'batch':>6}{'s a step':>12}{'pictures/s':>12}{'peak GiB':>10}")
    count, largest = 1, 0
    while count <= options.most:
        found = try_batch(options, recipe, step, count, 1)
        if found is None:
            say(lines, f"{count:>6}  out of memory")
            break
        say(lines, f"{count:>6}{found[0]:>12.3f}{count / found[0]:>12.2f}{peak(options):>10.2f}")
        count, largest = 2 * count, count
    while largest:
        before = step.generator.skipped
        found = try_batch(options, recipe, step, largest, options.steps)
        if found is not None:
            middle, left_out = statistics.median(found), step.generator.skipped - before
            spread = f"{middle:.3f} s a step ({min(found):.3f} to {max(found):.3f})"
            say(lines, f"{options.steps} steps of {largest}: {spread}, {largest / middle:.2f} pictures/s, peak {peak(options):.2f} GiB, "
                       f"{left_out} of them left out for overflow")  # fmt: skip
            return 0
        say(lines, f"{largest:>6}  out of memory in {options.steps} steps")
        largest //= 2
    return 1


def say(lines: list[str], line: str) -> None:
    lines.append(line)
    print(line, flush=True)


def main() -> int:
    options = arguments()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    import torch

    if options.real and (missing := no_gpu()) is not None:
        return missing
    recipe = make_recipe(options)
    step = make_step(options, recipe)
    trained = sum(parameter.numel() for parameter in step.generator.parameters)
    frozen = (
        sum(parameter.numel() for network in (step.generator.network, step.objective) for parameter in network.parameters())
        - trained
    )
    name = torch.cuda.get_device_name() if options.real else f"CPU, {options.threads} threads, load {os.getloadavg()[0]:.1f}"
    side, size = recipe.data.patch, "published sizes" if options.real else "tiny sizes"
    lines: list[str] = []
    say(
        lines,
        f"{name}, torch {torch.__version__}; stage two, {size}, patches of {side}x{side}, {recipe.precision}, activations computed again",
    )
    say(lines, f"{trained / 1e6:.1f} million parameters trained, {frozen / 1e6:.1f} million frozen\n")
    status = measure(options, recipe, step, lines)
    if options.out is not None:
        options.out.write_text("\n".join(lines) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
