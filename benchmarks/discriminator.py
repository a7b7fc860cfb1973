"""Forward and backward of SeD's discriminators: ours against a direct transcription of their description, with equal weights.

    python benchmarks/discriminator.py [--threads 2] [--repeats 7] [--size 256] [--batch 1] [--device cpu] [--clock wall]

On a machine that does other work as well, `--threads 1 --clock cpu` counts the seconds computed in the place of those that passed.

The transcription (below) follows the published layer tables step by step in PyTorch's default memory layout: explicit softmax(q k') v,
every projection where the description has it, sub-pixels moved by a permutation. It is timed twice: with semantics given, so that only
the discriminator is compared, and, over a training step, with semantics computed anew in each of its three passes, as upstream does.
The step: one pass for the generator with the discriminator frozen, then real and fake for the discriminator.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

ROOT = Path(__file__).resolve().parents[1]
GOAL = 0.9
TOLERANCE = 1e-9
DIM = 64


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="for both sides")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--size", type=int, default=256, help="side of HR, a multiple of 16")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="seconds that passed, or that this process computed"
    )
    return parser.parse_args()


# The description, written down.


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.to_q = nn.Linear(DIM, DIM, bias=False)
        self.to_k = nn.Linear(DIM, DIM, bias=False)
        self.to_v = nn.Linear(DIM, DIM, bias=False)
        self.to_out = nn.Sequential(nn.Linear(DIM, DIM))

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        q, k, v = self.to_q(tokens), self.to_k(seen), self.to_v(seen)
        weights = (torch.einsum("bid,bjd->bij", q, k) * DIM**-0.5).softmax(dim=-1)
        return self.to_out(torch.einsum("bij,bjd->bid", weights, v))


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Linear(DIM, 8 * DIM)

    def forward(self, tokens: Tensor) -> Tensor:
        value, gate = self.proj(tokens).chunk(2, dim=-1)
        return value * F.gelu(gate)


class Forward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(Gated(), nn.Identity(), nn.Linear(4 * DIM, DIM))

    def forward(self, tokens: Tensor) -> Tensor:
        return self.net(tokens)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attn1, self.ff, self.attn2 = Attention(), Forward(), Attention()
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(DIM), nn.LayerNorm(DIM), nn.LayerNorm(DIM)

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        normed = self.norm1(tokens)
        tokens = self.attn1(normed, normed)
        tokens = self.attn2(self.norm2(tokens), seen)
        return self.ff(self.norm3(tokens))


class Fusion(nn.Module):
    def __init__(self, features: int, up: int, last: bool = False) -> None:
        super().__init__()
        self.up, wide = up, 1024 // up**2
        self.norm = nn.GroupNorm(32, 1024, eps=1e-6)
        self.proj_in, self.proj_context = nn.Conv2d(1024, DIM, 1), nn.Conv2d(features, DIM, 1)
        self.transformer_blocks = nn.ModuleList([Block()])
        self.proj_out = nn.Conv2d(DIM, 1024, 1)
        self.conv_out = nn.Conv2d(wide, wide, 4 if last else 3, padding=1)

    def forward(self, semantics: Tensor, features: Tensor) -> Tensor:
        batch, _, height, width = semantics.shape
        tokens = self.proj_in(self.norm(semantics)).flatten(2).transpose(1, 2).contiguous()
        seen = self.proj_context(features).flatten(2).transpose(1, 2).contiguous()
        tokens = self.transformer_blocks[0](tokens, seen)
        maps = self.proj_out(tokens.transpose(1, 2).reshape(batch, DIM, height, width).contiguous())
        maps = maps.view(batch, -1, self.up, self.up, height, width).permute(0, 1, 4, 3, 5, 2)
        return self.conv_out(maps.reshape(batch, -1, height * self.up, width * self.up))


class PlainP(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv_first = nn.Conv2d(3, 64, 4, 2, 1)
        self.conv1 = spectral_norm(nn.Conv2d(64, 128, 4, 2, 1))
        self.att1, self.conv11 = Fusion(128, 4), spectral_norm(nn.Conv2d(192, 128, 3, 1, 1))
        self.conv2 = spectral_norm(nn.Conv2d(128, 256, 4, 2, 1))
        self.att2, self.conv21 = Fusion(256, 2), spectral_norm(nn.Conv2d(512, 256, 3, 1, 1))
        self.conv3 = spectral_norm(nn.Conv2d(256, 512, 4, 1, 1))
        self.att3, self.conv31 = Fusion(512, 2, last=True), spectral_norm(nn.Conv2d(768, 512, 3, 1, 1))
        self.conv_last = nn.Conv2d(512, 1, 4, 1, 1)

    def forward(self, image: Tensor, semantics: Tensor) -> Tensor:
        x = lrelu(self.conv_first(image))
        x = self.conv1(x)
        x = lrelu(self.conv11(torch.cat([x, self.att1(semantics, x)], dim=1)))
        x = self.conv2(x)
        x = lrelu(self.conv21(torch.cat([x, self.att2(semantics, x)], dim=1)))
        x = self.conv3(x)
        x = lrelu(self.conv31(torch.cat([x, self.att3(semantics, x)], dim=1)))
        return self.conv_last(x)


class PlainU(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(3, 64, 3, 1, 1)
        self.conv1 = spectral_norm(nn.Conv2d(64, 128, 4, 2, 1, bias=False))
        self.conv2 = spectral_norm(nn.Conv2d(128, 256, 4, 2, 1, bias=False))
        self.conv3 = spectral_norm(nn.Conv2d(256, 512, 4, 2, 1, bias=False))
        self.att3, self.conv31 = Fusion(512, 2), spectral_norm(nn.Conv2d(768, 512, 3, 1, 1))
        self.conv4 = spectral_norm(nn.Conv2d(512, 256, 3, 1, 1, bias=False))
        self.att2, self.conv21 = Fusion(256, 4), spectral_norm(nn.Conv2d(320, 256, 3, 1, 1))
        self.conv5 = spectral_norm(nn.Conv2d(256, 128, 3, 1, 1, bias=False))
        self.att1, self.conv11 = Fusion(128, 8), spectral_norm(nn.Conv2d(144, 128, 3, 1, 1))
        self.conv6 = spectral_norm(nn.Conv2d(128, 64, 3, 1, 1, bias=False))
        self.conv7 = spectral_norm(nn.Conv2d(64, 64, 3, 1, 1, bias=False))
        self.conv8 = spectral_norm(nn.Conv2d(64, 64, 3, 1, 1, bias=False))
        self.conv9 = nn.Conv2d(64, 1, 3, 1, 1)

    def forward(self, image: Tensor, semantics: Tensor) -> Tensor:
        x0 = lrelu(self.conv0(image))
        x1 = lrelu(self.conv1(x0))
        x2 = lrelu(self.conv2(x1))
        x = self.conv3(x2)
        x = lrelu(self.conv31(torch.cat([x, self.att3(semantics, x)], dim=1)))
        x = lrelu(self.conv4(larger(x))) + x2
        x = self.conv21(torch.cat([x, self.att2(semantics, x)], dim=1))
        x = lrelu(self.conv5(larger(x))) + x1
        x = self.conv11(torch.cat([x, self.att1(semantics, x)], dim=1))
        x = lrelu(self.conv6(larger(x))) + x0
        return self.conv9(lrelu(self.conv8(lrelu(self.conv7(x)))))


def lrelu(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2, inplace=True)


def larger(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


# What is timed.

Semantics = Callable[[], Tensor]


def one_pass(network: nn.Module, image: Tensor, semantics: Semantics) -> None:
    image = image.requires_grad_()
    judge(network, image, semantics, real=True)
    network.zero_grad()


def training_step(network: nn.Module, sr: Tensor, hr: Tensor, semantics: Semantics) -> None:
    """The discriminator's part of a step: the generator's gradient, then real and fake."""
    network.requires_grad_(False)
    judge(network, sr.detach().requires_grad_(), semantics, real=True)
    network.requires_grad_(True)
    judge(network, hr, semantics, real=True)
    judge(network, sr.detach(), semantics, real=False)
    network.zero_grad()


def judge(network: nn.Module, image: Tensor, semantics: Semantics, *, real: bool) -> None:
    logits = network(image, semantics())
    F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(real))).backward()


def timed(work: Callable[[], None], options: argparse.Namespace) -> float:
    clock = time.process_time if options.clock == "cpu" else time.perf_counter
    wait = torch.cuda.synchronize if options.device == "cuda" else lambda: None
    wait()
    start = clock()
    work()
    wait()
    return clock() - start


# Both sides.


def make(name: str, device: str) -> tuple[nn.Module, nn.Module]:
    """(the transcription, ours) with the same weights, all of them random."""
    from semsr.plugins import load_plugin
    from semsr.project import Project

    project = Project(ROOT)
    options = load_plugin(project, "method", "sed", "training.options:SemanticOptions")()
    module, kind = {"P": ("patch", "PatchDiscriminator"), "U": ("pixel", "UNetDiscriminator")}[name]
    ours = load_plugin(project, "method", "sed", f"training.{module}:{kind}")(semantics=options, proj_out="normal")
    plain: nn.Module = {"P": PlainP, "U": PlainU}[name]()
    plain.load_state_dict(ours.state_dict(), strict=True)
    return plain.to(device).train(), ours.to(device).train()


def difference(name: str) -> float:
    """Of logits and of every gradient, relative to the largest value of each, in float64: single precision would only show rounding."""
    plain, ours = (network.double() for network in make(name, "cpu"))
    image, features = torch.rand(2, 3, 64, 96).double(), torch.randn(2, 1024, 4, 6).double()
    found: list[list[Tensor]] = []
    for network in (plain, ours):
        picture = image.clone().requires_grad_()
        logits = network(picture, features)
        logits.square().mean().backward()
        found.append([logits.detach(), *(leaf.grad for _, leaf in sorted([("", picture), *network.named_parameters()]))])
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(*found, strict=True))


def compare(name: str, options: argparse.Namespace, extractor: nn.Module) -> dict[str, Any]:
    torch.manual_seed(1)
    plain, ours = make(name, options.device)
    shape = (options.batch, 3, options.size, options.size)
    sr, hr = torch.rand(shape, device=options.device), torch.rand(shape, device=options.device)
    with torch.no_grad():
        features = extractor(hr)

    def given() -> Tensor:
        return features

    def anew() -> Tensor:
        with torch.no_grad():
            return extractor(hr)

    def shared(network: nn.Module) -> None:
        """Ours with its own look at HR, once a step."""
        once = anew()
        training_step(network, sr, hr, lambda: once)

    works: dict[str, Callable[[], None]] = {
        "pass, transcription": lambda: one_pass(plain, sr.clone(), given),
        "pass, ours": lambda: one_pass(ours, sr.clone(), given),
        "step, transcription, semantics given": lambda: training_step(plain, sr, hr, given),
        "step, ours, semantics given": lambda: training_step(ours, sr, hr, given),
        "step, transcription, semantics thrice": lambda: training_step(plain, sr, hr, anew),
        "step, ours, semantics once": lambda: shared(ours),
    }
    for work in works.values():
        work()
    seconds: dict[str, list[float]] = {title: [] for title in works}
    for _ in range(options.repeats):  # interleaved, so that whatever else the machine does meets both
        for title, work in works.items():
            seconds[title].append(timed(work, options))
    for title, each in seconds.items():
        print(f"{name}+SeD {title:<40} {statistics.median(each):7.3f} s   ({min(each):.3f} to {max(each):.3f})")
    titles = list(works)
    figures: dict[str, Any] = {"difference": difference(name)}
    for at, figure in enumerate(("pass", "step", "step_with_extractor")):
        base, mine = seconds[titles[2 * at]], seconds[titles[2 * at + 1]]
        ratios = [a / b for a, b in zip(mine, base, strict=True)]
        print(f"{name}+SeD {figure}: ours over transcription {min(ratios):.3f} to {max(ratios):.3f} in {len(ratios)} repeats")
        figures[figure] = statistics.median(ratios)
    return figures


def main() -> int:
    options = arguments()
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("no CUDA device here")
    if options.device == "cuda" and options.clock == "cpu":
        sys.exit("--clock cpu says nothing of a GPU")
    torch.set_num_threads(options.threads)
    from semsr.restoration.semantics.clip import ClipRN50

    # Random weights take as long as the published ones.
    extractor = ClipRN50().to(options.device)
    where = f"{options.threads} threads, {options.device}, {options.clock} clock, torch {torch.__version__}"
    print(f"batch {options.batch}, HR {options.size}, {where}\n")
    lines = []
    for name in ("P", "U"):
        for figure, value in compare(name, options, extractor).items():
            lines.append((f"{name.lower()}_sed_{figure}", value, TOLERANCE if figure == "difference" else GOAL))
        print()
    for figure, value, goal in lines:
        print(f"{figure}={value:.4g} goal<={goal:g}{'' if value <= goal else '  MISSED'}")
    return int(any(value > goal for _, value, goal in lines))


if __name__ == "__main__":
    sys.exit(main())
