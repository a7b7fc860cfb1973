"""What a training writes down while it runs: the lines of `log.csv` and `validation.csv`, and both as TensorBoard's curves."""

from __future__ import annotations

from collections.abc import Mapping

from semsr.training.job import Job
from semsr.training.logs import Curves, Means, Table
from semsr.training.loop import Step
from semsr.training.objective import ObjectiveStep
from semsr.training.progress import Shown

LOG, VALIDATION, CURVES = "log.csv", "validation.csv", "tensorboard"


class Logbook:
    """The files in a training's folder that grow with it. All processes keep the means; the first alone begins the files and writes them.

    Args:
        job: the training.
        step: what gives the values; see docs/training.md for what each is.

    Attributes:
        means: of the steps since the last line; they belong into the checkpoint.
        columns: of `log.csv`, after `step`, `seconds` and `rate`.
    """

    def __init__(self, job: Job, step: Step | ObjectiveStep) -> None:
        self._job, self._step = job, step
        self._curves: Curves | None = None
        self.means = Means()
        self.columns = (*step.columns, *(("skipped",) if step.generator.scaler.is_enabled() else ()))
        self._log = Table(job.folder / LOG, ("seconds", "rate", *self.columns))
        self._validation = Table(job.folder / VALIDATION, job.recipe.validation.columns if job.recipe.validation else ())

    def begin(self, done: int, *, resumes: bool) -> None:
        """Make the files, or cut them to what was written up to step `done`. Raises: StorageError: the folder can't be written to."""
        self._log.begin(done if resumes else None)
        if self._job.validate is not None:
            self._validation.begin(done if resumes else None)
        if self._job.tensorboard:
            self._curves = Curves(self._job.folder / CURVES, done)

    def take(self) -> dict[str, float]:
        """The values of the next line, by column; the means begin anew."""
        row = self.means.take(self.columns)
        if "skipped" in row:
            row["skipped"] = self.skipped
        return row

    def add(self, done: int, seconds: float, rate: float, row: Mapping[str, float], shown: Shown) -> None:
        """Write a line, and show it but for norms and logits. Raises: StorageError.

        Args:
            done: steps. seconds: of training so far. rate: the learning rate of the line's last step. row: as from `take`.
            shown: where progress is shown.
        """
        self._log.add(done, {"seconds": round(seconds, 3), "rate": rate, **row})
        if self._curves is not None:
            self._curves.add(done, "training", {"rate": rate, **row})
        shown.tell(done, {name: row[name] for name in self.columns if not name.startswith(("norm_", "logit_"))})

    def add_validation(self, done: int, row: Mapping[str, float]) -> None:
        """Write what validation found after step `done`. Raises: StorageError."""
        self._validation.add(done, row)
        if self._curves is not None:
            self._curves.add(done, "validation", row)

    @property
    def validated(self) -> float:
        """The last step whose validation is written; -1: none."""
        return self._validation.last().get("step", -1)

    @property
    def last(self) -> dict[str, float]:
        """The last line of `log.csv`, or nothing."""
        return self._log.last()

    @property
    def skipped(self) -> int:
        """Steps left out since training began because fp16 gradients overflowed, of all networks."""
        return sum(side.skipped for side in (self._step.generator, self._step.discriminator) if side is not None)

    def close(self) -> None:
        """Write out the curves."""
        if self._curves is not None:
            self._curves.close()
