"""What a data set's card may say, and the one-line errors where it says something else."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from semsr.cards import DatasetCard, parse_card
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


def test_every_committed_card_is_whole(project: Project) -> None:
    assert {"set5", "set14", "set5-gtmod12", "realsr", "lite-photos"} <= set(project.datasets)
    for name, card in project.datasets.items():
        folder = project.root / "datasets" / name
        assert (folder / "README.md").read_text().startswith("# ")
        assets = card.source.assets if card.source.kind == "files" else [photo.asset for photo in card.source.photos]
        for asset in assets:
            assert project.asset(asset).manual
