"""Each objective against a plain transcription in float64, its draws made again in the order that is said."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEVELS = 1000


class Calls:
    """Stands for the network: keeps what it was called with, answers with a constant share of the first tensor."""

    def __init__(self) -> None:
        self.inputs: tuple[Any, ...] = ()

    def __call__(self, *inputs: Any) -> Tensor:
        self.inputs = inputs
        return 0.25 * inputs[0]


class Said(nn.Module):
    """Stands for the text encoder: a prompt's length and number of commas."""

    def encode(self, prompts: Any) -> Tensor:
        self.prompts = list(prompts)
        return torch.tensor([[[len(prompt), prompt.count(",")]] for prompt in prompts], dtype=torch.float64)


def kept() -> Tensor:
    """Stable Diffusion's share of the signal at each level: betas linear in their roots from 0.00085 to 0.012."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, LEVELS, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0)


def in_double(objective: nn.Module) -> Any:
    """In double precision, and what stands for words."""
    objective.double()
    objective.words.text = Said()
    return objective


def noised(objective: Any, hr: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Latents of the pictures with noise, levels and noise, by their formulas."""
    autoencoder = objective.latents.autoencoder
    moments = autoencoder.quant_conv(autoencoder.encoder(2 * hr - 1))
    mean, logvar = moments[:, :4], moments[:, 4:].clamp(-30, 20)
    z = 0.18215 * (mean + (logvar / 2).exp() * torch.randn(mean.shape, dtype=torch.float64))
    noise = torch.randn(z.shape, dtype=torch.float64)
    t = torch.randint(0, LEVELS, (len(z),))
    share = kept()[t][:, None, None, None]
    return share**0.5 * z + (1 - share) ** 0.5 * noise, t, noise


def test_text_to_image(make_parts: Any, tiny: ModuleType) -> None:
    objective, network = in_double(make_parts("diffusion", objective={"null_text": 0.5}).objective()), Calls()
    part = tiny.batch(8, torch.float64)
    torch.manual_seed(3)
    (ours,) = objective(network, part).values()
    torch.manual_seed(3)
    with torch.no_grad():
        noisy, t, noise = noised(objective, part["hr"])
    nulls = torch.rand(8) < 0.5
    assert 0 < int(nulls.sum()) < 8
    # The scheduler's own numbers are float32.
    assert (network.inputs[0] - noisy).abs().max() < 1e-5 and torch.equal(network.inputs[1], t)
    assert float(ours) == pytest.approx(float(((0.25 * noisy - noise) ** 2).mean()), rel=1e-5)
    assert [prompt == "" for prompt in objective.words.text.prompts] == nulls.tolist()


def test_stage_two(make_parts: Any, tiny: ModuleType, seesr: Any, files: Any) -> None:
    """Words are the original tagger's of the ground truth, tokens are DAPE's of the enlarged LR, and only the words are left away."""
    parts = make_parts("controlled-diffusion", objective={"null_text": 0.5})
    objective, network, part = in_double(parts.objective()), Calls(), tiny.batch(8, torch.float64)
    torch.manual_seed(7)
    (ours,) = objective(network, part).values()
    torch.manual_seed(7)
    noisy, t, text, tokens, image = network.inputs
    with torch.no_grad():
        expected, levels, noise = noised(objective, part["hr"])
        nulls = torch.rand(8) < 0.5
        tagger = seesr("tagger").make_tagger(parts.card.tagger, files).double()
        dape = seesr("tagger").make_dape(parts.card.tagger, files).double()
        enlarged = (F.interpolate(part["lr"], scale_factor=4, mode="bicubic") * 255).round().clamp(0, 255) / 255
        seen = F.interpolate(enlarged, size=(24, 24), mode="bicubic").clamp(0, 1)
        probable = tagger(part["hr"])[1].sigmoid() > tagger.thresholds
        assert (dape(seen)[0] - tagger(seen)[0]).abs().max() > 1e-3  # else the test would not see which of them was asked
        assert torch.allclose(tokens, dape(seen)[0], atol=1e-12)
    prompts = [", ".join(f"thing{at}" for at in row.nonzero().flatten().tolist()) + "," for row in probable]
    prompts = ["" if null else prompt for prompt, null in zip(prompts, nulls, strict=True)]
    assert 0 < int(nulls.sum()) < 8 and objective.words.text.prompts == prompts
    assert text[:, 0, 0].tolist() == [len(prompt) for prompt in prompts]
    assert torch.equal(image, enlarged) and torch.equal(t, levels) and (noisy - expected).abs().max() < 1e-5
    assert float(ours) == pytest.approx(float(((0.25 * expected - noise) ** 2).mean()), rel=1e-5)


def test_autoencoder(make_parts: Any, tiny: ModuleType) -> None:
    for pixel, power in (("l1", 1), ("l2", 2)):
        parts = make_parts("autoencoder", objective={"pixel": pixel, "kl": 0.3})
        torch.manual_seed(1)
        network = parts.generator().double()
        part = tiny.batch(dtype=torch.float64)
        torch.manual_seed(2)
        ours = parts.objective()(network, part)
        torch.manual_seed(2)
        inner, pictures = network.autoencoder, 2 * part["hr"] - 1
        mean, logvar = inner.quant_conv(inner.encoder(pictures)).chunk(2, 1)
        latents = mean + (logvar / 2).exp() * torch.randn(mean.shape, dtype=torch.float64)
        made = inner.decoder(inner.post_quant_conv(latents))
        assert float(ours["pixel"].detach()) == pytest.approx(
            float(((made - pictures).abs() ** power).mean().detach()), rel=1e-10
        )
        variance = logvar.exp()
        divergence = 0.5 * (variance + mean**2 - 1 - variance.log()).mean()
        assert float(ours["kl"].detach()) == pytest.approx(0.3 * float(divergence.detach()), rel=1e-10)


def test_how_an_autoencoder_begins(make_parts: Any, tiny: ModuleType) -> None:
    """Passing on, it resembles what it is given before its first step, and its posteriors are as narrow as asked."""
    likeness = {}
    for begin in ("drawn", "passing"):
        torch.manual_seed(0)
        network = make_parts("autoencoder", objective={"log_variance": -6.0, "begin": begin}).generator()
        bias = network.autoencoder.quant_conv.bias
        assert bias[4:].tolist() == [-6.0] * 4 and bias[:4].abs().max() < 1
        pictures = 2 * tiny.batch(8)["hr"] - 1
        with torch.no_grad():
            made, _, logvar = network(pictures, torch.zeros(8, 4, 8, 8))
        assert (logvar + 6).abs().max() < 3
        likeness[begin] = float(torch.corrcoef(torch.stack([made[:, 0].flatten(), pictures[:, 0].flatten()]))[0, 1])
    assert abs(likeness["drawn"]) < 0.15 and likeness["passing"] > 0.3


def test_a_unet_that_passes_on_noise(make_parts: Any) -> None:
    """Before its first step it answers with its input, nearly."""
    likeness = {}
    for begin in ("drawn", "passing"):
        torch.manual_seed(0)
        network = make_parts("diffusion", objective={"begin": begin}).generator()
        noisy = torch.randn(2, 4, 8, 8)
        with torch.no_grad():
            found = network(noisy, torch.tensor([900, 100]), torch.randn(2, 5, 16))
        likeness[begin] = float(((found - noisy) ** 2).mean())
    assert likeness["drawn"] > 0.8 and likeness["passing"] < 0.4


def test_a_controlnet_that_passes_on_colours(make_parts: Any) -> None:
    """As published, the picture counts for nothing before the first step; passing on, its brightness is in the U-Net's first skip."""
    torch.manual_seed(0)
    latents, text, tokens = torch.randn(1, 4, 8, 8), torch.randn(1, 5, 16), torch.randn(1, 5, 16)
    image = torch.linspace(0, 1, 32).expand(1, 3, 32, 32)
    for begin in ("drawn", "passing"):
        torch.manual_seed(1)
        controlnet = make_parts("controlled-diffusion", objective={"begin": begin}).generator().controlnet
        with torch.no_grad():
            first, dark = (
                controlnet(latents, torch.tensor([500]), text, shown, image_tokens=tokens, return_dict=False)[0][0]
                for shown in (image, torch.zeros_like(image))
            )
        if begin == "drawn":
            assert not first.any()
            continue
        seen, shown = (first - dark)[0, 8:11].mean(0).flatten(), image[0, 0, 2::4, 2::4].flatten()
        assert float(torch.corrcoef(torch.stack([seen, shown]))[0, 1]) > 0.7


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_how_often_there_are_no_words(seesr: Any, share: float) -> None:
    words = seesr("training.words").Words(Said(), None, share)
    torch.manual_seed(0)
    count = 4000
    prompts = words.prompts({"hr": torch.zeros(count, 3, 1, 1), "tags": ["dog, grass"] * count})
    missing = prompts.count("")
    assert set(prompts) <= {"", "dog, grass,"}
    # Four standard deviations.
    assert abs(missing - share * count) <= 4 * (count * share * (1 - share)) ** 0.5


def test_tags_from_files(make_parts: Any, tiny: ModuleType) -> None:
    for network in ("diffusion", "controlled-diffusion"):
        objective = make_parts(network, objective={"words": "files", "null_text": 0.0}).objective()
        assert objective.wants[-1] == "tags" and objective.words.tagger is None
        objective.words.text = Said()
        assert objective.words.prompts(tiny.batch())[:2] == ["thing0, thing1,", "thing1, thing2,"]


def test_the_tagger_sees_only_what_words_are_wanted_of(seesr: Any) -> None:
    asked = []

    class Tagger(nn.Module):
        def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
            asked.append(len(pictures))
            return pictures, pictures

        def say(self, logits: Tensor) -> list[tuple[str, ...]]:
            return [(f"{float(each.mean()):.0f}",) for each in logits]

    words = seesr("training.words").Words(Said(), Tagger(), 0.5)
    torch.manual_seed(0)
    part = {"hr": torch.arange(10.0).view(10, 1, 1, 1).expand(10, 3, 2, 2)}
    prompts = words.prompts(part)
    assert asked == [10 - prompts.count("")]
    assert all(prompt in ("", f"{at},") for at, prompt in enumerate(prompts))
