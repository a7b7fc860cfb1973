"""Seconds a picture of SeeSR's restorer against a plain loop over the same networks, and what pictures gain by going together.

    python benchmarks/diffusion.py [--threads 1] [--repeats 15] [--steps 10] [--side 32]
    python benchmarks/diffusion.py --real [--out FILE]

The plain loop is what one would write down: enlarge, look, encode the two prompts, encode the picture, predict and step, decode,
match colours; no options, no tiles, no names. Networks are those of the recipe `tiny` with random weights (hashed words in the place
of MiniLM, so that nothing need be had). The sides take turns, picture by picture, in one process; ratios are of turns that follow
each other, and the median of those of the processor's seconds counts, which other work on the machine disturbs less than the clock's
(both are printed). `together` is four pictures in one call against four calls with one, both ours.

`--real` restores pictures of 128x128 to 512x512 with random weights of the published sizes on a GPU, 50 steps, in fp32, bf16 and fp16, one
and eight at a time (CLIP's text encoder, too; its vocabulary is made up), and says how long a picture takes and how much memory that
needs, beside the 4.30 s on an A100 that OSEDiff's Table 2 gives SeeSR. It compares nothing, and has not been run yet: no GPU was at hand.
Training at the published size: diffusion_training.py.

The last lines are `figure=VALUE goal<=GOAL`; the exit status is 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diffusion_setup import draw_networks, no_gpu, pictures, plugin, sizes

GOALS = {"ours_over_plain": 1.02, "together_over_singles": 1.0}
PUBLISHED = 4.30
"""Seconds a picture of 512x512 on an A100, 50 steps: OSEDiff's Table 2 (its repository's asserts/tab_efficient.png), not SeeSR's own paper.
It does not say in which precision, nor what is counted beside the steps."""
BATCH = 4


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1, help="on a CPU (default: 1)")
    parser.add_argument("--repeats", type=int, default=15, help="turns of each side that count (default: 15)")
    parser.add_argument("--steps", type=int, help="of diffusion (default: 10; with --real 50)")
    parser.add_argument("--side", type=int, help="of LR (default: 32; with --real 128)")
    parser.add_argument("--real", action="store_true", help="published sizes, on a GPU, ours alone")
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16", "fp16"], help="of --real")
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 8], help="of --real")
    parser.add_argument("--option", nargs="*", default=[], help="of --real: channels_last, compile, offload")
    parser.add_argument("--out", type=Path, help="of --real: write the table here, too")
    options = parser.parse_args()
    options.steps = options.steps or (50 if options.real else 10)
    options.side = options.side or (128 if options.real else 32)
    return options


# The sides.


def make_ours(seesr: Callable[[str], Any], made: dict[str, Any], networks: Any, device: str, **options: Any) -> Any:
    import torch

    restorer = seesr("method").SeeSr(generator={"network": "controlled-diffusion", "options": made}, **options)
    restorer.assemble(networks, torch.device(device))
    return restorer


def plain(networks: Any, card: Any, scheduler: Any, lr: Any, seed: int) -> Any:
    """One picture (1, 3, H, W), step by step."""
    import numpy as np
    import torch
    from PIL import Image

    generator = torch.Generator().manual_seed(seed)
    image = Image.fromarray((lr[0] * 255).round().byte().permute(1, 2, 0).numpy())
    image = image.resize((lr.shape[3] * 4, lr.shape[2] * 4), Image.Resampling.BICUBIC)
    large = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255
    tokens, logits = networks.tagger(lr)
    prompt = ", ".join(networks.tagger.say(logits)[0]) + ", ,clean, high-resolution, 8k"
    text = networks.text.encode(["dotted, noise, blur, lowres, smooth", prompt])
    posterior = networks.autoencoder.encode(2 * large - 1).latent_dist
    noise = torch.randn(posterior.mean.shape, generator=generator)
    z = (posterior.mean + posterior.std * torch.randn(noise.shape, generator=generator)) * card.autoencoder.scaling
    alpha = scheduler.alphas_cumprod[999]
    x = alpha.sqrt() * z + (1 - alpha).sqrt() * noise
    both, control = torch.cat([tokens] * 2), torch.cat([large] * 2)
    for t in scheduler.timesteps:
        away, toward = networks.diffusion(torch.cat([x] * 2), t, text, both, control).chunk(2)
        x = scheduler.step(away + 5.5 * (toward - away), t, x, generator=generator).prev_sample
    sr = (networks.autoencoder.decode(x / card.autoencoder.scaling).sample / 2 + 0.5).clamp(0, 1)
    over, wanted = sr.flatten(2), large.flatten(2)
    scale = (wanted.var(2, keepdim=True) + 1e-5).sqrt() / (over.var(2, keepdim=True) + 1e-5).sqrt()
    return ((over - over.mean(2, keepdim=True)) * scale + wanted.mean(2, keepdim=True)).view_as(sr)


def compare(options: argparse.Namespace) -> int:
    """Take turns, print the table and the figures. Returns: the exit status."""
    import torch

    torch.set_num_threads(options.threads)
    seesr, made = plugin(), sizes(real=False)
    networks, names = draw_networks(seesr, made, "cpu"), tuple("abcd")
    chosen = {"steps": options.steps, "smallest": 1}
    ours = make_ours(seesr, made, networks, "cpu", **chosen)
    together = make_ours(seesr, made, networks, "cpu", **chosen, together=BATCH)
    lr = pictures(BATCH, options.side)
    scheduler, turn = ours.scheduler, 0

    def one_by_one() -> Any:
        return [ours.restore(lr[at : at + 1], names=names[at : at + 1], seed=turn) for at in range(BATCH)]

    sides: dict[str, Callable[[], Any]] = {
        "plain, a picture": lambda: plain(networks, ours.card, scheduler, lr[:1], ours_seed(turn)),
        "ours, a picture": lambda: ours.restore(lr[:1], names=("a",), seed=turn),
        "ours, four one by one": one_by_one,
        "ours, four together": lambda: together.restore(lr, names=names, seed=turn),
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    processor: dict[str, list[float]] = {name: [] for name in sides}
    with torch.inference_mode():
        same = float((sides["plain, a picture"]() - sides["ours, a picture"]()).abs().max())
        one_by_one(), sides["ours, four together"]()  # warm
        for turn in range(options.repeats):
            # The order is turned about, so that what comes first is not always the same.
            for name in sorted(sides, reverse=bool(turn % 2)):
                began, used = time.perf_counter(), time.process_time()
                sides[name]()
                seconds[name].append(time.perf_counter() - began)
                processor[name].append(time.process_time() - used)
    print(f"{options.side}x{options.side} to {options.side * 4}x{options.side * 4}, {options.steps} steps, {options.threads} threads, "
          f"{options.repeats} turns, load {os.getloadavg()[0]:.1f}; ours and plain differ by at most {same:.1e}\n")  # fmt: skip
    print(f"{'seconds':<24}{'median':>9}{'lowest':>9}{'highest':>9}{'processor':>11}")
    for name, found in seconds.items():
        used = statistics.median(processor[name])
        print(f"{name:<24}{statistics.median(found):>9.3f}{min(found):>9.3f}{max(found):>9.3f}{used:>11.3f}")
    pairs = {
        "ours_over_plain": ("ours, a picture", "plain, a picture"),
        "together_over_singles": ("ours, four together", "ours, four one by one"),
    }
    print(f"\nby the clock: {', '.join(f'{name} {ratios(seconds[a], seconds[b]):.3f}' for name, (a, b) in pairs.items())}\n")
    return report({name: ratios(processor[a], processor[b]) for name, (a, b) in pairs.items()})


def ours_seed(turn: int) -> int:
    from semsr.restoration.seeding import picture_seed

    return picture_seed(turn, "a")


def ratios(these: list[float], those: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(these, those, strict=True))


def report(figures: dict[str, float]) -> int:
    for name, value in figures.items():
        print(f"{name}={value:.3f} goal<={GOALS[name]}")
    return int(any(value > GOALS[name] for name, value in figures.items()))


def real(options: argparse.Namespace) -> int:
    """Published sizes on a GPU. Returns: the exit status."""
    import torch

    if (missing := no_gpu()) is not None:
        return missing
    seesr, made = plugin(), sizes(real=True)
    side = options.side * 4
    lines = [
        f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {side}x{side}, {options.steps} steps, "
        f"{' '.join(options.option) or 'no options'}; OSEDiff's Table 2 has {PUBLISHED:.2f} s a picture (A100)",
        f"{'precision':<12}{'batch':>6}{'s a picture':>14}{'peak GiB':>10}",
    ]
    for precision in options.precision:
        networks = draw_networks(seesr, made, "cuda")
        extra = dict.fromkeys(options.option, True)
        restorer = make_ours(seesr, made, networks, "cuda", steps=options.steps, precision=precision, **extra)
        for batch in options.batch:
            lr, names = pictures(batch, options.side).cuda(), tuple(str(at) for at in range(batch))
            found = []
            with torch.inference_mode():
                restorer.restore(lr, names=names, seed=0)  # warm
                torch.cuda.reset_peak_memory_stats()
                for seed in range(1, 4):
                    torch.cuda.synchronize()
                    began = time.perf_counter()
                    restorer.restore(lr, names=names, seed=seed)
                    torch.cuda.synchronize()
                    found.append((time.perf_counter() - began) / batch)
            peak = torch.cuda.max_memory_allocated() / 2**30
            lines.append(f"{precision:<12}{batch:>6}{statistics.median(found):>14.3f}{peak:>10.1f}")
        del networks, restorer
        gc.collect()
        torch.cuda.empty_cache()
    print("\n".join(lines))
    if options.out is not None:
        options.out.write_text("\n".join(lines) + "\n")
    return 0


def main() -> int:
    options = arguments()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    return real(options) if options.real else compare(options)


if __name__ == "__main__":
    sys.exit(main())
