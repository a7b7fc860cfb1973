"""The four styles over taggers of known answers, roles of files, and the card's own descriptions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from semsr.plugins.methods.seesr import describe
from semsr.plugins.methods.seesr.describe import SeesrDescriber, classes, tags
from semsr.plugins.methods.seesr.options import SeeSrOptions, TaggerOptions
from semsr.plugins.methods.seesr.tagger import Tagger, lora_state, make_tagger, start_dape
from torch import Tensor

from semsr.errors import CardError, MethodError, WeightsError
from semsr.project import Project

CPU = torch.device("cpu")
RAM: dict[str, Any] = {
    "tags": 12,
    "width": 16,
    "size": 24,
    "threshold": 0.5,
    "swin": {"embed": 8, "depths": [2, 1], "heads": [1, 2], "window": 3, "drop_path": 0.0},
    "head": {"hidden": 16, "heads": 2, "feed_forward": 32, "dropout": 0.0},
}


class Known(Tagger):
    """Gives the logits it was made with, whatever it sees."""

    def __init__(self, logits: Tensor, threshold: float = 0.5) -> None:
        names = [f"thing {at}" for at in range(logits.shape[1])]
        super().__init__(TaggerOptions(size=4, threshold=threshold), names, None, 8)
        self.logits = logits

    def look(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros(len(pictures), 1, 8), self.logits[: len(pictures)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny RAM of random weights under its published names, its tags, and additions to it that change what it says."""
    folder = tmp_path_factory.mktemp("ram")
    torch.manual_seed(2)
    card = TaggerOptions(**RAM)
    tagger = make_tagger(card, {})
    torch.save({"model": tagger.state_dict()}, folder / "ram.pth")
    (folder / "tags.txt").write_text("\n".join(f"thing {at}" for at in range(12)))
    # A threshold in the middle of its probabilities, so that there is something to say, and something to leave unsaid.
    with torch.no_grad():
        middle = float(tagger(_pictures())[1].sigmoid().median())
    (folder / "thresholds.txt").write_text("\n".join([str(middle)] * 12))
    torch.manual_seed(3)
    state = {name: torch.randn_like(tensor) for name, tensor in lora_state(start_dape(card, {})).items()}
    save_file(state, folder / "dape.safetensors")
    found = {"ram": folder / "ram.pth", "list": folder / "tags.txt", "limits": folder / "thresholds.txt"}
    return {**found, "additions": folder / "dape.safetensors"}


ROLES = {"tagger": "ram", "tag-list": "list", "tag-thresholds": "limits"}


def _pictures(count: int = 4) -> Tensor:
    return torch.rand(count, 3, 20, 28, generator=torch.Generator().manual_seed(1))


def _loaded(given: dict[str, Path], /, **options: Any) -> SeesrDescriber:
    made = SeesrDescriber(**options)
    made.files = given
    made.load(CPU)
    return made


def test_classes_are_the_likeliest_first() -> None:
    logits = torch.randn(5, 9, generator=torch.Generator().manual_seed(0))
    said = classes(Known(logits), torch.zeros(5, 3, 4, 4), 3)
    ranked = np.argsort(-logits.numpy(), axis=1, kind="stable")[:, :3]
    assert [one.tags for one in said] == [tuple(f"thing {at}" for at in row) for row in ranked]
    assert said[0].text == ", ".join(said[0].tags)
    assert [len(one.tags) for one in classes(Known(torch.zeros(2, 9)), torch.zeros(2, 3, 4, 4), 1)] == [1, 1]


def test_tags_are_those_above_their_threshold_in_the_list_s_order() -> None:
    logits = torch.tensor([[1.0, -1.0, 0.0, 2.0], [-1.0, -1.0, -1.0, -1.0]])
    said = tags(Known(logits), torch.zeros(2, 3, 4, 4))
    assert [(one.tags, one.text) for one in said] == [(("thing 0", "thing 3"), "thing 0, thing 3"), ((), "")]


def test_tags_and_dape_say_what_their_taggers_say(files: dict[str, Path]) -> None:
    plain = _loaded(files, style="tags", tagger=RAM, files=ROLES).describe(_pictures())
    tuned = _loaded(files, style="dape", tagger=RAM, files=ROLES | {"dape": "additions"}).describe(_pictures())
    by_role = {role: files[name] for role, name in ROLES.items()}
    tagger = make_tagger(TaggerOptions(**RAM), by_role)
    with torch.no_grad():
        expected = [tagger.say(tagger(picture[None])[1])[0] for picture in _pictures()]
    assert [one.tags for one in plain] == expected and any(expected)
    assert [one.tags for one in tuned] != expected, "additions of this size must change what is said"
    assert [one.tags for one in _loaded(by_role, style="tags", tagger=RAM).describe(_pictures())] == expected


def test_a_picture_is_described_alike_alone_and_among_others(files: dict[str, Path]) -> None:
    made = _loaded(files, style="tags", tagger=RAM, files=ROLES)
    assert made.describe(_pictures()) == [made.describe(picture[None])[0] for picture in _pictures()]


def test_what_was_trained_here_is_dape_with_the_recipe_s_tagger(files: dict[str, Path]) -> None:
    given = {"generator": files["additions"], **{role: files[name] for role, name in ROLES.items()}}
    generator = {"network": "tagger", "options": {"tagger": RAM}, "assets": ["tagger"]}
    trained = _loaded(given, style="dape", generator=generator)
    published = _loaded(files, style="dape", tagger=RAM, files=ROLES | {"dape": "additions"})
    assert trained.describe(_pictures()) == published.describe(_pictures())


def test_a_caption_s_nouns_are_its_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    class Two:
        def __init__(self, card: Any, files: Any) -> None:
            pass

        def to(self, device: torch.device) -> Two:
            return self

        def caption(self, pictures: Tensor) -> list[str]:
            return [f"a dog on {'grass' if picture.mean() > 0.5 else 'a roof'}" for picture in pictures]

    monkeypatch.setattr(describe, "Captioner", Two)
    said = _loaded({}, style="caption").describe(torch.stack([torch.ones(3, 4, 4), torch.zeros(3, 4, 4)]))
    assert [(one.tags, one.text) for one in said] == [
        (("dog", "grass"), "a dog on grass"),
        (("dog", "roof"), "a dog on a roof"),
    ]


def test_mistakes_are_said(files: dict[str, Path]) -> None:
    with pytest.raises(CardError, match="style: found 'tag'"):
        SeesrDescriber(style="tag")
    with pytest.raises(CardError, match="unknown key 'limit'"):
        SeesrDescriber(style="tags", limit=1)
    with pytest.raises(MethodError, match="before load"):
        SeesrDescriber(style="tags").describe(_pictures())
    with pytest.raises(WeightsError, match=r"options\.files\.tagger: found 'missing'; the weights have: ram"):
        _loaded(files, style="tags", files={"tagger": "missing"})
    with pytest.raises(WeightsError, match="style 'dape' needs a file for the role 'dape'"):
        _loaded(files, style="dape", tagger=RAM, files=ROLES)
    with pytest.raises(WeightsError, match="style 'tags' needs a file for the role 'tagger'"):
        _loaded({}, style="tags")


def test_every_description_of_the_card_can_be_made(project: Project) -> None:
    card = project.method("seesr")
    for name, entry in card.descriptions.items():
        made = SeesrDescriber(**entry.options)
        ids = set(entry.weights[0].split("+")) if entry.weights else set()
        assert set(made.options.files.values()) == ids, name
        assert all(asset in project.assets for asset in ids), name
    assert {entry.options["style"] for entry in card.descriptions.values()} == {"tags", "dape", "classification", "caption"}


def test_the_lite_reference_is_the_tagger_that_the_tiny_dape_is_tuned_from(project: Project) -> None:
    card = project.method("seesr")
    recipe = project.recipe("seesr", "tiny-dape")
    trained = SeeSrOptions.model_validate(recipe.generator.options).tagger
    reference = SeesrDescriber(**card.descriptions["tiny-tags"].options).options.tagger
    assert reference == trained
    assert recipe.assets["tagger"] == card.descriptions["tiny-tags"].weights
