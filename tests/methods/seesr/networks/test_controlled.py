"""The ControlNet's start as a copy, what is trained, and how strongly it steers."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from semsr.errors import MethodError

RCA = ".image_attentions."


def test_a_controlnet_starts_as_the_unet_and_changes_nothing(seesr, card, given):
    """Its zero convolutions are zero, so that the first prediction is the U-Net's own."""
    unets = seesr("networks.unet")
    torch.manual_seed(4)
    unet, controlnet = unets.make_unet(card).eval(), unets.make_controlnet(card).eval()
    drawn = {name: tensor.clone() for name, tensor in controlnet.state_dict().items()}
    unets.copy_into_controlnet(unet, controlnet)
    theirs = unet.state_dict()
    for name, tensor in controlnet.state_dict().items():
        if name.startswith(("conv_in.", "time_embedding.", "down_blocks.", "mid_block.")):
            assert torch.equal(tensor, theirs[name]), name
        else:
            assert torch.equal(tensor, drawn[name]), name
    zero = {name for name, tensor in controlnet.state_dict().items() if not tensor.any() and name.endswith("weight")}
    ways = {f"controlnet_down_blocks.{at}.weight" for at in range(6)}
    assert zero == ways | {"controlnet_mid_block.weight", "controlnet_cond_embedding.conv_out.weight"}
    assert sum(RCA in name for name in controlnet.state_dict()) == 3 * 26  # two layers of a level, one of the middle
    with torch.no_grad():
        latents, t, text, tokens, image = given()
        together = seesr("networks.controlled").ControlledDiffusion(unet, controlnet)(latents, t, text, tokens, image)
        assert torch.equal(together, unet(latents, t, text, image_tokens=tokens).sample)
        controlnet.down_blocks[0].resnets[0].conv1.weight.zero_()  # a copy, not the same tensors
        assert unet.down_blocks[0].resnets[0].conv1.weight.any()


def test_a_copy_of_another_size_is_refused(seesr, card):
    unets = seesr("networks.unet")
    other = unets.make_controlnet(card.model_copy(update={"text_width": 8}))
    with pytest.raises(MethodError, match="can't start as a copy of the U-Net, down_blocks differs"):
        unets.copy_into_controlnet(unets.make_unet(card), other)
    with pytest.raises(MethodError, match="down_blocks differs"):
        unets.copy_into_controlnet(unets.make_unet(card, False), unets.make_controlnet(card))


def test_what_is_trained(seesr, diffusion):
    """SeeSR's code: all of the ControlNet, and of the U-Net what is called image_attentions."""
    controlled = seesr("networks.controlled")
    controlled.train_only(diffusion, "published")
    for name, parameter in diffusion.named_parameters():
        assert parameter.requires_grad == (name.startswith("controlnet.") or RCA in name), name
    free = [name for name, parameter in diffusion.unet.named_parameters() if parameter.requires_grad]
    assert len(free) == 6 * 26  # two layers down, the middle, three up
    controlled.train_only(diffusion, "all")
    assert all(parameter.requires_grad for parameter in diffusion.parameters())


def test_gradients_reach_what_is_trained_alone(seesr, diffusion, given):
    seesr("networks.controlled").train_only(diffusion, "published")
    diffusion.recompute()
    diffusion.train()(*given()).square().mean().backward()
    for name, parameter in diffusion.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name


def test_without_what_the_controlnet_says_it_is_the_unet(diffusion, given, monkeypatch):
    with torch.no_grad():
        whole = diffusion(*given())
        controlled = diffusion.controlnet.forward
        monkeypatch.setattr(diffusion.controlnet, "forward", partial(controlled, conditioning_scale=0.0))
        latents, t, text, tokens, _ = given()
        assert torch.equal(diffusion(*given()), diffusion.unet(latents, t, text, image_tokens=tokens).sample)
        assert not torch.equal(diffusion(*given()), whole)


def test_one_level_for_all_is_that_level_for_each(diffusion, given):
    latents, _, text, tokens, image = given()
    with torch.no_grad():
        assert torch.equal(
            diffusion(latents, 981, text, tokens, image),
            diffusion(latents, torch.tensor([981, 981]), text, tokens, image),
        )


@pytest.mark.parametrize("way", ["cast", "autocast"])
def test_half_precision_changes_digits_only(diffusion, given, way):
    latents, t, text, tokens, image = given()
    with torch.no_grad():
        expected = diffusion(latents, t, text, tokens, image)
        if way == "cast":
            low = [part.bfloat16() for part in (latents, text, tokens, image)]
            found = diffusion.bfloat16()(low[0], t, *low[1:])
        else:
            with torch.autocast("cpu", torch.bfloat16):
                found = diffusion(latents, t, text, tokens, image)
    assert found.dtype == torch.bfloat16
    assert (found.float() - expected).std() < 0.1 * expected.std()


@pytest.mark.slow
def test_it_can_be_compiled_whole(diffusion, given):
    """One graph each way, since tokens travel as arguments; the compiler itself is left out."""
    with torch.no_grad():
        expected = diffusion(*given())
        compiled = torch.compile(diffusion, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(*given()), expected)


def test_channels_last_changes_digits_only(diffusion, given):
    with torch.no_grad():
        expected = diffusion(*given())
        found = diffusion.to(memory_format=torch.channels_last)(*given())
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
