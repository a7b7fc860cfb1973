"""BLIP of our options against a plain greedy search over the same network; the nouns of a caption by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from semsr.plugins.methods.seesr.captions import (
    DEVIATION,
    MEAN,
    Captioner,
    CaptionerOptions,
    load_blip,
    make_blip,
    nouns,
    read_vocabulary,
)

from semsr.errors import WeightsError

WORDS = ["[PAD]", "[SEP]", "[DEC]", *(f"word{at}" for at in range(20)), "##ing", "##s", "cat"]
TINY: dict[str, Any] = {
    "size": 32,
    "patch": 16,
    "width": 16,
    "layers": 1,
    "heads": 2,
    "feed_forward": 24,
    "text_width": 16,
    "text_layers": 1,
    "text_heads": 2,
    "text_feed_forward": 24,
    "positions": 32,
    "vocabulary": len(WORDS),
    "padding": 0,
    "end": 1,
    "begin": 2,
    "beams": 1,
    "longest": 8,
    "shortest": 1,
}


@pytest.fixture(scope="module")
def card() -> CaptionerOptions:
    return CaptionerOptions(**TINY)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, card: CaptionerOptions) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("blip")
    torch.manual_seed(5)
    network = make_blip(card)
    with torch.no_grad():
        for parameter in network.parameters():  # as drawn, every picture looks alike to it
            if parameter.ndim > 1:
                parameter.normal_(0, 1)
    state = {name: tensor.clone() for name, tensor in network.state_dict().items() if "cls.predictions.decoder" not in name}
    save_file(state, folder / "model.safetensors")
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return {"captioner": folder / "model.safetensors", "vocabulary": folder / "vocab.txt"}


def _pictures(count: int) -> torch.Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def test_a_caption_is_that_of_a_plain_greedy_search(card: CaptionerOptions, files: dict[str, Path]) -> None:
    captioner, pictures = Captioner(card, files), _pictures(3)
    mean, deviation = (torch.tensor(value).view(3, 1, 1) for value in (MEAN, DEVIATION))
    expected = []
    for picture in pictures:
        seen = captioner.network.vision_model(pixel_values=((picture - mean) / deviation)[None])[0]
        tokens = [card.begin]
        while len(tokens) < card.longest and tokens[-1] != card.end:
            logits = captioner.network.text_decoder(
                input_ids=torch.tensor([tokens]),
                attention_mask=torch.ones(1, len(tokens), dtype=torch.long),
                encoder_hidden_states=seen,
                encoder_attention_mask=torch.ones(seen.shape[:2], dtype=torch.long),
            ).logits
            tokens.append(int(logits[0, -1].argmax()))
        expected.append(captioner.text(tokens))
    assert [captioner.caption(picture[None])[0] for picture in pictures] == expected
    assert any(expected) and len(set(expected)) > 1, "random weights that say one thing of everything test nothing"


def test_beams_draw_nothing_at_random(card: CaptionerOptions, files: dict[str, Path]) -> None:
    captioner = Captioner(card.model_copy(update={"beams": 3, "shortest": 4}), files)
    told = captioner.caption(_pictures(2))
    torch.manual_seed(99)
    assert captioner.caption(_pictures(2)) == told


def test_tokens_become_words(card: CaptionerOptions, files: dict[str, Path]) -> None:
    at = WORDS.index
    tokens = [card.begin, at("word3"), at("##ing"), at("cat"), at("##s"), card.end, card.padding, 10_000]
    assert Captioner(card, files).text(tokens) == "word3ing cats"


def test_tied_weights_may_be_left_away_and_others_not(card: CaptionerOptions, files: dict[str, Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file

    state = load_file(files["captioner"])
    loaded = load_blip(make_blip(card), files["captioner"]).state_dict()
    embedding, output = (name for name in loaded if name.endswith(("word_embeddings.weight", "decoder.weight")))
    assert torch.equal(loaded[embedding], loaded[output]) and torch.equal(loaded[embedding], state[embedding])
    first = next(name for name in state if name.endswith("query.weight"))
    for changed, said in (
        ({name: tensor for name, tensor in state.items() if name != first}, f"{first} is missing"),
        (state | {"more": torch.zeros(1)}, "more is too many"),
        (state | {first: torch.zeros(2, 2)}, f"{first} is \\(2, 2\\), not"),
    ):
        save_file(changed, tmp_path / "other.safetensors")
        with pytest.raises(WeightsError, match=said):
            load_blip(make_blip(card), tmp_path / "other.safetensors")
    save_file(state | {"text_decoder.bert.embeddings.position_ids": torch.zeros(1)}, tmp_path / "old.safetensors")
    load_blip(make_blip(card), tmp_path / "old.safetensors")


def test_a_vocabulary_must_fit(card: CaptionerOptions, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("\n".join(["word"] * (card.vocabulary + 1)))
    with pytest.raises(WeightsError, match=f"{card.vocabulary + 1} tokens; must be 1 to {card.vocabulary}"):
        read_vocabulary(tmp_path / "v.txt", card)
    with pytest.raises(WeightsError, match="role 'vocabulary'; found: captioner"):
        Captioner(card, {"captioner": tmp_path / "x"})


@pytest.mark.parametrize(
    ("caption", "things"),
    [
        ("a woman sitting on the beach with a dog", ("woman", "beach", "dog")),
        ("two brown dogs and a very old stone bridge", ("dogs", "bridge")),
        ("a man standing next to a tall building, painting a wall.", ("man", "building", "painting", "wall")),
        ("A Dog and a dog", ("dog",)),
        ("there is", ()),
        ("", ()),
    ],
)
def test_the_things_a_caption_names(caption: str, things: tuple[str, ...]) -> None:
    assert nouns(caption) == things
