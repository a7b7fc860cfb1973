"""Evaluate: any folder of images against a data set or another folder, with no plugin at all (trust level L1)."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from semsr.errors import PairingError, SemsrError
from semsr.evaluation.cores import pick_device
from semsr.evaluation.interval import MeanInterval, mean_interval
from semsr.evaluation.journal import Journal
from semsr.evaluation.pairing import Size, check_names, check_sizes, picture_size
from semsr.evaluation.protocol import ResolvedColumn, ResolvedProtocol, resolve
from semsr.evaluation.scores import ScoredRow, long_form, write_scores
from semsr.evaluation.scoring import Scores, Subject, score
from semsr.evaluation.session import measuring_fingerprint, progress_bar
from semsr.evaluation.workbench import Workbench, build
from semsr.imaging.pictures import picture_files
from semsr.project import Project

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ColumnResult:
    """One metric of a protocol over the whole folder: a mean with its interval, or why there is none."""

    name: str
    column: ResolvedColumn
    summary: MeanInterval | None
    unavailable: str


@dataclass(frozen=True)
class Evaluation:
    """What `semsr eval` found."""

    folder: Path
    protocol: ResolvedProtocol
    images: int
    columns: tuple[ColumnResult, ...]
    records: tuple[Mapping[str, Any], ...]


def run(
    project: Project,
    folder: Path,
    dataset: str | None,
    hr: Path | None,
    protocol: str,
    out: Path | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Evaluation:
    """Score the images in `folder` and print means with 95 % intervals.

    Args:
        project: where the protocols and metrics are.
        folder: SR images; each pairs with the reference of the same file name (without its ending).
        dataset: a prepared data set whose test pictures are the reference; all of them must be in `folder`.
        hr: a folder of reference images instead; it may hold more than `folder` does, which is said.
        protocol: its id.
        out: where to write the scores in long form; None: nowhere.
        device: "cpu", "cuda" or "auto".
        threads: cores to use; None: all that are available.

    Raises:
        SemsrError: neither or both of `dataset` and `hr` are given, or no metric of the protocol can be computed here.
        PairingError, SizeMismatchError, PictureError: the folders do not fit; nothing is written.
    """
    if (dataset is None) == (hr is None):
        raise SemsrError("say what to compare with: either --dataset ID or --hr DIR")
    resolved = resolve(project, protocol)
    pictures = picture_files(folder)
    reference, sizes = reference_for(project, folder, pictures, dataset, hr)
    check_sizes(pictures, sizes, "its HR picture" if reference else "its LR picture, enlarged,")
    bench = build(project, [resolved], device=pick_device(device), has_reference=reference is not None)
    if not bench.metrics and not bench.set_metrics:
        reasons = "; ".join(f"{column.name}: {bench.unavailable[column.key]}" for column in resolved.columns)
        raise SemsrError(f"no metric of protocol {protocol!r} can be computed here: {reasons}")
    subject = Subject(folder.resolve().name, "default", pictures, frozenset(column.key for column in resolved.columns))
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(_journal(project, out, bench.device)) if out is not None else None
        progress = stack.enter_context(progress_bar(f"eval {subject.method}", len(sizes)))
        (scores,) = score([subject], reference, sizes, bench, journal=journal, threads=threads, progress=progress)
        records = long_form([ScoredRow(scores, (resolved,))], sorted(sizes), dataset or "", bench)
        if out is not None and journal is not None:
            write_scores(out, records)
            journal.delete()
    columns = tuple(_summary(column, scores, bench) for column in resolved.columns)
    evaluation = Evaluation(folder, resolved, len(sizes), columns, tuple(records))
    _show(evaluation, Console(), "" if out is None else f"scores written to {out}")
    return evaluation


@contextlib.contextmanager
def _journal(project: Project, out: Path, device: str) -> Iterator[Journal]:
    """Beside the file it will become; gone when that is there, and when a mistake of the user's ends it all."""
    with Journal(out.with_name(f".{out.name}.journal"), measuring_fingerprint(project, device)) as journal:
        try:
            yield journal
        except SemsrError:
            journal.delete()
            raise


def reference_for(
    project: Project, folder: Path, pictures: Mapping[str, Path], dataset: str | None, hr: Path | None
) -> tuple[Mapping[str, Path] | None, Mapping[str, Size]]:
    """HR files by name (None where the data set has none) and the size of each, for a folder of pictures.

    Raises:
        PairingError: pictures lack a partner. SemsrError: the data set is not prepared.
    """
    if hr is None:
        from semsr.preparation.manifest import open_prepared
        from semsr.stages.score import reference_of

        assert dataset is not None
        files, sizes = reference_of(open_prepared(project, dataset))
        check_names(pictures, sizes, str(folder), f"data set {dataset!r}")
        return files, sizes
    available = picture_files(hr)
    alone = sorted(set(pictures) - set(available))
    if alone:
        more = f" (and {len(alone) - 1} more)" if len(alone) > 1 else ""
        raise PairingError(
            f"{pictures[alone[0]]}: no image named {alone[0]!r} in {hr}{more}; {len(pictures) - len(alone)} of {len(pictures)} have a "
            "partner. Pictures pair by file name without its ending"
        )
    unused = sorted(set(available) - set(pictures))
    if unused:
        log.warning(
            "%d of the %d pictures in %s have a partner in %s and are scored; the other %d (%s, ...) are not",
            len(pictures), len(available), hr, folder, len(unused), unused[0],
        )  # fmt: skip
    files = {name: available[name] for name in pictures}
    return files, {name: picture_size(path) for name, path in files.items()}


def _summary(column: ResolvedColumn, scores: Scores, bench: Workbench) -> ColumnResult:
    if column.key in bench.unavailable:
        return ColumnResult(column.name, column, None, bench.unavailable[column.key])
    reasons = {image: why for (key, image), why in scores.reasons.items() if key == column.key}
    values = [scores.sets[column.key]] if column.of_set else list(scores.images[column.key].values())
    if reasons:
        image, why = next(iter(reasons.items()))
        return ColumnResult(
            column.name, column, None, why if image == "*" else f"{len(reasons)} of {len(values)} have none; {image}: {why}"
        )
    return ColumnResult(column.name, column, mean_interval(values), "")


def _show(evaluation: Evaluation, console: Console, footer: str) -> None:
    protocol = evaluation.protocol
    heading = f"{evaluation.folder} · protocol {protocol.id}@{protocol.hash} · N={evaluation.images} · trust L1"
    console.print(heading, highlight=False, soft_wrap=True)
    table = Table()
    for title in ("metric", "mean", "95 % interval", "unit", "N"):
        table.add_column(title, justify="left" if title in ("metric", "unit") else "right")
    for result in evaluation.columns:
        card = result.column.metric
        name = f"{result.name} {'↑' if card.direction == 'higher' else '↓'}"
        if result.summary is None:
            table.add_row(name, "not available", "", card.unit, "")
        else:
            table.add_row(name, *_numbers(result.summary, card.decimals), card.unit, str(evaluation.images))
    console.print(table)
    if footer:
        console.print(footer, highlight=False, soft_wrap=True)
    _say_unavailable(evaluation.columns)


def _numbers(summary: MeanInterval, decimals: int) -> Sequence[str]:
    mean = f"{summary.mean:.{decimals}f}" if math.isfinite(summary.mean) else str(summary.mean)
    if summary.low is None or summary.high is None:
        return mean, "–"
    return mean, f"{summary.low:.{decimals}f} – {summary.high:.{decimals}f}"


def _say_unavailable(columns: Sequence[ColumnResult]) -> None:
    for result in columns:
        if result.unavailable:
            log.warning("%s is not available, because %s", result.name, result.unavailable)
