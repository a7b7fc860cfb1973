"""SeeSR's restorer at a tiny size: the same bytes whatever is around a picture, the published oddities, and the whole way written out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from semsr.cards import MethodCard
from semsr.errors import SemsrError
from semsr.restoration.contract import check_python, sample
from semsr.restoration.runner import Task
from semsr.restoration.seeding import picture_generator

CPU = torch.device("cpu")
SMALL = {"steps": 3, "smallest": 8}


def picture(height: int, width: int, index: int = 0) -> Tensor:
    return torch.from_numpy(sample(height, width, index)).permute(2, 0, 1)[None].float().div(255)


@pytest.fixture(scope="module")
def make(seesr: Callable[[str], Any], tiny_files: dict[str, Path], tiny_generator: dict[str, Any]) -> Callable[..., Any]:
    """A restorer of the tiny networks, loaded."""

    def made(**options: Any) -> Any:
        restorer = seesr("method").SeeSr(generator=options.pop("generator", tiny_generator), **{**SMALL, **options})
        restorer.files = tiny_files
        restorer.load(None, CPU)
        return restorer

    return made


def restore(restorer: Any, lr: Tensor, *names: str, seed: int = 0) -> Tensor:
    with torch.inference_mode():
        found: Tensor = restorer.restore(lr, names=names, seed=seed)
    return found


def test_alone_in_a_batch_and_in_any_order(make: Callable[..., Any]) -> None:
    """The same numbers in every bit, therefore the same bytes."""
    restorer = make()
    lr = torch.cat([picture(12, 14, index) for index in range(3)])
    together = restore(restorer, lr, "a", "b", "c")
    backward = restore(make(), lr.flip(0), "c", "b", "a")
    assert torch.equal(together, backward.flip(0))
    for index, name in enumerate("abc"):
        assert torch.equal(restore(restorer, lr[index : index + 1], name), together[index : index + 1])
    assert not torch.equal(restore(restorer, lr[:1], "a", seed=1), together[:1])
    assert not torch.equal(restore(restorer, lr[:1], "z"), together[:1])


def test_pictures_that_share_calls_differ_by_rounding_alone(make: Callable[..., Any]) -> None:
    lr = torch.cat([picture(12, 12, index) for index in range(3)])
    alone, together = restore(make(), lr, "a", "b", "c"), restore(make(together=3), lr, "a", "b", "c")
    assert (alone - together).abs().max() < 2e-4


def test_tiled_with_one_tile_is_untiled(make: Callable[..., Any]) -> None:
    lr = picture(12, 12)
    untiled = restore(make(tile=None), lr, "a")
    assert torch.equal(restore(make(tile=12), lr, "a"), untiled)
    tiled = restore(make(tile=8, overlap=4), lr, "a")
    assert not torch.equal(tiled, untiled)
    assert tiled.shape == untiled.shape


def test_windows_of_the_autoencoder_change_nothing(make: Callable[..., Any]) -> None:
    lr = picture(12, 17)
    whole = restore(make(encoder_tile=None, decoder_tile=None), lr, "a")
    assert (restore(make(encoder_tile=24, decoder_tile=6), lr, "a") - whole).abs().max() < 2e-4


@pytest.mark.parametrize(("height", "width"), [(17, 23), (8, 8), (5, 9), (11, 7)])
def test_any_size(make: Callable[..., Any], height: int, width: int) -> None:
    """Also sizes that the networks can't have: odd latents, and sides below the smallest."""
    found = restore(make(), picture(height, width), "a")
    assert found.shape == (1, 3, 4 * height, 4 * width)
    assert found.std() > 0.01


def by_hand(restorer: Any, lr: Tensor, name: str, *, steps: int, guidance: float, mismatch: bool) -> Tensor:
    """The way from LR to SR as the description says it, on the restorer's networks; the scheduler is written out in float64."""
    rgb = (lr[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    large = Image.fromarray(rgb).resize((lr.shape[3] * 4, lr.shape[2] * 4), Image.Resampling.BICUBIC)
    image = torch.from_numpy(np.array(large)).permute(2, 0, 1)[None] / 255
    tokens, logits = restorer.networks.tagger(lr)
    tags = [
        tag for tag, logit in zip(restorer.networks.tagger.tags, logits[0], strict=True) if 1 / (1 + math.exp(-logit)) > 0.5
    ]
    words = restorer.networks.text.encode([", ".join(tags) + ", ,clean, high-resolution, 8k"])
    against = restorer.networks.text.encode(["dotted, noise, blur, lowres, smooth"])
    alphas = np.cumprod(1 - np.linspace(math.sqrt(0.00085), math.sqrt(0.012), 1000) ** 2)
    levels = [1 + (1000 // steps) * at for at in reversed(range(steps))]

    generator = picture_generator(0, name)
    posterior = restorer.networks.autoencoder.encode(2 * image - 1).latent_dist
    noise = torch.randn(posterior.mean.shape, generator=generator)
    z = (posterior.mean + posterior.std * torch.randn(noise.shape, generator=generator)) * 0.18215
    first = alphas[999 if mismatch else levels[0]]
    x = (math.sqrt(first) * z + math.sqrt(1 - first) * noise).double()
    for place, t in enumerate(levels):
        away = restorer.networks.diffusion(x.float(), torch.tensor(t), against, tokens, image)
        toward = restorer.networks.diffusion(x.float(), torch.tensor(t), words, tokens, image)
        e = (away + guidance * (toward - away)).double()
        now, before = alphas[t], alphas[levels[place + 1]] if place + 1 < steps else 1.0
        clean = (x - math.sqrt(1 - now) * e) / math.sqrt(now)
        mean = (math.sqrt(before) * (1 - now / before) * clean + math.sqrt(now / before) * (1 - before) * x) / (1 - now)
        deviation = math.sqrt(max((1 - before) / (1 - now) * (1 - now / before), 1e-20))
        x = mean + deviation * torch.randn(noise.shape, generator=generator)
    sr = (restorer.networks.autoencoder.decode(x.float() / 0.18215).sample / 2 + 0.5).clamp(0, 1).double()
    over, wanted = sr.flatten(2), image.double().flatten(2)
    deviations = [torch.sqrt(one.var(2, correction=1, keepdim=True) + 1e-5) for one in (over, wanted)]
    fixed = (over - over.mean(2, keepdim=True)) / deviations[0] * deviations[1] + wanted.mean(2, keepdim=True)
    return fixed.view_as(sr)


@pytest.mark.parametrize("start", ["published", "matched"])
def test_the_way_written_out(make: Callable[..., Any], start: str) -> None:
    restorer, lr = make(start=start, steps=5), picture(12, 14)
    with torch.inference_mode():
        expected = by_hand(restorer, lr, "a", steps=5, guidance=5.5, mismatch=start == "published")
    assert (restore(restorer, lr, "a").double() - expected).abs().max() < 1e-3
    assert restorer.prompts["a"].endswith(", ,clean, high-resolution, 8k")
    assert restorer.prompts["a"].startswith("thing")


@pytest.mark.parametrize(
    "option",
    [
        {"start": "matched"},
        {"start": "none"},
        {"guidance": 1.0},
        {"guidance": 2.0},
        {"image_tokens": False},
        {"words": "none"},
        {"wording": "word-none"},
        {"user_prompt": "a cat"},
        {"negative": "bad"},
        {"colour": "wavelet"},
        {"colour": "none"},
        {"smallest": 16},
        {"randomness": "published"},
        {"steps": 2},
    ],
    ids=lambda option: "-".join(str(part) for pair in option.items() for part in pair),
)
def test_every_option_counts(make: Callable[..., Any], option: dict[str, Any]) -> None:
    lr = picture(12, 12)
    assert (restore(make(), lr, "a") - restore(make(**option), lr, "a")).abs().max() > 1e-4


def test_prompts_of_the_ablations(make: Callable[..., Any]) -> None:
    neither = make(words="none", image_tokens=False)
    restore(neither, picture(8, 8), "a")
    assert neither.prompts == {"a": "clean, high-resolution, 8k"}
    assert neither.networks.tagger is None


def test_a_class_in_the_place_of_tags(make: Callable[..., Any], tiny_generator: dict[str, Any]) -> None:
    """The describer has networks of its own: here the tagger without DAPE's additions, and its likeliest class."""
    restorer, lr = make(words="classification", describer={"tagger": tiny_generator["options"]["tagger"]}), picture(8, 8)
    restore(restorer, lr, "a")
    with torch.inference_mode():
        (said,) = restorer.networks.describer.describe(lr)
    assert said.text.startswith("thing")
    assert restorer.prompts["a"] == f"{said.text}, ,clean, high-resolution, 8k"


def test_starts_differ_in_the_start_alone(make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without the LR embedding, a picture's later noise is the same."""
    after = []
    for start in ("published", "none"):
        restorer = make(start=start)
        (generator,) = generators = [picture_generator(0, "a")]
        with torch.inference_mode():
            restorer._start(torch.rand(1, 3, 32, 32), generators)
        after.append(torch.randn(4, generator=generator))
    assert torch.equal(*after)


def test_published_randomness_depends_on_the_order(make: Callable[..., Any]) -> None:
    """One generator with torch's default seed for all files, and the global one for the autoencoder's draw."""
    lr = torch.cat([picture(8, 8, index) for index in range(2)])

    def run(lr: Tensor, *names: str) -> Tensor:
        restorer = make(randomness="published")
        torch.manual_seed(0)
        return restore(restorer, lr, *names)

    forward, backward = run(lr, "a", "b"), run(lr.flip(0), "b", "a")
    assert torch.equal(forward, run(lr, "x", "y"))  # names do not count
    assert not torch.allclose(forward, backward.flip(0), atol=1e-3)


def test_published_randomness_has_further_draws(make: Callable[..., Any]) -> None:
    lr = picture(8, 8)

    def run(seed: int) -> Tensor:
        restorer = make(randomness="published")
        torch.manual_seed(0)
        with torch.inference_mode():
            return restorer.restore(lr, names=("a",), seed=seed)

    assert torch.equal(run(1), run(1))
    assert not torch.allclose(run(0), run(1), atol=1e-3)


def test_published_randomness_draws_as_the_published_code(make: Callable[..., Any]) -> None:
    restorer, large = make(randomness="published"), torch.rand(1, 3, 32, 32)
    torch.manual_seed(4)
    with torch.inference_mode():
        found = restorer._start(large, [restorer.shared])
        torch.manual_seed(4)
        posterior = restorer.networks.autoencoder.encode(2 * torch.cat([large, large]) - 1).latent_dist
        z = (posterior.mean + posterior.std * torch.randn(posterior.mean.shape))[:1] * 0.18215
    expected = 0.0682649 * z + 0.9976673 * torch.randn(1, 4, 8, 8, generator=torch.Generator())
    assert (found - expected).abs().max() < 1e-5


def test_texts_are_encoded_once(make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    restorer, asked = make(words="none"), []
    encode = restorer.networks.text.encode
    monkeypatch.setattr(restorer.networks.text, "encode", lambda prompts: asked.extend(prompts) or encode(prompts))
    for name in ("a", "b"):
        restore(restorer, picture(8, 8), name)
    assert sorted(asked) == ["clean, high-resolution, 8k", "dotted, noise, blur, lowres, smooth"]


def test_texts_kept_are_few(make: Callable[..., Any]) -> None:
    restorer = make()
    for at in range(200):
        restorer.texts.embed([f"prompt {at}", "negative"])
    assert len(restorer.texts.kept) == 64
    assert "negative" in restorer.texts.kept
    assert len(restorer.texts.embed([str(at) for at in range(100)])) == 100


def test_turbo(seesr: Callable[[str], Any], make: Callable[..., Any], tiny_generator: dict[str, Any]) -> None:
    """Two steps at 999 and 499, without guidance."""
    options = {**tiny_generator["options"], "scheduler": {"spacing": "trailing"}}
    restorer = make(generator={**tiny_generator, "options": options}, steps=2, guidance=1, overlap=32)
    assert restorer.scheduler.timesteps.tolist() == [999, 499]
    assert restore(restorer, picture(8, 8), "a").isfinite().all()


@pytest.mark.parametrize("option", [{"channels_last": True}, {"offload": True}])
def test_what_only_moves_numbers_about(make: Callable[..., Any], option: dict[str, Any]) -> None:
    lr = picture(12, 12)
    difference = (restore(make(), lr, "a") - restore(make(**option), lr, "a")).abs()
    assert difference.max() <= (0 if "offload" in option else 1e-4)


def test_less_precision(make: Callable[..., Any]) -> None:
    """Nearer to the reference than without guidance, tokens, tags or the published start."""
    lr = picture(12, 12)
    reference = restore(make(), lr, "a")

    def mean(**option: Any) -> float:
        return float((restore(make(**option), lr, "a") - reference).abs().mean())

    others = min(mean(guidance=1.0), mean(start="matched"), mean(image_tokens=False), mean(words="none"))
    assert mean(precision="bf16") < min(4e-3, others)
    assert mean(precision="fp16") < min(1e-3, others)


@pytest.mark.slow
def test_compiled(make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The networks can be captured; machine code, which takes minutes to make, is left out."""
    whole = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", lambda network: whole(network, backend="eager"))
    lr = picture(12, 12)
    assert (restore(make(), lr, "a") - restore(make(compile=True), lr, "a")).abs().max() < 1e-4


def test_roles_of_published_weights(
    seesr: Callable[[str], Any], make: Callable[..., Any], tiny_files: dict[str, Path], tiny_generator: dict[str, Any]
) -> None:
    """Weights come by their assets' names, and the variant says which is which."""
    restorer = seesr("method").SeeSr(generator=tiny_generator, files={role: f"asset-{role}" for role in tiny_files}, **SMALL)
    restorer.files = {f"asset-{role}": path for role, path in tiny_files.items()}
    restorer.load(None, CPU)
    assert torch.equal(restore(restorer, picture(8, 8), "a"), restore(make(), picture(8, 8), "a"))


def test_what_is_missing_is_named(
    seesr: Callable[[str], Any], tiny_files: dict[str, Path], tiny_generator: dict[str, Any]
) -> None:
    kind = seesr("method").SeeSr
    with pytest.raises(SemsrError, match=r"options: .*stepz"):
        kind(stepz=3)
    with pytest.raises(SemsrError, match=r"generator.network: found 'rrdb'"):
        kind(generator={"network": "rrdb"})
    other = {**tiny_generator["options"], "text": {"kind": "hashed", "width": 32}}
    with pytest.raises(SemsrError, match=r"diffusion\.text_width"):
        kind(generator={**tiny_generator, "options": other})
    for role in ("autoencoder", "tagger", "dape"):
        restorer = kind(generator=tiny_generator)
        restorer.files = {name: path for name, path in tiny_files.items() if name != role}
        with pytest.raises(SemsrError, match=f"role '{role}'"):
            restorer.load(None, CPU)
    restorer = kind(generator=tiny_generator, files={"autoencoder": "nowhere"})
    restorer.files = tiny_files
    with pytest.raises(SemsrError, match="'nowhere', which is not among the weights"):
        restorer.load(None, CPU)


def test_contract(
    seesr: Callable[[str], Any], tiny_files: dict[str, Path], tiny_generator: dict[str, Any], tmp_path: Path
) -> None:
    """What `semsr check` asks of every method."""
    card = MethodCard.model_validate(
        {
            "id": "seesr",
            "title": "SeeSR",
            "licence": "Apache-2.0",
            "scale": 4,
            "runner": "python",
            "entry": "method:SeeSr",
            "variants": {"default": {"label": "SeeSR", "options": SMALL}},
        }
    )
    task = Task(card, "default", tmp_path, {}, 4, tmp_path, tmp_path, weights=tiny_files, make=seesr("method").SeeSr, threads=1)
    findings = list(check_python(replace(task, generator=tiny_generator)))
    assert [finding for finding in findings if finding.passed is False] == []
    assert len(findings) > 5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu(
    make: Callable[..., Any], seesr: Callable[[str], Any], tiny_files: dict[str, Path], tiny_generator: dict[str, Any]
) -> None:
    """The noise is the CPU's, so that the pictures are nearly the same."""
    lr = torch.cat([picture(12, 12, index) for index in range(2)])
    expected = restore(make(), lr, "a", "b")
    for options in ({}, {"offload": True}, {"precision": "fp16"}):
        restorer = seesr("method").SeeSr(generator=tiny_generator, **SMALL, **options)
        restorer.files = tiny_files
        restorer.load(None, torch.device("cuda"))
        found = restore(restorer, lr.cuda(), "a", "b").cpu()
        assert (found - expected).abs().mean() < (1e-3 if "precision" in options else 1e-4)
