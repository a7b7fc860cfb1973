"""U-Net and ControlNet: published names and counts, values and gradients as a plain version gives them, and nothing kept between calls."""

from __future__ import annotations

import copy
import io
import threading
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from semsr.errors import MethodError

RCA = ".image_attentions."


def counts(network: nn.Module) -> tuple[int, int, int, int]:
    """Parameters, keys, and of these the attention to the image's."""
    state = network.state_dict()
    seeing = {name: tensor for name, tensor in state.items() if RCA in name}
    return sum(map(torch.numel, state.values())), len(state), sum(map(torch.numel, seeing.values())), len(seeing)


def test_the_published_sizes_have_the_published_counts(seesr):
    """On the meta device: no memory. Counts of the facts, section 2.3."""
    unet, card = seesr("networks.unet"), seesr("options").DiffusionOptions()
    on_meta = seesr("networks.fitting").on_meta
    whole, control, base = (
        on_meta(lambda: unet.make_unet(card)),
        on_meta(lambda: unet.make_controlnet(card)),
        on_meta(lambda: unet.make_unet(card, False)),
    )
    assert all(parameter.is_meta for network in (whole, control, base) for parameter in network.parameters())
    assert counts(whole) == (1_126_760_324, 1102, 260_849_600, 416)
    assert counts(control) == (489_031_440, 522, 124_803_200, 182)
    assert counts(base) == (865_910_724, 686, 0, 0)
    seeing = {name.partition(RCA)[0] + RCA + name.partition(RCA)[2][:1] for name in whole.state_dict() if RCA in name}
    down = {f"down_blocks.{level}{RCA}{at}" for level in (0, 1, 2) for at in (0, 1)}
    assert seeing == down | {f"mid_block{RCA}0"} | {f"up_blocks.{level}{RCA}{at}" for level in (1, 2, 3) for at in (0, 1, 2)}
    keys = whole.state_dict()
    assert keys["down_blocks.0.image_attentions.1.transformer_blocks.0.attn2.to_k.weight"].shape == (320, 512)
    assert keys["down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_k.weight"].shape == (320, 1024)
    assert set(base.state_dict()) == {name for name in keys if RCA not in name}


def test_both_equal_a_plain_version(diffusion, plain, given):
    """In float64, the zero convolutions drawn."""
    network = diffusion.double()
    latents, t, text, tokens, image = given(torch.float64)
    with torch.no_grad():
        across, middle = network.controlnet(latents, t, text, image, image_tokens=tokens, return_dict=False)
        found = network(latents, t, text, tokens, image)
        alone = network.unet(latents, t, text, image_tokens=tokens).sample
        states = network.unet.state_dict(), network.controlnet.state_dict()
        expected = plain.controlnet(states[1], latents, t, text, tokens, image)
        for ours, theirs in zip((*across, middle), (*expected[0], expected[1]), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(found, plain.unet(states[0], latents, t, text, tokens, expected), rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(alone, plain.unet(states[0], latents, t, text, tokens), rtol=1e-9, atol=1e-9)
    assert (found - alone).abs().mean() > 0.01  # the ControlNet does something


def test_without_attention_to_the_image_it_is_diffusers_own(seesr, card, redraw, plain, given):
    from diffusers import UNet2DConditionModel

    unet = redraw(seesr("networks.unet").make_unet(card, False)).eval()
    latents, t, text, *_ = given()
    stock = UNet2DConditionModel(**{name: value for name, value in unet.config.items() if not name.startswith("_")}).eval()
    stock.load_state_dict(unet.state_dict(), strict=True)
    with torch.no_grad():
        found = unet(latents, t, text).sample
        assert torch.equal(found, stock(latents, t, text).sample)
        torch.testing.assert_close(found, plain.unet(unet.state_dict(), latents, t, text, None), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("changed", ["text", "tokens", "image"])
def test_everything_given_is_looked_at_by_its_own_picture_alone(diffusion, given, changed):
    latents, t, text, tokens, image = given()
    other = {"text": text, "tokens": tokens, "image": image}
    other[changed] = torch.cat([other[changed][:1], other[changed][1:].flip(1, 2) * 0.5])
    with torch.no_grad():
        before, after = diffusion(latents, t, text, tokens, image), diffusion(latents, t, **other)
    assert torch.equal(before[0], after[0])
    assert (before[1] - after[1]).abs().max() > 1e-3


def test_recomputing_gives_the_same_gradients(diffusion, given):
    def gradients() -> tuple[Tensor, dict[str, Tensor]]:
        diffusion.zero_grad()
        noise = diffusion(*given())
        noise.square().sum().backward()
        return noise.detach(), {name: parameter.grad.clone() for name, parameter in diffusion.named_parameters()}

    diffusion.train()
    noise, plainly = gradients()
    diffusion.recompute()
    assert diffusion.unet.is_gradient_checkpointing and diffusion.controlnet.is_gradient_checkpointing
    again, recomputed = gradients()
    assert torch.equal(noise, again)
    assert all(torch.equal(plainly[name], recomputed[name]) for name in plainly)
    assert all(gradient.abs().max() > 0 for name, gradient in plainly.items() if RCA in name and "attn2.to_k" not in name)


def test_a_copy_has_its_own_attention(diffusion, given):
    """A hook in a closure would keep calling the original's."""
    diffusion.recompute()
    file = io.BytesIO()
    torch.save(diffusion, file)
    file.seek(0)
    with torch.no_grad():
        expected = diffusion(*given())
        for twin in (copy.deepcopy(diffusion), torch.load(file, weights_only=False)):
            assert torch.equal(twin(*given()), expected)
            for name, parameter in diffusion.named_parameters():
                if RCA in name:
                    assert parameter.data_ptr() != twin.get_parameter(name).data_ptr()
            for name, parameter in twin.named_parameters():
                if name.endswith("proj_out.weight") and RCA in name:
                    parameter.zero_()
            assert not torch.equal(twin(*given()), expected)
    assert torch.equal(diffusion(*given()).detach(), expected)


def test_threads_do_not_see_each_others_tokens(diffusion, given):
    latents, t, text, tokens, image = given()
    several = [tokens * scale for scale in (0.0, 0.5, 1.0, 2.0)]
    with torch.no_grad():
        expected = [diffusion(latents, t, text, each, image) for each in several]
    wrong: list[int] = []
    start = threading.Barrier(len(several))

    def work(at: int) -> None:
        start.wait()
        with torch.no_grad():
            for _ in range(5):
                if not torch.equal(diffusion(latents, t, text, several[at], image), expected[at]):
                    wrong.append(at)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(len(several))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_error_leaves_nothing_behind(diffusion, given):
    latents, t, text, tokens, image = given()
    with torch.no_grad():
        before = diffusion(latents, t, text, tokens, image)
        with pytest.raises(RuntimeError):
            diffusion(latents, t, text, tokens[:, :, :3], image)
        assert torch.equal(diffusion(latents, t, text, tokens, image), before)


def test_tokens_are_neither_forgotten_nor_ignored(seesr, card, diffusion, given):
    latents, t, text, tokens, image = given()
    with pytest.raises(MethodError, match="UNet attends to image tokens, but none were given"):
        diffusion.unet(latents, t, text)
    with pytest.raises(MethodError, match="ControlNet attends to image tokens, but none were given"):
        diffusion.controlnet(latents, t, text, image)
    with pytest.raises(MethodError, match="does not attend"):
        seesr("networks.unet").make_unet(card, False)(latents, t, text, image_tokens=tokens)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"heads": (2,)}, "diffusion.heads has 1 entries, diffusion.channels 2"),
        ({"attention": (True,)}, "diffusion.attention has 1 entries"),
        (
            {"channels": (16, 36), "groups": 4, "heads": (2, 8)},
            r"diffusion.channels\[1\] is 36; expected a multiple of diffusion.heads, 8",
        ),
        ({"channels": (12, 32)}, r"diffusion.channels\[0\] is 12; expected a multiple of diffusion.groups, 8"),
    ],
)
def test_sizes_that_do_not_go_together_are_named(seesr, card, changes: dict[str, Any], message: str):
    wrong = card.model_copy(update=changes)
    for make in (seesr("networks.unet").make_unet, seesr("networks.unet").make_controlnet):
        with pytest.raises(MethodError, match=message):
            make(wrong)
