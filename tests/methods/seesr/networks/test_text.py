"""Text encoders: hidden states as plain versions give them, numbers of tokens, published names, files that do not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor

from semsr.assets.store import Store
from semsr.errors import AssetError, MethodError, WeightsError

State = dict[str, Tensor]
BYTES = [chr(code) for code in range(33, 127)]  # printable ASCII stands for itself in CLIP's vocabulary
PIECES = [*BYTES, *(f"{byte}</w>" for byte in BYTES), "do", "dog</w>", "ca", "cat</w>", "<|startoftext|>", "<|endoftext|>"]
MERGES = ["#version: 0.2", "d o", "do g</w>", "c a", "ca t</w>"]
START, END = PIECES.index("<|startoftext|>"), PIECES.index("<|endoftext|>")


def number(*pieces: str) -> list[int]:
    return [PIECES.index(piece) for piece in pieces]


def linear(state: State, name: str, x: Tensor) -> Tensor:
    return x @ state[name + ".weight"].mT + state[name + ".bias"]


def norm(state: State, name: str, x: Tensor, eps: float) -> Tensor:
    spread, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
    return (x - mean) / (spread + eps).sqrt() * state[name + ".weight"] + state[name + ".bias"]


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int, *, causal: bool) -> Tensor:
    """(L, D) each."""
    q, k, v = (part.unflatten(-1, (heads, -1)).transpose(0, 1) for part in (q, k, v))
    scores = q @ k.mT / q.shape[-1] ** 0.5
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1).bool(), -torch.inf)
    return (scores.softmax(-1) @ v).transpose(0, 1).flatten(1)


# Stable Diffusion 2's.


@pytest.fixture
def clip_card(seesr: Any) -> Any:
    return seesr("options").TextOptions(width=16, layers=3, heads=4, feed_forward=40, vocabulary=len(PIECES), length=9)


@pytest.fixture
def clip_files(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "vocab.json").write_text(json.dumps({piece: at for at, piece in enumerate(PIECES)}))
    (tmp_path / "merges.txt").write_text("\n".join(MERGES) + "\n")
    return {"vocabulary": tmp_path / "vocab.json", "merges": tmp_path / "merges.txt"}


def plain_clip(state: State, ids: list[int], heads: int, layers: int) -> Tensor:
    x = state["embeddings.token_embedding.weight"][ids] + state["embeddings.position_embedding.weight"]
    for at in range(layers):
        name = f"encoder.layers.{at}."
        y = norm(state, name + "layer_norm1", x, 1e-5)
        q, k, v = (linear(state, f"{name}self_attn.{part}_proj", y) for part in "qkv")
        x = x + linear(state, name + "self_attn.out_proj", attend(q, k, v, heads, causal=True))
        y = F.gelu(linear(state, name + "mlp.fc1", norm(state, name + "layer_norm2", x, 1e-5)))
        x = x + linear(state, name + "mlp.fc2", y)
    return norm(state, "final_layer_norm", x, 1e-5)


def test_clip_equals_a_plain_version(seesr, clip_card, clip_files, redraw):
    encoder = seesr("networks.text").make_text_encoder(clip_card, clip_files)
    redraw(encoder).double()
    prompts = ["dog, cat,", "", "dog " * 20]
    found = encoder.encode(prompts)
    assert found.shape == (3, 9, 16) and not found.requires_grad
    for prompt, ours in zip(prompts, found, strict=True):
        expected = plain_clip(encoder.model.state_dict(), encoder.tokens(prompt), 4, 3)
        torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(encoder.encode([prompt])[0], ours, rtol=1e-12, atol=1e-12)


def test_clip_counts_tokens_as_stable_diffusion(seesr, clip_card, clip_files):
    """Start, lower-case pieces, end, then "!" (number 0); what is too long loses its tail, not its end."""
    tokens = seesr("networks.text").make_text_encoder(clip_card, clip_files).tokens
    assert tokens("Dog,  CAT") == [START, *number("dog</w>", ",</w>", "cat</w>"), END, 0, 0, 0, 0]
    assert tokens("") == [START, END, 0, 0, 0, 0, 0, 0, 0]
    assert tokens(" ,") == [START, *number(",</w>"), END, 0, 0, 0, 0, 0, 0]
    assert tokens("dogs") == [START, *number("do", "g", "s</w>"), END, 0, 0, 0, 0]
    assert tokens("8k") == [START, *number("8</w>", "k</w>"), END, 0, 0, 0, 0, 0]
    assert tokens("cat " * 20) == [START, *number(*["cat</w>"] * 7), END]
    assert tokens("dog!") == [START, *number("dog</w>", "!</w>"), END, 0, 0, 0, 0, 0]  # a "!" is no padding
    other = clip_card.model_copy(update={"padding": END})
    assert seesr("networks.text").make_text_encoder(other, clip_files).tokens("") == [START, *[END] * 8]


def test_clip_reads_one_file_as_well_as_two(seesr, clip_card, clip_files, tmp_path):
    two = seesr("networks.text").make_text_encoder(clip_card, clip_files).tokens
    two.tokenizer.backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    one = seesr("networks.text").make_text_encoder(clip_card, {"tokenizer": tmp_path / "tokenizer.json"}).tokens
    for prompt in ("Dog,  CAT", "", "cat " * 20, "dogs 8k!"):
        assert one(prompt) == two(prompt)


@pytest.mark.parametrize("older", [False, True])
def test_clip_has_the_published_names(seesr, clip_card, clip_files, redraw, tmp_path, older):
    """`text_model.*`, which transformers 5 no longer says; older files also hold their positions."""
    make = seesr("networks.text").make_text_encoder
    drawn = redraw(make(clip_card, clip_files))
    state = {f"text_model.{name}": tensor for name, tensor in drawn.model.state_dict().items()}
    assert "text_model.encoder.layers.2.self_attn.q_proj.weight" in state and "text_model.final_layer_norm.bias" in state
    if older:
        state["text_model.embeddings.position_ids"] = torch.arange(9)[None]
    save_file(state, tmp_path / "text.safetensors")
    loaded = make(clip_card, {**clip_files, "text-encoder": tmp_path / "text.safetensors"})
    assert torch.equal(loaded.encode(["dog, cat"]), drawn.encode(["dog, cat"]))
    assert not loaded.training and not any(parameter.requires_grad for parameter in loaded.parameters())
    assert not any(tensor.is_meta for tensor in (*loaded.parameters(), *loaded.buffers()))


def test_clip_has_the_published_size(seesr):
    """340,387,840: the transformer of OpenCLIP ViT-H without its last layer, computed from the sizes."""
    fitting, clip = seesr("networks.fitting"), seesr("networks.text.clip")
    model = fitting.on_meta(lambda: clip._make(seesr("options").TextOptions()))
    layer = 4 * (1024 * 1024 + 1024) + 2 * 1024 * 4096 + 4096 + 1024 + 4 * 1024
    assert sum(parameter.numel() for parameter in model.parameters()) == (49408 + 77) * 1024 + 23 * layer + 2 * 1024


def test_clip_files_that_do_not_fit(seesr, clip_card, clip_files, tmp_path):
    make = seesr("networks.text").make_text_encoder
    state = {f"text_model.{name}": tensor for name, tensor in make(clip_card, clip_files).model.state_dict().items()}

    def load(**files: Path) -> None:
        make(clip_card, {**clip_files, **{role.replace("_", "-"): path for role, path in files.items()}})

    path = tmp_path / "text.safetensors"
    save_file({name.removeprefix("text_model."): tensor for name, tensor in state.items()}, path)
    with pytest.raises(WeightsError, match=r"begins with 'text_model\.'"):
        load(text_encoder=path)
    save_file({name: tensor for name, tensor in state.items() if ".layers.2." not in name}, path)
    with pytest.raises(WeightsError, match=r"lacks 'encoder\.layers\.2\."):
        load(text_encoder=path)
    (tmp_path / "cut.json").write_text('{"a": 1')
    with pytest.raises(WeightsError, match=r"cut\.json: not the tokenizer of a CLIP"):
        load(vocabulary=tmp_path / "cut.json")
    (tmp_path / "other.json").write_text(json.dumps({"a": 0, "b": 1, "ab": 2, "!": 3}))
    with pytest.raises(WeightsError, match=r"other\.json: "):
        load(vocabulary=tmp_path / "other.json")
    (tmp_path / "merges.txt").write_text("#version: 0.2\nx\n")
    with pytest.raises(WeightsError, match="not the tokenizer of a CLIP"):
        load()
    with pytest.raises(WeightsError, match="no file for the role 'vocabulary'; found"):
        make(clip_card, {})
    with pytest.raises(WeightsError, match="no file for the role 'merges'"):
        make(clip_card, {"vocabulary": clip_files["vocabulary"]})


def test_clip_refuses_a_vocabulary_larger_than_its_own(seesr, clip_card, clip_files):
    small = clip_card.model_copy(update={"vocabulary": 50})
    with pytest.raises(WeightsError, match=rf"has {len(PIECES)} tokens, the text encoder 50 \(text\.vocabulary\)"):
        seesr("networks.text").make_text_encoder(small, clip_files)


# The one in its place.

MINILM = {"text-encoder": "minilm-weights", "tokenizer": "minilm-tokenizer"}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "dog", "cat", "##s", ",", "a"]


@pytest.fixture
def minilm(seesr: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, redraw: Any) -> Any:
    """The module at tiny sizes, and its files."""
    module = seesr("networks.text.minilm")
    sizes = {"WIDTH": 16, "LAYERS": 2, "HEADS": 4, "FEED_FORWARD": 24, "VOCABULARY": len(WORDS), "PLACES": 12}
    for name, value in sizes.items():
        monkeypatch.setattr(module, name, value)
    tokenizer = Tokenizer(models.WordPiece({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_padding(length=12)  # as the published file asks for; a prompt is not padded before it is encoded
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    config = module.BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24
    )
    config.max_position_embeddings = 12
    model = redraw(module.BertModel(config))
    save_file({**model.state_dict(), "embeddings.position_ids": torch.arange(12)[None]}, tmp_path / "model.safetensors")
    return module, {"text-encoder": tmp_path / "model.safetensors", "tokenizer": tmp_path / "tokenizer.json"}


def plain_bert(state: State, ids: list[int]) -> Tensor:
    name = "embeddings."
    x = state[name + "word_embeddings.weight"][ids] + state[name + "position_embeddings.weight"][: len(ids)]
    x = norm(state, name + "LayerNorm", x + state[name + "token_type_embeddings.weight"][0], 1e-12)
    for at in range(2):
        name = f"encoder.layer.{at}."
        q, k, v = (linear(state, f"{name}attention.self.{part}", x) for part in ("query", "key", "value"))
        y = linear(state, name + "attention.output.dense", attend(q, k, v, 4, causal=False))
        x = norm(state, name + "attention.output.LayerNorm", x + y, 1e-12)
        y = linear(state, name + "output.dense", F.gelu(linear(state, name + "intermediate.dense", x)))
        x = norm(state, name + "output.LayerNorm", x + y, 1e-12)
    return x


@pytest.mark.parametrize(
    "prompt, ids", [("Dogs, a cat", [2, 4, 6, 7, 8, 5, 3]), ("", [2, 3]), ("zebra", [2, 1, 3]), ("cat " * 20, [2, *[5] * 8, 3])]
)
def test_minilm_equals_a_plain_version(seesr, minilm, prompt, ids):
    """Token by token, zeros behind them; alone and beside others."""
    card = seesr("options").TextOptions(kind="minilm", width=16, length=10)
    encoder = seesr("networks.text").make_text_encoder(card, minilm[1])
    assert not encoder.training and not any(parameter.requires_grad for parameter in encoder.parameters())
    encoder.double()
    found = encoder.encode([prompt])
    assert found.shape == (1, 10, 16)
    torch.testing.assert_close(found[0, : len(ids)], plain_bert(encoder.model.state_dict(), ids), rtol=1e-9, atol=1e-9)
    assert not found[0, len(ids) :].any()
    others = ["a dog, a dog", prompt, "", prompt]
    beside = encoder.encode(others)
    for other, state in zip(others, beside, strict=True):
        torch.testing.assert_close(state, encoder.encode([other])[0], rtol=1e-12, atol=1e-12)
    assert torch.equal(beside[1], beside[3])


def test_minilm_files_that_do_not_fit(seesr, minilm, tmp_path):
    module, files = minilm
    make, options = seesr("networks.text").make_text_encoder, seesr("options").TextOptions
    card = options(kind="minilm", width=16, length=10)
    with pytest.raises(MethodError, match=r"text\.width is 1024 and text\.length 10; all-MiniLM-L6-v2 has 16 and at most 12"):
        make(options(kind="minilm", length=10), files)
    with pytest.raises(MethodError, match="at most 12"):
        make(options(kind="minilm", width=16, length=13), files)
    for missing in files:
        with pytest.raises(WeightsError, match=f"no file for the role '{missing}'"):
            make(card, {role: path for role, path in files.items() if role != missing})
    (tmp_path / "cut.json").write_text("{")
    with pytest.raises(WeightsError, match=r"cut\.json: not a tokenizer\.json"):
        make(card, {**files, "tokenizer": tmp_path / "cut.json"})
    state = module.read(files["text-encoder"])
    del state["encoder.layer.1.output.dense.bias"]
    save_file(state, tmp_path / "part.safetensors")
    with pytest.raises(
        WeightsError, match=r"not all-MiniLM-L6-v2 of these sizes: lacks 'encoder\.layer\.1\.output\.dense\.bias'; compare"
    ):
        make(card, {**files, "text-encoder": tmp_path / "part.safetensors"})


# Hashed words.


def test_hashed_words_are_the_same_everywhere(seesr):
    """The numbers are part of a tiny model's weights: they may not move."""
    encoder = seesr("networks.text").make_text_encoder(seesr("options").TextOptions(kind="hashed", width=32, length=6), {})
    found = encoder.encode(["Dog, dog", "", "a b c d e f g h"])
    assert found.shape == (3, 6, 32)
    assert torch.equal(found[0, 1], found[0, 3]) and not torch.equal(found[0, 1], found[0, 2])
    assert torch.equal(found[0, 0], found[1, 0]) and found[1, 0].any()
    assert not found[0, 4:].any() and not found[1, 1:].any()
    assert len({tuple(place.tolist()) for place in found[2]}) == 6
    assert torch.equal(encoder.encode(["dog"])[0, :2], found[0, :2])
    assert encoder.double().encode(["dog"]).dtype == torch.float64
    word_vector = seesr("networks.text.hashed").word_vector
    assert word_vector("dog", 10_000).std() == pytest.approx(1, abs=0.03)
    assert word_vector("dog", 3).tolist() == pytest.approx([-0.545896, 1.259403, 0.835020], abs=1e-6)


@pytest.mark.slow
def test_minilm_knows_what_is_alike(seesr, project):
    """Cosines of mean vectors with the real weights (measured with transformers' own loader; facts on assets, section 5)."""
    try:
        files = {role: Store().get(project.asset(asset)) for role, asset in MINILM.items()}
    except AssetError as error:
        pytest.skip(f"no weights: {error}")
    card = seesr("options").TextOptions(kind="minilm", width=384, length=16)
    encoder = seesr("networks.text").make_text_encoder(card, files)
    assert sum(parameter.numel() for parameter in encoder.model.parameters()) == 22_713_216
    said = ["a photo of a dog", "a puppy on the grass", "a castle with towers", "bee on a flower"]
    means = torch.stack([F.normalize(found[found.any(1)].mean(0), dim=0) for found in encoder.encode(said)])
    dog, puppy, castle, bee = means
    found = [
        float(one @ other)
        for one, other in ((dog, puppy), (dog, castle), (dog, bee), (puppy, castle), (puppy, bee), (castle, bee))
    ]
    assert found == pytest.approx([0.536, 0.095, 0.203, -0.012, 0.283, 0.075], abs=1e-3)
    longer = seesr("networks.text").make_text_encoder(card.model_copy(update={"length": 40}), files)
    assert torch.equal(longer.encode(said)[:, :16], encoder.encode(said))
