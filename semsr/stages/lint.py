"""Lint: looks at restored pictures and says what looks wrong with them; nothing is scored."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from semsr.cards import ProfileCard
from semsr.errors import PairingError, SemsrError, SizeMismatchError, UnknownIdError
from semsr.evaluation.lints.copies import NamedRow, RowName
from semsr.evaluation.lints.finding import Finding
from semsr.evaluation.lints.judges import judge_rows
from semsr.evaluation.lints.looking import RowPictures, Sources, look_at_rows
from semsr.evaluation.lints.presence import check_presence
from semsr.evaluation.pairing import Size, picture_size
from semsr.evaluation.session import progress_bar
from semsr.imaging.pictures import picture_files
from semsr.planning import rows_of, seeds_of
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import Project, seeded
from semsr.restoration.cell import Cell
from semsr.stages.lint_page import Linted, LintedRow
from semsr.stages.lint_rows import lint_rows
from semsr.stages.score import reference_of

log = logging.getLogger(__name__)


def run(project: Project, profile: ProfileCard, method: str, dataset: str) -> Linted:
    """Look at all rows of a method on a data set; they are compared with the rows of other methods, too.

    Args:
        project: the project.
        profile: whose cells to look at.
        method: the method's id.
        dataset: a prepared data set's id.

    Raises:
        UnknownIdError: no such method or data set. SemsrError: the data set is not prepared, or the method has restored nothing of it.
        PictureError: a picture of another method is damaged.
    """
    project.method(method)
    prepared = open_prepared(project, dataset)
    sources = sources_of(prepared)
    rows = _restored(project, profile, dataset)
    if not any(name[0] == method for name in rows):
        raise SemsrError(
            f"{dataset}: no row of {method!r} of profile {profile.id} has been restored; run `semsr infer {method} --dataset {dataset}`"
        )
    errors: dict[RowName, list[Finding]] = {}
    whole: list[RowPictures] = []
    for name, folder in rows.items():
        wanted_by = f"data set {dataset!r} (run `semsr infer {name[0]} --dataset {dataset}` to complete the row)"
        found, sound = check_presence(
            picture_files(folder), sources.sizes, project.show(folder), wanted_by, _as_large_as(sources)
        )
        errors[name] = found
        whole.append(RowPictures(name, sound))
    findings = lint_rows(project, profile, dataset, whole, sources)
    mine = [name for name in rows if name[0] == method]
    return Linted(
        dataset,
        tuple(
            LintedRow(f"{name[0]}/{seeded(*name[1:])}", len(sources.sizes), (*errors[name], *findings[name])) for name in mine
        ),
    )


def run_folder(
    project: Project,
    folder: Path,
    dataset: str | None = None,
    hr: Path | None = None,
    lr: Path | None = None,
    threads: int | None = None,
) -> Linted:
    """Look at the pictures of any folder.

    Args:
        project: the project.
        folder: restored pictures; each pairs with HR and LR of the same file name (without its ending).
        dataset: a prepared data set that they are restorations of; or
        hr: a folder of HR pictures, which may hold more than `folder` does, and
        lr: a folder of LR pictures, without which less can be told.
        threads: cores to use; None: all that are available.

    Raises:
        SemsrError: neither or both of `dataset` and `hr`. PictureError: a folder is missing or empty, HR or LR is damaged.
        PairingError: HR or LR of no picture is there, or LR of some. SizeMismatchError: LR is not HR made smaller.
    """
    if (dataset is None) == (hr is None):
        raise SemsrError("say what to compare with: either --dataset ID, or --hr DIR (and --lr DIR)")
    if dataset is not None and lr is not None:
        raise SemsrError("--lr: not allowed with --dataset, which has its own LR; give --hr DIR with it, or leave it out")
    pictures = picture_files(folder)
    if dataset is not None:
        sources, wanted_by = sources_of(open_prepared(project, dataset)), f"data set {dataset!r}"
    else:
        assert hr is not None
        sources, wanted_by = _sources_beside(pictures, hr, lr), str(hr)
    findings, sound = check_presence(pictures, sources.sizes, str(folder), wanted_by, _as_large_as(sources))
    name = (folder.resolve().name, "default", 0)
    with progress_bar(f"lint {name[0]}", len(sound)) as progress:
        (row,) = look_at_rows([RowPictures(name, sound)], sources, threads=threads, progress=progress)
    findings += judge_rows([NamedRow(name, row)])[name]
    return Linted(dataset or "", (LintedRow(str(folder), len(pictures), tuple(findings)),))


def sources_of(prepared: Prepared) -> Sources:
    """HR, LR and sizes of a data set's test pictures. Raises: SemsrError where there are none."""
    hr, sizes = reference_of(prepared)
    return Sources(hr or {}, {name: lr for name, (lr, _) in prepared.inputs.items()}, sizes)


def _restored(project: Project, profile: ProfileCard, dataset: str) -> dict[RowName, Path]:
    """The picture folders of all rows of a profile that have some on a data set. Raises: UnknownIdError."""
    tracks = [track for track in profile.tracks.all if dataset in track.datasets]
    if not tracks:
        raise UnknownIdError(
            f"data set of profile {profile.id}", dataset, (name for track in profile.tracks.all for name in track.datasets)
        )
    found: dict[RowName, Path] = {}
    for method in sorted({method for track in tracks for method in track.entrants}):
        for variant in rows_of(project, profile, method):
            for seed in seeds_of(project, profile, method, variant):
                cell = Cell(project.cell(profile.id, dataset, method, variant, seed))
                if not cell.lacking() and cell.done():
                    found[method, variant, seed] = cell.images
    return dict(sorted(found.items()))


def _sources_beside(pictures: Mapping[str, Path], hr: Path, lr: Path | None) -> Sources:
    available = picture_files(hr)
    files = {name: available[name] for name in sorted(set(pictures) & set(available))}
    if not files:
        raise PairingError(f"{hr}: no picture has the name of one in the folder; pictures pair by file name without its ending")
    if len(files) < len(available):
        log.warning("%d of the %d pictures in %s have a partner; the others are not looked at", len(files), len(available), hr)
    sizes = {name: picture_size(path) for name, path in files.items()}
    if lr is None:
        return Sources(files, {}, sizes)
    small = picture_files(lr)
    if without := sorted(set(files) - set(small)):
        raise PairingError(
            f"{lr}: {without[0]!r} is missing{f' (and {len(without) - 1} more)' if len(without) > 1 else ''}; add it, or leave out --lr"
        )
    for name in files:
        _check_smaller(small[name], picture_size(small[name]), sizes[name])
    return Sources(files, {name: small[name] for name in files}, sizes)


def _check_smaller(path: Path, size: Size, large: Size) -> None:
    """LR is HR's size divided by one factor, but for a pixel. Raises: SizeMismatchError."""
    factor = large[0] / size[0]
    if factor <= 1 or abs(large[1] / factor - size[1]) > 1:
        raise SizeMismatchError(
            f"{path}: {size[1]}x{size[0]} pixels (width x height) is not {large[1]}x{large[0]}, HR's size, made smaller; "
            "give LR of the same pictures"
        )


def _as_large_as(sources: Sources) -> str:
    return "its HR picture" if sources.hr else "its LR picture, enlarged,"
