"""What a data set's card may say, and the one-line errors where it says something else."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from semsr.cards import DatasetCard, parse_card
from semsr.cards.dataset import RealEsrgan
from semsr.errors import CardError
from semsr.project import Project

CARD: dict[str, Any] = {
    "id": "two",
    "title": "Two",
    "licence": "CC0-1.0",
    "count": 1,
    "comparable": "regenerated",
    "source": {
        "kind": "photographs",
        "photos": [
            {"name": "a", "asset": "a", "split": "test", "box": [0, 0, 80, 40], "subject": "a"},
            {"name": "b", "asset": "b", "split": "train", "box": [0, 0, 80, 40], "subject": "b"},
        ],
    },
    "degradation": {"kind": "matlab-bicubic", "dialect": "symmetric"},
}
PAIRED = {"kind": "files", "layouts": [{"hr": "hr/{name}.png", "lr": "lr/{name}.png"}]}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("count",), 2, r"count is 2, but 1 photos have split 'test'"),
        (("degradation",), None, r"photographs need a 'degradation'"),
        (
            ("degradation", "dialect"),
            "mirror",
            r"degradation\.matlab-bicubic\.dialect: found 'mirror'; input should be 'symmetric' or 'replicate'",
        ),
        (("source", "photos", 0, "box"), [0, 0, 82, 40], r"photo 'a': the sides of its box must be multiples of the scale, 4"),
        (("source", "photos", 0, "box"), [40, 0, 20, 40], r"photo 'a': box \[40, 0, 20, 40\] must be left, top, right, bottom"),
        (("source", "photos", 0, "box"), [-4, 0, 20, 40], r"photo 'a': box \[-4, 0, 20, 40\] must be"),
        (("source", "photos", 1, "asset"), "a", r"photographs used for testing and for training: a"),
        (("source", "photos", 1, "name"), "a", r"two photos have the same name"),
        (("source", "photos", 0, "shrink"), 0, r"greater than or equal to 1"),
        (("source",), {**PAIRED, "layouts": []}, r"source.*at least 1"),
        (("source",), {**PAIRED, "layouts": [{"hr": "hr/*.png"}]}, r"pattern 'hr/\*\.png' needs '\{name\}'"),
        (("pictures",), 3, r"unknown key 'pictures' \(value 3\); allowed here: id, title"),
    ],
)
def test_a_wrong_card_is_named(path: tuple[str | int, ...], value: object, message: str) -> None:
    card = copy.deepcopy(CARD)
    place: Any = card
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(CardError, match=f"datasets/two/dataset.yaml: .*{message}") as caught:
        parse_card(DatasetCard, card, "datasets/two/dataset.yaml")
    assert "\n" not in str(caught.value)


IDS = [
    "set5", "set14", "set5-gtmod12", "set14-gtmod12", "bsd100", "urban100", "manga109", "div2k-train", "div2k-valid", "flickr2k", "df2k",
    "ost", "lsdir", "ffhq-10k", "div8k", "realsr-v3", "realsr", "drealsr-x4", "drealsr", "reallr200", "div2k-v2-val",
    "div2k-val", "coco-train2017", "coco-val2017", "coco-val-512", "lite-photos",
]  # fmt: skip


def test_every_data_set_of_the_papers_has_a_card(project: Project) -> None:
    assert set(IDS) <= set(project.datasets)


def test_numbers_of_pictures_as_published(project: Project) -> None:
    """As the sources of the cards print them; None where they print none that is confirmed."""
    published = {
        "set5": 5, "set14": 14, "set14-gtmod12": 14, "bsd100": 100, "urban100": 100, "manga109": 109, "div2k-train": 800,
        "div2k-valid": 100, "flickr2k": 2650,
        "df2k": 3450, "ost": None, "lsdir": 84991, "ffhq-10k": 10000, "div8k": None, "realsr-v3": 100, "realsr": 100, "drealsr-x4": 93,
        "drealsr": 93, "reallr200": 200, "div2k-v2-val": 3000, "div2k-val": 3000, "coco-train2017": 118287, "coco-val2017": 5000,
        "coco-val-512": 5000,
    }  # fmt: skip
    assert {name: project.dataset(name).count for name in published} == published


def test_what_is_drawn_here_is_never_called_the_same_inputs(project: Project) -> None:
    assert {name for name in IDS if project.dataset(name).comparable == "regenerated"} == {
        "div2k-val",
        "coco-val2017",
        "coco-val-512",
        "lite-photos",
    }


def test_seesr_quirks_are_on_by_name_and_there_only(project: Project) -> None:
    degradations = {
        name: card.degradation for name, card in project.datasets.items() if isinstance(card.degradation, RealEsrgan)
    }
    quirky = {name for name, made in degradations.items() if made.ground_truth == "sharpened" or made.shared_choices}
    assert quirky == {"div2k-val"}
    assert degradations["div2k-val"].shared_choices == 10


def test_training_and_test_sets_are_apart(project: Project) -> None:
    train = {name for name in IDS if project.dataset(name).split == "train"}
    assert train == {"div2k-train", "flickr2k", "df2k", "ost", "lsdir", "ffhq-10k", "div8k", "coco-train2017"}
