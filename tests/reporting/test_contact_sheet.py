"""Which pictures are shown, and that what is shown is what is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semsr.assets.store import Store
from semsr.imaging.pictures import Rgb, read_rgb, write_png
from semsr.project import Project
from semsr.reporting.collect import Facts, collect
from semsr.reporting.contact_sheet import DETAILS, PICTURES, busiest, evenly, make_sheet

Prepare = Callable[..., Path]
Waves = Callable[..., Rgb]


def _facts(project: Project, dataset: str) -> Facts:
    return collect(project, project.dataset(dataset), Store())


@pytest.mark.parametrize(
    ("count", "wanted", "places"), [(0, 3, []), (1, 3, [0]), (3, 3, [0, 1, 2]), (4, 3, [0, 2, 3]), (101, 3, [0, 50, 100])]
)
def test_evenly_takes_the_first_and_the_last(count: int, wanted: int, places: list[int]) -> None:
    assert evenly(count, wanted) == places


@pytest.mark.parametrize("count", [13, 100, 118_287])
def test_evenly_leaves_no_gap(count: int) -> None:
    places = np.array(evenly(count, PICTURES))
    steps = np.diff(places)
    assert len(set(places)) == PICTURES
    assert steps.max() - steps.min() <= 1


def test_a_sheet_shows_a_dozen_pictures_and_some_details(
    workspace: Project, prepare: Prepare, waves: Waves, tmp_path: Path
) -> None:
    prepare("urban100", {f"img-{number:03d}": waves(number) for number in range(30)})
    sheet = make_sheet(_facts(workspace, "urban100"), tmp_path, threads=2)
    names = [thumbnail.entry.name for thumbnail in sheet.thumbnails]
    assert names == [f"img-{place:03d}" for place in evenly(30, PICTURES)]
    assert [detail.name for detail in sheet.details] == [names[place] for place in evenly(PICTURES, DETAILS)]
    assert sheet.problems == ()
    shown = [sheet.thumbnails[0].shown, sheet.details[0].lr, sheet.details[0].hr]
    assert all((tmp_path / picture.file).is_file() for picture in shown)


def test_the_same_pictures_give_the_same_files(workspace: Project, prepare: Prepare, waves: Waves, tmp_path: Path) -> None:
    prepare("urban100", {f"img-{number:03d}": waves(number) for number in range(14)})
    made = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        make_sheet(_facts(workspace, "urban100"), folder, threads=2)
        made.append({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")})
    assert made[0] == made[1]


def test_a_detail_is_the_same_place_of_lr_and_hr(workspace: Project, prepare: Prepare, waves: Waves, tmp_path: Path) -> None:
    """The LR of these pictures is every fourth pixel of HR, so each square of the one is a pixel of the other."""
    prepare("urban100", {"only": waves(3, 400, 480)})
    (detail,) = make_sheet(_facts(workspace, "urban100"), tmp_path).details
    lr, hr = read_rgb(tmp_path / detail.lr.file), read_rgb(tmp_path / detail.hr.file)
    assert lr.shape == hr.shape == (320, 320, 3)
    squares = lr.reshape(40, 8, 40, 8, 3)
    assert (squares == squares[:, :1, :, :1]).all()
    assert (squares[:, 0, :, 0] == hr[::8, ::8]).all()
    assert (hr.reshape(160, 2, 160, 2, 3) == hr[::2, None, ::2, None]).all()


def test_the_busiest_place_is_shown() -> None:
    rgb = np.full((400, 600, 3), 128, dtype=np.uint8)
    rgb[210:330, 430:550] = np.random.default_rng(0).integers(0, 256, (120, 120, 3))
    top, left = busiest(rgb, 160, 40)
    assert top <= 210 and top + 160 >= 330
    assert left <= 430 and left + 160 >= 550
    assert (top % 40, left % 40) == (0, 0)
    assert busiest(np.zeros((160, 160, 3), dtype=np.uint8), 160, 40) == (0, 0)


def test_shrinking_does_not_alias(workspace: Project, prepare: Prepare, tmp_path: Path) -> None:
    """A chequerboard of single pixels is grey from afar."""
    board = np.indices((1200, 1600)).sum(axis=0) % 2 * 255
    prepare("urban100", {"board": np.repeat(board.astype(np.uint8)[..., None], 3, axis=2)})
    (thumbnail,) = make_sheet(_facts(workspace, "urban100"), tmp_path).thumbnails
    with Image.open(tmp_path / thumbnail.shown.file) as image:
        assert image.size == (384, 288)
        inner = np.asarray(image.convert("L"))[8:-8, 8:-8]
    assert abs(inner.astype(int) - 127).max() <= 3
    assert (thumbnail.shown.width, thumbnail.shown.height) == (192, 144)


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (2, 900), (900, 3), (44, 36)])
def test_odd_pictures_are_shown(
    workspace: Project, prepare: Prepare, waves: Waves, tmp_path: Path, shape: tuple[int, int]
) -> None:
    prepare("urban100", {"odd": waves(1, *shape)})
    sheet = make_sheet(_facts(workspace, "urban100"), tmp_path)
    assert len(sheet.thumbnails) == 1
    assert sheet.problems == ()


def test_without_hr_the_lr_is_shown(workspace: Project, prepare: Prepare, waves: Waves, tmp_path: Path) -> None:
    prepare("reallr200", {"a": waves(1), "b": waves(2)}, hr=False)
    sheet = make_sheet(_facts(workspace, "reallr200"), tmp_path)
    assert len(sheet.thumbnails) == 2
    assert sheet.details == ()


def test_damaged_pictures_are_named(workspace: Project, prepare: Prepare, waves: Waves, tmp_path: Path) -> None:
    folder = prepare("urban100", {name: waves(number) for number, name in enumerate("abcd")})
    (folder / "hr" / "b.png").write_bytes((folder / "hr" / "b.png").read_bytes()[:500])
    write_png(folder / "hr" / "c.png", waves(99))
    sheet = make_sheet(_facts(workspace, "urban100"), tmp_path)
    assert [thumbnail.entry.name for thumbnail in sheet.thumbnails] == ["a", "d"]
    assert len(sheet.problems) == 2
    assert "b.png: truncated or damaged" in sheet.problems[0]
    assert "c.png: other pixels than the manifest says" in sheet.problems[1]
