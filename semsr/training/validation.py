"""Validation while training: test pictures restored as inference does, measured as the evaluation does, and a few kept to look at."""

from __future__ import annotations

import contextlib
import logging
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from semsr.errors import CardError, MethodError
from semsr.evaluation.protocol import ResolvedColumn, ResolvedProtocol, resolve
from semsr.evaluation.scoring import Scores, Subject, score
from semsr.evaluation.workbench import build
from semsr.files import write_atomic
from semsr.imaging.pictures import Rgb, encode_png, read_rgb, write_png
from semsr.imaging.resize import bicubic_uint8
from semsr.preparation.manifest import Entry, open_prepared
from semsr.project import Project
from semsr.restoration.python import OVERSHOOT, quantise

log = logging.getLogger(__name__)

SAMPLES = "samples"


class Validator:
    """Calling it with a generator and the step gives the mean of each column over the data set's test pictures.

    Whatever it does, training does not notice: every module's mode and all random generators are as before.

    Args:
        project: where cards, metrics and prepared data are.
        dataset: a prepared data set with test pictures.
        protocol: its columns are the ones to choose from.
        columns: names of columns; one that can't be computed here (weights that can't be had, no HR) is left out, with a warning.
        folder: the training's; pictures go to `samples/step-00001000/<picture>.png`, and once for comparison to `samples/bicubic/` and
            `samples/hr/`.
        samples: how many pictures are kept at each call, the first by name.
        device: where metrics' networks run, "cpu" or "cuda".
        asset: gives the verified file of an asset; default: the store.

    Raises:
        UnknownIdError, CardError: no such data set, protocol or column. SemsrError: the data set is not prepared, or not for testing.
    """

    def __init__(
        self,
        project: Project,
        dataset: str,
        protocol: str,
        columns: Sequence[str],
        folder: Path,
        samples: int = 2,
        *,
        device: str = "cpu",
        asset: Callable[[str], Path] | None = None,
    ) -> None:
        self.name, self.folder = dataset, folder
        prepared = open_prepared(project, dataset)
        inputs = prepared.inputs
        self.scale = prepared.card.scale
        self.pictures: tuple[Entry, ...] = tuple(entry for entry in prepared.test if entry.name in inputs)
        self.kept = tuple(sorted(inputs)[:samples])
        hr = {entry.name: entry.hr for entry in self.pictures if entry.hr is not None}
        self.hr: Mapping[str, Path] | None = hr if len(hr) == len(self.pictures) else None
        self.sizes = {name: (height * self.scale, width * self.scale) for name, (_, (height, width)) in inputs.items()}
        self.columns = _chosen(resolve(project, protocol), columns)
        with untouched_chance():
            chosen = ResolvedProtocol(project.protocol(protocol), self.columns)
            self.bench = build(project, [chosen], device=device, has_reference=self.hr is not None, asset=asset)
        self._said: set[str] = set()
        for column in self.columns:
            if column.key in self.bench.unavailable:
                self._leave_out(column, self.bench.unavailable[column.key])

    def __call__(self, generator: nn.Module, step: int) -> dict[str, float]:
        """Validate.

        Args:
            generator: (1, 3, H, W) RGB in [0, 1] -> (1, 3, scale*H, scale*W), on any device, in any mode.
            step: names the samples' folder.

        Returns:
            mean by column, in the order asked for; columns without a value for every picture are left out, with a warning.

        Raises:
            MethodError: the generator's output has the wrong size, or values that are NaN or infinite.
            StorageError: samples could not be written.
        """
        with tempfile.TemporaryDirectory(prefix="semsr-validation-") as place, untouched_chance(), evaluating(generator):
            files = {}
            for entry in self.pictures:
                png = encode_png(self._restore(generator, entry, step))
                files[entry.name] = Path(place) / f"{entry.name}.png"
                files[entry.name].write_bytes(png)
                if entry.name in self.kept:
                    self._keep(entry, png, step)
            keys = frozenset(column.key for column in self.columns) - set(self.bench.unavailable)
            subject = Subject(self.name, "validation", files, keys)
            (found,) = score([subject], self.hr, self.sizes, self.bench, threads=torch.get_num_threads())
        means = {column.name: self._mean(column, found) for column in self.columns if column.key in keys}
        return {name: mean for name, mean in means.items() if mean is not None}

    def _restore(self, generator: nn.Module, entry: Entry, step: int) -> Rgb:
        assert entry.lr is not None
        where = f"validation at step {step}: {entry.name}"
        weight = next(generator.parameters())
        lr = torch.from_numpy(read_rgb(entry.lr).copy()).permute(2, 0, 1)[None].to(weight.device, weight.dtype).div_(255.0)
        sr = generator(lr.contiguous())
        if tuple(sr.shape) != (1, 3, *self.sizes[entry.name]):
            raise MethodError(f"{where}: the generator made {tuple(sr.shape)}, expected {(1, 3, *self.sizes[entry.name])}")
        if float(sr.min()) < -OVERSHOOT or float(sr.max()) > 1 + OVERSHOOT:
            # Inference refuses such values as another method's units. Here they are a young or diverging generator's.
            log.warning("%s: values from %.3g to %.3g were clipped", where, float(sr.min()), float(sr.max()))
            sr = sr.clamp(0, 1)
        return quantise(sr, [where])[0]

    def _keep(self, entry: Entry, png: bytes, step: int) -> None:
        samples = self.folder / SAMPLES
        write_atomic(samples / f"step-{step:08d}" / f"{entry.name}.png", png)
        bicubic, hr = samples / "bicubic" / f"{entry.name}.png", samples / "hr" / f"{entry.name}.png"
        if not bicubic.exists() and entry.lr is not None:
            write_png(bicubic, bicubic_uint8(read_rgb(entry.lr), self.scale))
        if not hr.exists() and entry.hr is not None:
            write_png(hr, read_rgb(entry.hr))

    def _mean(self, column: ResolvedColumn, found: Scores) -> float | None:
        reason = next(
            (f"{picture}: {why}".removeprefix("*: ") for (key, picture), why in found.reasons.items() if key == column.key), ""
        )
        if reason:
            self._leave_out(column, reason)
            return None
        return found.sets[column.key] if column.of_set else float(np.mean(list(found.images[column.key].values())))

    def _leave_out(self, column: ResolvedColumn, reason: str) -> None:
        if column.name not in self._said:
            self._said.add(column.name)
            log.warning("validation on %s: %s is left out: not available, because %s", self.name, column.name, reason)


def _chosen(protocol: ResolvedProtocol, names: Sequence[str]) -> tuple[ResolvedColumn, ...]:
    known = {column.name: column for column in protocol.columns}
    wrong = next((name for name in names if name not in known), None)
    if wrong is not None or not names:
        raise CardError(f"validation.columns: found {wrong!r}; protocol {protocol.id!r} has: {', '.join(known)}")
    return tuple(known[name] for name in names)


@contextlib.contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients; afterwards every module has the mode it had, frozen parts too."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        # Not inference mode: what a network keeps from this pass (SwinIR its mean) must do for training, too.
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


@contextlib.contextmanager
def untouched_chance() -> Iterator[None]:
    """Python's, NumPy's and torch's global random generators, on all devices, go on afterwards as if nothing had been."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        if cuda:
            torch.cuda.set_rng_state_all(cuda)
