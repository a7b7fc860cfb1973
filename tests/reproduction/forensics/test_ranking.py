"""What explains a value, by hand: one change before two, several values before one, and never by chance."""

from __future__ import annotations

import numpy as np
import pytest

from semsr.evaluation.lattice.changes import Change, Kind
from semsr.evaluation.lattice.ways import OWN, Way
from semsr.reproduction.forensics.explanation import Explanation
from semsr.reproduction.forensics.ranking import Question, chance, rank

KINDS: dict[str, Kind] = {"stored": "pictures", "shift": "pictures", "metric": "metric", "aggregation": "aggregation"}


def way(text: str) -> Way:
    changes = []
    for part in text.split(",") if text else ():
        axis, _, setting = part.partition("=")
        changes.append(Change(axis, setting, f"{axis} set to {setting}", KINDS.get(axis, "option")))
    return Way(tuple(changes))


def question(
    published: str, ours: float, row: str = "row", column: str = "psnr", tolerance: float = 0.005, **values: float
) -> Question:
    """`values`: by id, with `__` for `=` and `_and_` for a comma."""
    known = {way(name.replace("_and_", ",").replace("__", "=")): value for name, value in values.items()}
    return Question(row, column, "0" * 12, published, ours, tolerance, {OWN: ours, **known})


def one(asked: Question) -> Explanation:
    (found,) = rank([asked])
    return found


def ids(found: Explanation) -> list[str]:
    return [each.id for each in found.alternatives]


def test_names_what_gives_the_value() -> None:
    found = one(question("24.00", 25.3243, luma__full=24.0024, luma__rgb=23.7, border__4=25.345))
    assert found.best is not None and found.best.id == "luma=full" and found.best.says == "luma set to full"
    assert found.best.effect == pytest.approx(-1.3219) and found.best.left == pytest.approx(-0.0024)
    assert ids(found) == ["luma=full", "luma=rgb", "border=4"], "the rest by what is left"
    assert found.tried == 3


def test_a_value_that_is_reproduced_needs_no_explanation() -> None:
    found = one(question("25.32", 25.3243, border__4=25.3201))
    assert found.best is None and found.chance == 0


def test_most_of_the_difference_must_be_gone() -> None:
    """With a wide tolerance a change that hardly matters would "explain" a value just outside."""
    asked = question("25.4", 25.344, tolerance=0.05, rounded__true=25.352, border__4=25.39)
    assert [each.id for each in asked.fitting] == ["border=4"]
    assert one(asked).best is None, "and so near to ours, chance would do it, too"


@pytest.mark.parametrize(("left", "explains"), [(0.005, True), (0.0051, False)])
def test_the_tolerance_is_a_limit(left: float, explains: bool) -> None:
    assert (one(question("24.00", 25.0, luma__full=24.0 - left)).best is not None) == explains


def test_one_change_goes_before_two() -> None:
    found = one(question("24.00", 25.0, border__4_and_luma__full=24.0, luma__full=24.004, rounded__true=24.003))
    assert ids(found) == ["rounded=true", "luma=full", "border=4,luma=full"]


def test_what_explains_two_columns_goes_first() -> None:
    psnr = question("24.00", 25.0, luma__full=24.004, stored__jpeg=24.0)
    ssim = question("0.7000", 0.75, column="ssim", tolerance=5e-5, luma__full=0.70003, stored__jpeg=0.74)
    first, second = rank([psnr, ssim])
    assert first.best is not None and second.best is not None
    assert first.best.id == second.best.id == "luma=full"
    assert first.best.joint == ("ssim",) and second.best.joint == ("psnr",)
    assert [each.id for each in first.alternatives if each.explains] == ["luma=full", "stored=jpeg"]


def test_only_shared_axes_must_agree() -> None:
    """PSNR has an epsilon, SSIM has not."""
    psnr = question("24.00", 25.0, epsilon__0_and_luma__full=24.0)
    ssim = question("0.7000", 0.75, column="ssim", tolerance=5e-5, luma__full=0.7)
    assert rank([psnr, ssim])[0].alternatives[0].joint == ("ssim",)
    other = question("0.7000", 0.75, column="ssim", tolerance=5e-5, luma__rgb=0.7)
    assert rank([psnr, other])[0].alternatives[0].joint == ()


def test_what_explains_a_column_in_other_rows_goes_first() -> None:
    first = question("24.00", 25.0, row="A", luma__full=24.004, rounded__true=24.0)
    second = question("26.00", 27.0, row="B", luma__full=26.0, rounded__true=26.5)
    found, _ = rank([first, second])
    assert found.best is not None and found.best.id == "luma=full" and found.best.joint == ("B",)
    unrelated = question("0.7000", 0.75, row="B", column="ssim", tolerance=5e-5, luma__full=0.7)
    assert rank([first, unrelated])[0].best.id == "rounded=true"


def test_what_spoils_a_column_that_holds_is_no_explanation() -> None:
    """Both columns are of the same files: they can't have been stored as JPEG for one of them alone."""
    psnr = question("24.00", 25.0, stored__jpeg=24.0)
    ssim = question("0.7500", 0.75, column="ssim", tolerance=5e-5, stored__jpeg=0.74)
    found = rank([psnr, ssim])[0]
    assert found.best is None and found.alternatives[0].against == ("ssim",)
    # A script may well have one luma for one metric and another for another.
    psnr, ssim = (
        question("24.00", 25.0, luma__full=24.0),
        question("0.7500", 0.75, column="ssim", tolerance=5e-5, luma__full=0.74),
    )
    assert rank([psnr, ssim])[0].best is not None
    # Nor does a row of other pictures say anything.
    psnr, ssim = question("24.00", 25.0, stored__jpeg=24.0), question("0.7500", 0.75, "other", "ssim", 5e-5, stored__jpeg=0.74)
    assert rank([psnr, ssim])[0].best is not None


def test_pairs_need_more_than_chance() -> None:
    few = question("24.00", 25.0, border__4_and_luma__full=24.0)
    assert one(few).best is not None and one(few).chance == pytest.approx(0.01 / (4 - 0.01))
    values = {f"border__{at}_and_luma__full": 23.0 + at / 25 for at in range(100) if at != 50}
    many = question("24.00", 25.0, **values, border__4_and_luma__rgb=24.0)
    assert one(many).chance > 0.05 and one(many).best is None
    ssim = question("0.7000", 0.75, column="ssim", tolerance=5e-5, border__4_and_luma__rgb=0.7)
    found = rank([many, ssim])[0]
    assert found.best is not None and found.best.id == "border=4,luma=rgb", "two values at once are no chance"


def test_of_a_value_close_to_ours_some_change_is_right_by_chance() -> None:
    """A few hundredths of a decibel off, JPEG, borders and shifts lie on all sides: that one of them fits says nothing."""
    near = {"stored__a": 25.012, "stored__b": 24.98, "border__4": 25.02, "border__0": 24.99, "rounded__true": 25.007}
    psnr = question("25.02", 25.0, **near)
    found = one(psnr)
    assert found.chance > 0.25 and found.best is None
    # With another value that the same change explains, chance would have to do both.
    ssim = question("0.7010", 0.7, column="ssim", tolerance=5e-5, border__4=0.70102, border__0=0.6995)
    first, second = rank([psnr, ssim])
    assert first.best is not None and second.best is not None
    assert first.best.id == second.best.id == "border=4" and first.best.joint == ("ssim",)


def test_unrelated_values_are_seldom_explained() -> None:
    """Whatever a paper prints: near ours, where alternatives crowd, no more often than farther away."""
    rng = np.random.default_rng(0)
    crowd = {f"luma__{at}": 25 + value for at, value in enumerate(rng.choice([-1, 1], 30) * 10 ** rng.uniform(-3, 0.3, 30))}
    for reach in (0.02, 0.1, 0.5, 2):
        printed = [f"{value:.2f}" for value in 25 + rng.uniform(-reach, reach, 300)]
        found = [one(question(text, 25.0, **crowd)) for text in printed]
        opened = [each for text, each in zip(printed, found, strict=True) if question(text, 25.0).is_open]
        assert opened and np.mean([each.best is not None for each in opened]) < 0.15, reach


def test_chance_is_the_share_of_places_that_are_met() -> None:
    """Against drawing published values: uniformly within twice the difference of ours, but where they would count as ours."""
    rng = np.random.default_rng(0)
    values = {f"luma__{at}": value for at, value in enumerate(rng.uniform(23, 27, 30))}
    asked = question("24.20", 25.0, tolerance=0.03, **values)
    drawn = rng.uniform(25 - 1.6, 25 + 1.6, 200_000)
    drawn = drawn[np.abs(drawn - 25) > 0.03]
    met = (np.abs(drawn[:, None] - np.array(list(values.values()))) <= 0.03).any(axis=1)
    assert chance(asked, 1) == pytest.approx(met.mean(), abs=0.005)


def test_order_of_questions_is_kept() -> None:
    asked = [question("24.00", 25.0, row=str(at), luma__full=24.0) for at in range(3)]
    assert [each.result_id for each in rank(asked)] == ["0" * 12] * 3
    assert rank([]) == ()
