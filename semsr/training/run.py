"""Training: what happens around the steps. Resumes, logs, validates, keeps checkpoints, and leaves the weights behind."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import torch

from semsr.errors import SemsrError
from semsr.project import GENERATOR
from semsr.restoration.python import make_deterministic
from semsr.training.checkpoint import Checkpoints
from semsr.training.job import Job
from semsr.training.loader import Batch, Loader, to_device
from semsr.training.logbook import Logbook
from semsr.training.networks import make_step
from semsr.training.outcome import facts_of, leave_weights
from semsr.training.process import Processes, heed_launcher
from semsr.training.progress import Shown
from semsr.training.randomness import random_state, restore_random_state, undisturbed
from semsr.training.requirements import require_sense, require_space
from semsr.training.sampler import EpochSampler
from semsr.training.signals import Asked
from semsr.training.watch import DivergedError, Watch

log = logging.getLogger(__name__)


def train(job: Job) -> dict[str, Any]:
    """Train to the end, or go on where a killed run stopped; under `accelerate launch`, every process calls this.

    What is left in the job's folder, and what each log column is: docs/training.md.

    Returns:
        Facts for the training's record: `steps`, `seconds`, `steps_per_second`, `loader_share`, `peak_memory_bytes`, `processes`,
        `precision`, `losses` (the last line of the log), `skipped`, and what the parts say of themselves; `stopped` where
        `stop_after` ended it.

    Raises:
        SemsrError: one line. The recipe does not fit; weights or a checkpoint are another network's or training's; the disk is full; a
            loss is NaN or infinite, after which the last checkpoint is still there.
        SystemExit: SIGTERM or Ctrl-C came; a checkpoint was written and how to go on was logged.
    """
    processes = Processes(job.device)
    if processes.main:
        heed_launcher(job.recipe.precision)
    shared = processes.count if job.device == "cpu" else 1
    make_deterministic(None if job.threads is None else max(1, job.threads // shared))
    require_sense(job, processes.count)
    checkpoints = Checkpoints(job.folder, job.identity, job.name, writes=processes.main)
    state = checkpoints.load()
    processes.wait()  # nobody writes before all have read
    if state is not None and "finished" in state:
        if not (job.folder / GENERATOR).is_file():
            raise SemsrError(f"{job.name}: trained, but {job.folder / GENERATOR} is gone; delete {job.folder} to train anew")
        return dict(state["finished"])
    with Asked(patient=processes.count > 1) as asked:
        training = _Training(job, processes, checkpoints, asked)
        try:
            return training.run(state)
        except DivergedError as error:
            newest = checkpoints.newest
            kept = f"the checkpoint before it is kept: {newest}" if newest else "no checkpoint was due before"
            raise SemsrError(
                f"{job.name}: {error}; stopped, {kept}. Lower the learning rate or that loss's weight, or train in fp32"
            ) from None
        finally:
            training.close()


class _Training:
    """A training under way on this process."""

    def __init__(self, job: Job, processes: Processes, checkpoints: Checkpoints, asked: Asked) -> None:
        self.job, self.recipe, self.processes, self.checkpoints, self.asked = job, job.recipe, processes, checkpoints, asked
        if processes.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(processes.device)
        self.step = make_step(job, processes)
        order = EpochSampler(
            len(job.data),  # type: ignore[arg-type]
            seed=job.seed,
            rank=processes.rank,
            ranks=processes.count,
            endless=True,
        )
        self.loader = Loader(
            job.data,
            order,
            batch=self.recipe.batch // processes.count // self.recipe.accumulate,
            workers=job.workers,
            pin=processes.device.type == "cuda",
        )
        self.done = 0
        self.seconds = {"elapsed": 0.0, "stepping": 0.0, "waiting": 0.0}
        self.logbook = Logbook(job, self.step)

    # The whole.

    def run(self, state: dict[str, Any] | None) -> dict[str, Any]:
        """All steps that are left."""
        if state is not None:
            self._load(state)
            log.info("%s: going on after step %d of %d", self.job.name, self.done, self.recipe.steps)
        self._begin(resumes=state is not None)
        end = min(self.recipe.steps, self.job.stop_after or self.recipe.steps)
        with Shown(self.job.name, self.done, self.recipe.steps, shows=self.processes.main) as self.shown:
            self._validate()
            batches = iter(self.loader)
            while self.done < end:
                self._one(batches)
            if self.job.stop_after is not None and self.done >= self.job.stop_after:
                return {"stopped": True, **self._facts()}
        return self._finish()

    def _begin(self, *, resumes: bool) -> None:
        """Files of the training; writing them at once shows whether the folder can be written to."""
        self.started = time.perf_counter()
        self.before = self.seconds["elapsed"]
        self.watch = Watch(self.processes, overflows=self.step.generator.scaler.is_enabled())
        if not self.processes.main:
            return
        self.logbook.begin(self.done, resumes=resumes)
        other, average = self.step.discriminator, self.step.average
        require_space(
            self.job, self.step.generator.network, other.network if other else None, average.network if average else None
        )

    def close(self) -> None:
        """End the loader's workers and write out the curves, however training ended."""
        self.loader.close()
        self.logbook.close()

    # A step and what is due after it.

    def _one(self, batches: Iterator[Batch]) -> None:
        began = time.perf_counter()
        parts = [self._next(batches) for _ in range(self.recipe.accumulate)]
        self.seconds["waiting"] += time.perf_counter() - began
        rate = self.step.generator.rate
        terms = self.step(parts)
        self.done += 1
        self.watch.note(self.done, terms, leave=bool(self.asked))
        last = self.done in (self.recipe.steps, self.job.stop_after)
        logs = self.done == self.recipe.steps or self.done % self.recipe.log == 0
        saves = last or self.done % self.recipe.save == 0
        found = self.watch.read(everything=logs or saves)
        for each in found:
            self.logbook.means.add(each.values)
        leaves = any(each.leave for each in found)
        self.seconds["stepping"] += time.perf_counter() - began
        self.seconds["elapsed"] = self.before + time.perf_counter() - self.started
        self.shown.step(self.done)
        if logs:
            self._log(rate)
        if saves or leaves:
            for each in self.watch.read(everything=True):
                self.logbook.means.add(each.values)
            self._save()
        if leaves:
            self._leave()
        if not last or self.done == self.recipe.steps:
            self._validate()

    def _next(self, batches: Iterator[Batch]) -> Batch:
        sharpened = ("target",) if self.recipe.data.target == "sharpened" and "target" not in self.step.wants else ()
        wanted = (*self.step.wants, *sharpened)
        return to_device(next(batches), wanted, self.processes.device, self.step.precision.dtype, name=self.job.name)

    def _log(self, rate: float) -> None:
        row = self.logbook.take()
        if self.processes.main:
            self.logbook.add(self.done, self.seconds["elapsed"], rate, row, self.shown)

    def _validate(self) -> None:
        """Where it is due and has not been done (a killed run may have been going to): at the start, every so many steps, at the end."""
        card, validate = self.recipe.validation, self.job.validate
        if card is None or validate is None or (self.done % card.every and self.done != self.recipe.steps):
            return
        if self.processes.main and self.logbook.validated < self.done:
            average = self.step.average
            network = average.network if average else self.step.generator.network
            with undisturbed(self.processes.device):
                row = validate(network.eval(), self.done)
            if average is None:
                network.train()
            self.logbook.add_validation(self.done, row)
            log.info(
                "%s: step %d: %s", self.job.name, self.done, ", ".join(f"{name} {value:.4g}" for name, value in row.items())
            )
        self.processes.wait()

    def _leave(self) -> None:
        if self.processes.main:
            name = self.asked.signal.name if self.asked.signal else "a signal to another process"
            log.warning(
                "%s: stopped by %s after step %d of %d; %s is kept, the same command goes on from there",
                *(self.job.name, name, self.done, self.recipe.steps, self.checkpoints.newest),
            )
        self.processes.wait()
        raise SystemExit(128 + (self.asked.signal or 15))

    # Checkpoints and the end.

    def _save(self) -> None:
        randomness = self.processes.gather(random_state(self.processes.device))
        if self.processes.main:
            self.seconds["elapsed"] = self.before + time.perf_counter() - self.started
            other, average = self.step.discriminator, self.step.average
            state = {
                "generator": self.step.generator.state_dict(),
                "discriminator": other.state_dict() if other else None,
                "average": average.state_dict() if average else None,
                "random": randomness,
                "data": dict(self.loader.state_dict()),
                "seconds": dict(self.seconds),
                "means": self.logbook.means.state_dict(),
                "losses": self.logbook.last,
            }
            self.checkpoints.save(self.done, state)
        self.processes.wait()

    def _load(self, state: dict[str, Any]) -> None:
        self.done = state["step"]
        self.step.generator.load_state_dict(state["generator"])
        if self.step.discriminator is not None:
            self.step.discriminator.load_state_dict(state["discriminator"])
        if self.step.average is not None:
            self.step.average.load_state_dict(state["average"])
        self.loader.load_state_dict(state["data"])
        self.seconds = dict(state["seconds"])
        self.logbook.means.load_state_dict(state["means"])
        # With more processes than before, those that are new keep the generators that they have been seeded with.
        if self.processes.rank < len(state["random"]):
            restore_random_state(state["random"][self.processes.rank], self.processes.device)

    def _finish(self) -> dict[str, Any]:
        """Leave the weights, and of the checkpoints one that only says how it went (for a run killed before it is recorded)."""
        facts = self._facts()
        if self.processes.main:
            leave_weights(self.job, self.step)
            self.checkpoints.finish(self.done, facts)
        self.processes.wait()
        return facts

    def _facts(self) -> dict[str, Any]:
        return facts_of(self.job, self.processes, self.logbook, self.done, self.seconds)
