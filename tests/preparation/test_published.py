"""The 100 RealSR crops as the authors published them: whatever is removed, renamed, truncated, swapped or changed is named."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semsr.errors import CardError, SemsrError
from semsr.preparation.manifest import open_prepared, set_sha256
from semsr.preparation.published import differences, read_table
from semsr.project import Project
from semsr.stages import prepare


@pytest.fixture
def crops(test_data: Path, tmp_path: Path) -> Path:
    """A copy of the crops that a test may spoil."""
    for side in ("hr", "lr"):
        shutil.copytree(test_data / "realsr_crop128" / side, tmp_path / "crops" / side)
    return tmp_path / "crops"


def swap(*sides: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        for side in sides:
            one, two = (folder / side / f"Canon_{number}_LR4.png" for number in ("003", "004"))
            other = one.read_bytes()
            one.write_bytes(two.read_bytes())
            two.write_bytes(other)

    return spoil


def remove(*sides: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        for side in sides:
            (folder / side / "Nikon_050_LR4.png").unlink()

    return spoil


def rename(*sides: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        for side in sides:
            (folder / side / "Canon_003_LR4.png").rename(folder / side / "mine.png")

    return spoil


def truncate(folder: Path) -> None:
    path = folder / "hr/Canon_003_LR4.png"
    path.write_bytes(path.read_bytes()[:-2000])


def change(folder: Path) -> None:
    path = folder / "lr/Canon_003_LR4.png"
    array = np.array(Image.open(path))
    array[5, 5, 0] ^= 1
    Image.fromarray(array).save(path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(remove("hr", "lr"), "Nikon_050_LR4", id="pair removed"),
        pytest.param(remove("hr"), r"Nikon_050_LR4\.png has none", id="HR removed"),
        pytest.param(rename("hr", "lr"), "mine: HR is the published Canon_003_LR4, under another name", id="pair renamed"),
        pytest.param(rename("lr"), r"mine\.png, Canon_003_LR4\.png|Canon_003_LR4\.png|mine\.png", id="LR renamed"),
        pytest.param(truncate, r"Canon_003_LR4\.png: truncated or damaged", id="truncated"),
        pytest.param(
            swap("hr", "lr"),
            "Canon_003_LR4: HR is the published Canon_004_LR4, under another name.*Canon_004_LR4: HR is the published Canon_003",
            id="pairs swapped",
        ),
        pytest.param(swap("lr"), "Canon_003_LR4: LR is the published Canon_004_LR4, under another name", id="LR swapped"),
        pytest.param(change, "Canon_003_LR4: LR has other pixels than the published picture", id="one pixel"),
    ],
)
def test_what_is_wrong_is_named(workspace: Project, crops: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(crops)
    with pytest.raises(SemsrError, match=message) as caught:
        prepare.run(workspace, "realsr", crops)
    assert "\n" not in str(caught.value)
    with pytest.raises(SemsrError, match="is not prepared"):
        open_prepared(workspace, "realsr")


def test_names_of_ones_own_are_fine(workspace: Project, crops: Path) -> None:
    for side in ("hr", "lr"):
        for number, path in enumerate(sorted((crops / side).iterdir())):
            path.rename(path.with_name(f"{number:03}.png"))
    assert prepare.run(workspace, "realsr", crops).as_published


@pytest.mark.parametrize("name", ["set5", "set14", "set5-gtmod12", "realsr"])
def test_the_tables_are_the_sets_that_the_cards_hash(project: Project, name: str) -> None:
    card = project.dataset(name)
    table = read_table(card, project.folders("dataset")[name])
    assert table is not None and card.pixels is not None
    assert len(table) == card.count
    assert set_sha256(hashes.hr for hashes in table.values()) == card.pixels.hr
    assert set_sha256(hashes.lr for hashes in table.values()) == card.pixels.lr


def test_pictures_that_can_be_made_again_are_only_warned_about(
    workspace: Project, test_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(shutil.copytree(test_data / "set5", tmp_path / "set5"))
    path = folder / "lr_x4/img_002.png"
    array = np.array(Image.open(path))
    array[5, 5, 0] ^= 1
    Image.fromarray(array).save(path)
    prepared = prepare.run(workspace, "set5", folder)
    assert prepared.as_published is False
    assert "img_002: LR has other pixels than the published picture" in caplog.text


def test_a_bad_table(workspace: Project) -> None:
    card, folder = workspace.dataset("realsr"), workspace.root / "datasets" / "realsr"
    path = folder / "pixels.csv"
    rows = list(csv.reader(path.read_text().splitlines()))
    path.write_text("name,hr\na,b\n")
    with pytest.raises(CardError, match=r"pixels\.csv: not a table with the columns name, hr, lr"):
        read_table(card, folder)
    path.write_text("\n".join(",".join(row) for row in [*rows, rows[-1]]))
    with pytest.raises(CardError, match=r"pixels\.csv: a name stands there twice"):
        read_table(card, folder)
    path.unlink()
    with pytest.raises(CardError, match=r"pixels\.csv: no such file"):
        read_table(card, folder)


def test_nothing_differs_where_all_is_as_published(workspace: Project, test_data: Path) -> None:
    prepared = prepare.run(workspace, "realsr", test_data / "realsr_crop128")
    table = read_table(prepared.card, workspace.root / "datasets/realsr")
    assert table is not None
    assert differences(table, prepared.entries) == []
    assert differences(table, prepared.entries[1:]) == [f"{prepared.entries[0].name}: missing"]
