"""What a training writes down: tables that survive being killed, and TensorBoard's curves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from semsr.files import storage_errors, write_atomic

Row = Mapping[str, float]


class Table:
    """A CSV file that grows by lines, each begun with its step; after a kill, lines beyond the checkpoint are cut and written again.

    Args:
        path: of the file.
        columns: after `step`.
    """

    def __init__(self, path: Path, columns: Iterable[str]) -> None:
        self.path, self.columns = path, ("step", *columns)

    def begin(self, step: int | None) -> None:
        """Keep the lines up to `step`; None: none. Raises: StorageError."""
        header = ",".join(self.columns)
        kept = [] if step is None else [line for line in self._lines() if int(line.partition(",")[0]) <= step]
        write_atomic(self.path, "\n".join([header, *kept]) + "\n")

    def add(self, step: int, row: Row) -> None:
        """Add a line, with all of the columns. Raises: StorageError."""
        cells = [str(step), *(_cell(row[column]) for column in self.columns[1:])]
        with storage_errors(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(",".join(cells) + "\n")

    def last(self) -> dict[str, float]:
        """The last line, or nothing."""
        lines = self._lines()
        return dict(zip(self.columns, map(float, lines[-1].split(",")), strict=True)) if lines else {}

    def _lines(self) -> list[str]:
        """Whole lines of these columns; a killed process may have left a part of one."""
        if not self.path.is_file():
            return []
        text = self.path.read_text(encoding="utf-8", errors="replace")
        lines = text[: text.rfind("\n") + 1].splitlines()
        if not lines or lines[0] != ",".join(self.columns):
            return []
        return [line for line in lines[1:] if line.count(",") + 1 == len(self.columns) and line.partition(",")[0].isdigit()]


def _cell(value: float) -> str:
    return f"{value:.9g}"


class Means:
    """Means of values over the steps since the last line; values that are not finite (norms of steps left out in fp16) do not count."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: Row) -> None:
        """Take in one step's."""
        for name, value in values.items():
            if math.isfinite(value):
                self._sums[name] = self._sums.get(name, 0.0) + value
                self._counts[name] = self._counts.get(name, 0) + 1

    def take(self, names: Iterable[str]) -> dict[str, float]:
        """The means, NaN where there is nothing; the next ones begin anew."""
        found = {name: self._sums[name] / self._counts[name] if name in self._sums else math.nan for name in names}
        self._sums, self._counts = {}, {}
        return found

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called."""
        self._sums, self._counts = dict(state["sums"]), dict(state["counts"])


class Curves:
    """TensorBoard's event files, written while training; the tables hold the same numbers.

    Args:
        folder: of the event files.
        step: what was written for later steps is withdrawn.
    """

    def __init__(self, folder: Path, step: int) -> None:
        # Loaded here: it takes a second, and only a training that writes curves needs it.
        from torch.utils.tensorboard import SummaryWriter

        with storage_errors(folder):
            self._writer: Any = SummaryWriter(str(folder), purge_step=step + 1 if step else None)

    def add(self, step: int, group: str, row: Row) -> None:
        """Add a point to each curve of the row. Raises: StorageError."""
        for name, value in row.items():
            self._writer.add_scalar(f"{group}/{name}", value, step)

    def close(self) -> None:
        """Write out what is left."""
        self._writer.close()
