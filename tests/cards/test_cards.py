"""A wrong card is one clear line: file, key, value found, what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from semsr.cards import AssetFile, DatasetCard, MethodCard, MetricCard, ProtocolCard, parse_card
from semsr.errors import CardError

METHOD: dict[str, Any] = {
    "id": "foo",
    "title": "Foo",
    "licence": "MIT",
    "runner": "python",
    "entry": "method:Foo",
    "variants": {"default": {"label": "Foo"}},
}
PHOTO: dict[str, Any] = {"name": "a", "asset": "x", "box": [0, 0, 4, 4], "split": "test", "subject": "cat"}
DATASET: dict[str, Any] = {
    "id": "d",
    "title": "D",
    "licence": "CC0",
    "count": 1,
    "comparable": "regenerated",
    "source": {"kind": "photographs", "photos": [PHOTO]},
}
ASSET: dict[str, Any] = {
    "id": "w",
    "file": "w.bin",
    "title": "W",
    "licence": "MIT",
    "sha256": "0" * 64,
    "source": "here",
    "manual": "ask",
    "mirrors": [{"kind": "file", "path": "~/w.bin"}],
}
METRIC: dict[str, Any] = {
    "id": "m",
    "title": "M",
    "direction": "higher",
    "range": [0, None],
    "reference": "full",
    "version": 1,
    "entry": "m:M",
    "licence": "MIT",
    "source": "here",
}


def test_a_right_card_is_frozen() -> None:
    card = parse_card(MethodCard, METHOD, "method.yaml")
    with pytest.raises(ValidationError):
        card.title = "Bar"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("model", "card", "change", "told"),
    [
        (MethodCard, METHOD, {"runer": "python"}, ["f.yaml", "unknown key 'runer'", "'python'", "allowed here", "runner"]),
        (MethodCard, METHOD, {"runner": "docker"}, ["runner", "'docker'", "'python'", "'command'", "'outputs'"]),
        (MethodCard, METHOD, {"id": "Foo Bar"}, ["id", "'Foo Bar'"]),
        (MethodCard, METHOD, {"entry": None}, ["'entry' is missing"]),
        (MethodCard, METHOD, {"scale": 0}, ["scale", "found 0", "greater than or equal to 1"]),
        (
            MethodCard,
            METHOD,
            {"variants": {"default": {"label": "x", "trust": "L9"}}},
            ["variants.default.trust", "'L9'", "'L2'"],
        ),
        (MethodCard, METHOD, {"variants": {"default": {"lable": "x"}}}, ["variants.default", "lable"]),
        (DatasetCard, DATASET, {"comparable": "maybe"}, ["comparable", "'same-inputs'"]),
        (DatasetCard, DATASET, {"source": {"kind": "files", "layouts": [{"hr": "hr/*.png"}]}}, ["{name}"]),
        (AssetFile, {"assets": [ASSET]}, {"assets": [ASSET | {"sha256": None}]}, ["sha256", "unpinned"]),
        (AssetFile, {"assets": [ASSET]}, {"assets": [ASSET | {"file": "../w.bin"}]}, ["file", "'../w.bin'"]),
        (
            AssetFile,
            {"assets": [ASSET]},
            {"assets": [ASSET | {"mirrors": [{"kind": "https", "url": "http://x/y"}]}]},
            ["url", "http://x/y"],
        ),
        (
            MetricCard,
            METRIC,
            {"options": {"border": {"default": 1, "allowed": [0, 4], "meaning": "cut"}}},
            ["border", "default 1"],
        ),
        (
            ProtocolCard,
            {"id": "p", "title": "P", "source": "s", "columns": []},
            {"columns": [{"name": "a", "metric": "m"}, {"name": "a", "metric": "n"}]},
            ["same name"],
        ),
    ],
)
def test_a_wrong_card_says_what_is_wrong(model: Any, card: dict[str, Any], change: dict[str, Any], told: list[str]) -> None:
    with pytest.raises(CardError) as error:
        parse_card(model, card | change, "f.yaml")
    message = str(error.value)
    assert "\n" not in message
    for part in ["f.yaml", *told]:
        assert part in message


def test_a_photograph_never_serves_both_testing_and_training() -> None:
    photos = [PHOTO, PHOTO | {"name": "b", "split": "train"}]
    with pytest.raises(CardError, match="for testing and for training: x"):
        parse_card(DatasetCard, DATASET | {"source": {"kind": "photographs", "photos": photos}}, "f.yaml")


@pytest.mark.parametrize("data", [None, [], "text"])
def test_a_card_that_is_no_mapping(data: object) -> None:
    with pytest.raises(CardError, match=r"f\.yaml: expected keys and values"):
        parse_card(MethodCard, data, "f.yaml")
