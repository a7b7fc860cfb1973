from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from semsr.errors import CardError
from semsr.imaging.degradation.parameters import FULL, LIGHT, PARAMETERS, PASD, Parameters, Stage

# The published table, written down once more: (full, light, PASD).
FIRST = {
    "blur_prob": (1.0, 1.0, 1.0),
    "sigma": ((0.2, 3.0), (0.2, 1.5), (0.2, 3.0)),
    "beta_generalised": ((0.5, 4.0), (0.5, 2.0), (0.5, 4.0)),
    "beta_plateau": ((1.0, 2.0), (1.0, 1.5), (1.0, 2.0)),
    "resize_prob": ((0.2, 0.7, 0.1),) * 3,
    "resize_range": ((0.15, 1.5), (0.3, 1.5), (0.3, 1.5)),
    "noise": ((1.0, 30.0), (1.0, 15.0), (1.0, 15.0)),
    "poisson": ((0.05, 3.0), (0.05, 2.0), (0.05, 2.0)),
    "jpeg": ((30.0, 95.0), (60.0, 95.0), (60.0, 95.0)),
}
SECOND = {
    "blur_prob": (0.8, 0.5, 0.5),
    "sigma": ((0.2, 1.5), (0.2, 1.0), (0.2, 1.5)),
    "beta_generalised": ((0.5, 4.0), (0.5, 2.0), (0.5, 4.0)),
    "beta_plateau": ((1.0, 2.0), (1.0, 1.5), (1.0, 2.0)),
    "resize_prob": ((0.3, 0.4, 0.3),) * 3,
    "resize_range": ((0.3, 1.2), (0.6, 1.2), (0.6, 1.2)),
    "noise": ((1.0, 25.0), (1.0, 12.0), (1.0, 12.0)),
    "poisson": ((0.05, 2.5), (0.05, 1.0), (0.05, 1.0)),
    "jpeg": ((30.0, 95.0), (60.0, 100.0), (60.0, 100.0)),
}
COMMON = {
    "sinc_prob": 0.1,
    "kernel_prob": (0.45, 0.25, 0.12, 0.03, 0.12, 0.03),
    "kernel_sizes": (7, 21),
    "gaussian_prob": 0.5,
    "grey_noise_prob": 0.4,
}


@pytest.mark.parametrize("at, parameters", list(enumerate([FULL, LIGHT, PASD])))
def test_the_published_table(at: int, parameters: Parameters) -> None:
    for stage, table in ((parameters.first, FIRST), (parameters.second, SECOND)):
        assert {key: getattr(stage, key) for key in table} == {key: values[at] for key, values in table.items()}
        assert {key: getattr(stage, key) for key in COMMON} == COMMON
        assert set(table) | set(COMMON) == set(Stage.__dataclass_fields__), "an option is not compared"
    assert (parameters.final_sinc_prob, parameters.final_sinc_sizes, parameters.jpeg_last_prob) == (0.8, (7, 21), 0.5)


def test_sets_have_the_names_that_cards_use() -> None:
    assert {"full": FULL, "light": LIGHT, "pasd": PASD} == PARAMETERS


@pytest.mark.parametrize(
    "change, allowed",
    [
        ({"blur_prob": 1.2}, "0 to 1"),
        ({"kernel_prob": (0.5, 0.5)}, "6 probabilities"),
        ({"resize_prob": (0.5, 0.5, 0.5)}, "sum to 1"),
        ({"resize_prob": (-0.5, 1.0, 0.5)}, "sum to 1"),
        ({"kernel_sizes": (7, 20)}, "both odd"),
        ({"kernel_sizes": (9, 7)}, "both odd"),
        ({"sigma": (0.0, 1.0)}, "more than 0"),
        ({"noise": (5.0, 1.0)}, "smallest, largest"),
        ({"noise": (-1.0, 1.0)}, "0 or more"),
        ({"resize_range": (1.1, 1.5)}, "1 must lie"),
        ({"jpeg": (30.0, 101.0)}, "at most 100"),
        ({"poisson": (float("nan"), 1.0)}, "smallest, largest"),
    ],
)
def test_a_wrong_option_is_named(change: dict[str, Any], allowed: str) -> None:
    key = next(iter(change))
    with pytest.raises(CardError, match=key) as caught:
        replace(FULL.first, **change)
    assert allowed in str(caught.value) and str(change[key]) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change", [{"final_sinc_prob": -0.1}, {"jpeg_last_prob": 2.0}, {"final_sinc_sizes": (6, 21)}, {"resize_modes": ()}]
)
def test_a_wrong_last_option_is_named(change: dict[str, Any]) -> None:
    with pytest.raises(CardError, match=next(iter(change))):
        replace(FULL, **change)
