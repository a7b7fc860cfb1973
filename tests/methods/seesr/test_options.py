"""What SeeSR's options may not say: each is one line that names the key, before any network is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from semsr.cards import parse_card
from semsr.errors import CardError, SemsrError

INF = float("inf")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"autoencoder": {"channels": []}}, "autoencoder.channels: found "),
        ({"diffusion": {"channels": []}}, "diffusion.channels: found "),
        ({"diffusion": {"heads": []}}, "diffusion.heads: found "),
        ({"diffusion": {"attention": []}}, "diffusion.attention: found "),
        ({"diffusion": {"condition": []}}, "diffusion.condition: found "),
        ({"tagger": {"swin": {"depths": []}}}, "tagger.swin.depths: found "),
        ({"tagger": {"swin": {"heads": []}}}, "tagger.swin.heads: found "),
        ({"scheduler": {"first": 0.02, "last": 0.02}}, "first: found 0.02; must be below last, 0.02"),
        ({"scheduler": {"last": 1.0}}, "scheduler.last: found 1.0; input should be less than 1"),
        ({"scheduler": {"first": 0.0}}, "scheduler.first: found 0.0; input should be greater than 0"),
        ({"scheduler": {"levels": 10, "offset": 10}}, "offset: found 10; must be below levels, 10"),
        ({"autoencoder": {"scaling": INF}}, "autoencoder.scaling: found inf; input should be a finite number"),
        ({"tagger": {"lora": {"alpha": INF}}}, "tagger.lora.alpha: found inf"),
    ],
)
def test_sizes_that_can_not_be(seesr: Callable[[str], Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(CardError) as error:
        parse_card(seesr("options").SeeSrOptions, options, "generator.options")
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "scheduler", "message"),
    [
        (
            {"steps": 1001},
            {},
            "options: steps: found 1001; 999 fit generator.options.scheduler (levels 1000, spacing 'leading', offset 1)",
        ),
        ({"steps": 1001}, {"spacing": "trailing"}, "steps: found 1001; 1000 fit"),
        # Leading steps are shifted by the offset: 999 + 1 would be the level after the last one.
        ({"steps": 1000}, {}, "steps: found 1000; 999 fit"),
        ({"steps": 500}, {"offset": 5}, "steps: found 500; 498 fit"),
        ({"overlap": 96}, {}, "overlap: found 96; must be below tile, 96"),
        ({"tile": 4}, {}, "overlap: found 4; must be below tile, 4"),
        ({"guidance": INF}, {}, "guidance: found inf; input should be a finite number"),
    ],
)
def test_sampling_that_can_not_be(
    seesr: Callable[[str], Any], options: dict[str, Any], scheduler: dict[str, Any], message: str
) -> None:
    with pytest.raises(SemsrError) as error:
        seesr("method").SeeSr({"network": "controlled-diffusion", "options": {"scheduler": scheduler}}, **options)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
@pytest.mark.parametrize("steps", [2, 50, 499, 999])
def test_the_highest_level_is_the_scheduler_s(seesr: Callable[[str], Any], spacing: str, steps: int) -> None:
    card = seesr("options").SchedulerOptions(spacing=spacing)
    made = seesr("networks.scheduler").make_scheduler(card)
    made.set_timesteps(steps)
    assert int(made.timesteps.max()) == card.highest(steps) < card.levels


def test_without_tiles_any_overlap_will_do(seesr: Callable[[str], Any]) -> None:
    assert parse_card(seesr("sampling").SamplingOptions, {"tile": None, "overlap": 200}, "options").overlap == 200


def test_sizes_that_do_not_agree_are_named_from_the_generator_on(seesr: Callable[[str], Any]) -> None:
    made = {"network": "controlled-diffusion", "options": {"text": {"width": 8}}}
    with pytest.raises(SemsrError, match=r"^generator\.options: diffusion\.text_width is 1024"):
        seesr("method").SeeSr(made)
