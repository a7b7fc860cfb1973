"""Training sets, sets without a reference, and data sets made out of others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semsr.errors import CardError, PairingError, SemsrError, SizeMismatchError
from semsr.imaging.degradation.parameters import FULL, LIGHT
from semsr.imaging.degradation.recipe import Recipe, degrade
from semsr.imaging.resize import bicubic_uint8
from semsr.project import Project
from semsr.stages import prepare

AddCard = Callable[..., Project]
Make = Callable[..., np.ndarray]
Save = Callable[..., Path]
HR = {"kind": "files", "layouts": [{"hr": "{name}.png"}, {"hr": "{name}.jpg"}]}
LR = {"kind": "files", "layouts": [{"lr": "{name}.png"}]}
BICUBIC = {"kind": "matlab-bicubic", "dialect": "symmetric"}


def pixels(path: Path | None) -> np.ndarray:
    assert path is not None
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.fixture
def large(add_card: AddCard, make_picture: Make, save_picture: Save, tmp_path: Path) -> Project:
    """`large`: three prepared pictures of 72x64, for testing, with LR."""
    for number in range(3):
        save_picture(tmp_path / f"large/{number}.png", make_picture(number, 72, 64))
    project = add_card("large", count=3, source=HR, degradation=BICUBIC)
    prepare.run(project, "large", tmp_path / "large")
    return project


def test_a_training_set_has_hr_alone_and_costs_no_second_copy(
    add_card: AddCard, make_picture: Make, save_picture: Save, tmp_path: Path
) -> None:
    for number in range(3):
        save_picture(tmp_path / f"originals/{number}.png", make_picture(number))
    project = add_card("many", split="train", count=3, source=HR)
    prepared = prepare.run(project, "many", tmp_path / "originals")
    assert [(entry.lr, entry.lr_size, entry.lr_sha256) for entry in prepared.train] == [(None, None, None)] * 3
    assert prepared.test == ()
    assert not (prepared.folder / "lr").exists()
    for entry in prepared.train:
        assert entry.hr is not None
        assert entry.hr.samefile(tmp_path / "originals" / entry.hr.name)
    with pytest.raises(SemsrError, match=r"'many' has no LR test pictures; it is for training only"):
        prepared.inputs


def test_test_pictures_are_copies(large: Project, tmp_path: Path) -> None:
    """Whoever damages a test picture must not damage the user's own copy."""
    entry = prepare.run(large, "large").entries[0]
    assert entry.hr is not None
    assert not entry.hr.samefile(tmp_path / "large" / entry.hr.name)


def test_jpegs_of_a_training_set_keep_their_bytes_but_grey_ones_do_not(
    add_card: AddCard, make_picture: Make, save_picture: Save, tmp_path: Path
) -> None:
    folder = tmp_path / "originals"
    colour = save_picture(folder / "a.jpg", make_picture(1), quality=90)
    grey = save_picture(folder / "b.jpg", make_picture(2)[..., 0], quality=90)
    project = add_card("many", split="train", count=2, source=HR, grey="replicate")
    one, two = prepare.run(project, "many", folder).train
    assert one.hr == project.data / "many/hr/a.jpg" and one.hr.read_bytes() == colour.read_bytes()
    assert two.hr == project.data / "many/hr/b.png"
    assert np.array_equal(pixels(two.hr), pixels(grey))


def test_a_test_set_of_jpegs_becomes_png(add_card: AddCard, make_picture: Make, save_picture: Save, tmp_path: Path) -> None:
    original = save_picture(tmp_path / "originals/a.jpg", make_picture(1), quality=90)
    (entry,) = prepare.run(add_card("few", count=1, source=HR, degradation=BICUBIC), "few", original.parent).entries
    assert entry.hr is not None and entry.hr.suffix == ".png"
    assert np.array_equal(pixels(entry.hr), pixels(original))


def test_a_test_set_with_no_way_to_lr_is_refused(
    add_card: AddCard, make_picture: Make, save_picture: Save, tmp_path: Path
) -> None:
    save_picture(tmp_path / "originals/a.png", make_picture(1))
    with pytest.raises(SemsrError, match="few: a has no LR picture, and the card tells no way to make one from HR"):
        prepare.run(add_card("few", count=1, source=HR), "few", tmp_path / "originals")


def test_a_set_without_a_reference(add_card: AddCard, make_picture: Make, save_picture: Save, tmp_path: Path) -> None:
    for number in range(2):
        save_picture(tmp_path / f"originals/{number}.png", make_picture(number, 20 + number, 30))
    prepared = prepare.run(add_card("wild", count=2, source=LR), "wild", tmp_path / "originals")
    assert [entry.hr for entry in prepared.entries] == [None, None]
    assert {name: size for name, (_, size) in prepared.inputs.items()} == {"0": (20, 30), "1": (21, 30)}
    assert not (prepared.folder / "hr").exists()


def test_sets_together(add_card: AddCard, large: Project, make_picture: Make, save_picture: Save, tmp_path: Path) -> None:
    save_picture(tmp_path / "more/x.png", make_picture(7))
    add_card("more", split="test", count=1, source=HR, degradation=BICUBIC)
    parts = [{"dataset": "large", "first": 2}, {"dataset": "more"}]
    project = add_card("both", count=3, source={"kind": "derived", "parts": parts})
    prepare.run(project, "more", tmp_path / "more")
    prepared = prepare.run(project, "both")
    assert [entry.name for entry in prepared.entries] == ["0", "1", "x"]
    for entry in prepared.entries:
        part = project.data / ("more" if entry.name == "x" else "large")
        assert entry.hr and entry.lr
        assert entry.hr.read_bytes() == (part / "hr" / entry.hr.name).read_bytes()
        assert entry.lr.read_bytes() == (part / "lr" / entry.lr.name).read_bytes()


def test_equal_names_in_two_parts_are_told(
    add_card: AddCard, large: Project, make_picture: Make, save_picture: Save, tmp_path: Path
) -> None:
    save_picture(tmp_path / "more/1.png", make_picture(7))
    add_card("more", count=1, source=HR, degradation=BICUBIC)
    project = add_card("both", count=4, source={"kind": "derived", "parts": [{"dataset": "large"}, {"dataset": "more"}]})
    prepare.run(project, "more", tmp_path / "more")
    with pytest.raises(PairingError, match="both: two of its parts have a picture called '1'"):
        prepare.run(project, "both")


def test_made_from_itself_through_another(add_card: AddCard) -> None:
    add_card("one", count=1, source={"kind": "derived", "parts": [{"dataset": "two"}]})
    project = add_card("two", count=1, source={"kind": "derived", "parts": [{"dataset": "one"}]})
    with pytest.raises(CardError, match="'one' is made from itself: one -> two -> one"):
        prepare.run(project, "one")


def test_centre_crops_of_pairs_stay_aligned(add_card: AddCard, large: Project) -> None:
    crops = {"kind": "centre", "size": 32}
    project = add_card("centre", count=3, source={"kind": "derived", "parts": [{"dataset": "large"}], "crops": crops})
    whole = prepare.run(project, "large").entries
    for entry, before in zip(prepare.run(project, "centre").entries, whole, strict=True):
        # 72x64: 18x16 on the LR grid, an 8x8 crop begins at 5, 4.
        assert np.array_equal(pixels(entry.lr), pixels(before.lr)[5:13, 4:12])
        assert np.array_equal(pixels(entry.hr), pixels(before.hr)[20:52, 16:48])


def test_random_crops_depend_on_seed_picture_and_number_alone(add_card: AddCard, large: Project) -> None:
    def made(name: str, count: int, seed: int, parts: list[dict[str, object]]) -> dict[str, bytes]:
        crops = {"kind": "random", "size": 32, "count": count, "seed": seed}
        source = {"kind": "derived", "parts": parts, "crops": crops}
        project = add_card(name, count=count, source=source, degradation=BICUBIC)
        prepared = prepare.run(project, name)
        for entry in prepared.entries:
            assert (entry.hr_size, entry.lr_size) == ((32, 32), (8, 8))
            assert np.array_equal(pixels(entry.lr), bicubic_uint8(pixels(entry.hr), 0.25))
        return {entry.name: pixels(entry.hr).tobytes() for entry in prepared.entries}

    one = made("one", 7, 0, [{"dataset": "large"}])
    assert sorted(one) == ["0-00", "0-01", "0-02", "1-00", "1-01", "2-00", "2-01"]
    assert len(set(one.values())) == 7
    two = made("two", 12, 0, [{"dataset": "large", "first": 2}])
    assert all(two[name] == data for name, data in one.items() if not name.startswith("2"))
    assert made("three", 7, 1, [{"dataset": "large"}]) != one
    whole = pixels(prepare.run(large, "large").entries[0].hr)
    windows = {whole[y : y + 32, x : x + 32].tobytes() for y in range(41) for x in range(33)}
    assert {data for name, data in one.items() if name.startswith("0")} <= windows


def test_too_small_for_a_crop_names_the_picture(add_card: AddCard, large: Project) -> None:
    crops = {"kind": "random", "size": 68, "count": 3}
    source = {"kind": "derived", "parts": [{"dataset": "large"}], "crops": crops}
    with pytest.raises(SizeMismatchError, match=r"large/hr/0\.png: 64x72 is smaller than the crops, 68x68"):
        prepare.run(add_card("big", count=3, source=source, degradation=BICUBIC), "big")


def test_a_wrong_number_of_pictures_from_the_parts(add_card: AddCard, large: Project) -> None:
    with pytest.raises(PairingError, match="few: 3 pictures from its parts, but the card says 2"):
        prepare.run(add_card("few", count=2, source={"kind": "derived", "parts": [{"dataset": "large"}]}), "few")


@pytest.mark.parametrize("ground_truth", ["plain", "sharpened"])
def test_a_random_degradation_is_the_recipe_by_name(
    add_card: AddCard, make_picture: Make, save_picture: Save, tmp_path: Path, ground_truth: str
) -> None:
    for number in range(3):
        save_picture(tmp_path / f"originals/{number}.png", make_picture(number, 96, 80))
    degradation = {
        "kind": "real-esrgan",
        "parameters": "light",
        "seed": 3,
        "ground_truth": ground_truth,
        "shared_choices": 2,
    }
    project = add_card("real", count=3, comparable="regenerated", source=HR, degradation=degradation)
    recipe = Recipe(LIGHT, seed=3, ground_truth=ground_truth, shared_choices=2)  # type: ignore[arg-type]
    for place, entry in enumerate(prepare.run(project, "real", tmp_path / "originals").entries):
        expected = degrade(pixels(tmp_path / f"originals/{place}.png"), recipe, entry.name, place=place)
        assert np.array_equal(pixels(entry.lr), expected.lr)
        assert np.array_equal(pixels(entry.hr), expected.hr)


def test_the_bytes_do_not_depend_on_the_number_of_processes(
    add_card: AddCard, make_picture: Make, save_picture: Save, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(60):
        save_picture(tmp_path / f"originals/{number:02}.png", make_picture(number, 64, 64))
    degradation = {"kind": "real-esrgan", "parameters": "full"}
    keys = {"count": 60, "comparable": "regenerated", "source": HR, "degradation": degradation}
    found = []
    for name, workers in (("one", 1), ("two", 2)):
        prepared = prepare.run(add_card(name, **keys), name, tmp_path / "originals", workers=workers)
        found.append({path.name: path.read_bytes() for path in (prepared.folder / "lr").iterdir()})
    assert found[0] == found[1] and len(found[0]) == 60
    assert found[0]["07.png"] != found[0]["08.png"]
    hr = pixels(tmp_path / "originals/07.png")
    assert np.array_equal(degrade(hr, Recipe(FULL), "07").lr, pixels(tmp_path / "project/data/one/lr/07.png"))
    with caplog.at_level(logging.ERROR):
        (tmp_path / "originals/33.png").write_bytes(b"damaged")
        with pytest.raises(SemsrError, match=r"33\.png: not an image file"):
            prepare.run(add_card("three", **keys), "three", tmp_path / "originals", workers=2)
    assert not caplog.records


def test_shared_choices_join_crops_of_different_pictures(add_card: AddCard, large: Project) -> None:
    """Six crops of three pictures, choices shared by three: the first crops of all three, then the second ones."""
    degradation = {"kind": "real-esrgan", "parameters": "full", "shared_choices": 3}
    crops = {"kind": "random", "size": 32, "count": 6}
    source = {"kind": "derived", "parts": [{"dataset": "large"}], "crops": crops}
    project = add_card("crops", count=6, comparable="regenerated", source=source, degradation=degradation)
    places = {"0-00": 0, "1-00": 1, "2-00": 2, "0-01": 3, "1-01": 4, "2-01": 5}
    for entry in prepare.run(project, "crops").entries:
        expected = degrade(pixels(entry.hr), Recipe(FULL, shared_choices=3), entry.name, place=places[entry.name])
        assert np.array_equal(pixels(entry.lr), expected.lr)
