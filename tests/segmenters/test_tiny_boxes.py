"""The tiny detector: which cell finds which box, losses against other implementations, and boxes out of perfect maps."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

import semsr.plugins  # noqa: F401 (finds plugin folders)
from semsr.cards.protocol import PostProcessing
from semsr.errors import SegmenterError, WeightsError
from semsr.evaluation.semantic.truth import TrueObject, Truth
from semsr.segmentation.contract import Segmenter
from semsr.segmentation.found import Category
from semsr.segmentation.masks import encode

CATEGORIES = (Category(2, "box", True), Category(7, "ball", True), Category(90, "sky", False))
RULE = PostProcessing(score=0.4)


def module(name: str) -> Any:
    return importlib.import_module(f"semsr.plugins.segmenters.tiny_boxes.{name}")


def truth(*objects: tuple[int, tuple[float, float, float, float], bool]) -> Truth:
    empty = np.zeros((64, 64), np.int32)
    told = tuple(
        TrueObject(number, kind, box, box[2] * box[3], encode(empty), crowd)
        for number, (kind, box, crowd) in enumerate(objects)
    )
    return Truth("scene", (64, 64), empty, (), told)


def boxes() -> Any:
    objects = (2, (8, 8, 24, 16), False), (7, (12, 10, 6, 6), False), (7, (40, 40, 16, 16), True)
    return module("training.targets").boxes_in(truth(*objects), CATEGORIES)


def test_boxes_are_those_of_objects_and_crowds_are_unknown() -> None:
    found = boxes()
    assert found.corners.tolist() == [[8, 8, 32, 24], [12, 10, 18, 16]]
    assert found.places.tolist() == [0, 1] and found.unknown.tolist() == [[40, 40, 56, 56]]


def test_a_window_keeps_what_is_seen_enough_and_knows_nothing_of_the_rest() -> None:
    found = boxes().cut(0, 20, 32)
    assert found.corners.tolist() == [[0, 8, 12, 24]], "half of it is seen"
    assert found.places.tolist() == [0] and found.unknown.tolist() == [[20, 32, 32, 32]]
    less = boxes().cut(0, 26, 32)
    assert less.corners.shape == (0, 4) and [0, 8, 6, 24] in less.unknown.tolist(), (
        "a quarter is neither asked for nor forbidden"
    )
    mirrored = module("training.targets").flipped(boxes(), 64)
    assert mirrored.corners.tolist() == [[32, 8, 56, 24], [46, 10, 52, 16]]


def test_cells_in_the_middle_find_a_box_and_the_smaller_one_wins() -> None:
    places, corners, counted = module("training.targets").assigned(boxes(), (16, 16), 0.5)
    # Cell (row, column) has its middle at 4 (column + 1/2). The large box's middle half: x 14 to 26, y 12 to 20.
    expected = {
        (row, column): 0 for row in (3, 4) for column in (3, 4, 5, 6) if 14 <= 4 * column + 2 <= 26 and 12 <= 4 * row + 2 <= 20
    }
    # The small one's reaches less than a cell: those within two pixels of its middle (15, 13).
    expected |= {
        (row, column): 1 for row in range(16) for column in range(16) if abs(4 * column - 13) <= 2 and abs(4 * row - 11) <= 2
    }
    found = {(int(row), int(column)): int(places[row, column]) for row, column in torch.nonzero(places >= 0)}
    assert found == expected and set(expected.values()) == {0, 1}
    for (row, column), place in expected.items():
        assert corners[row, column].tolist() == boxes().corners[place].tolist()
    assert not counted[10:14, 10:14].any() and int((~counted).sum()) == 16


def test_focal_loss_equals_torchvision_s() -> None:
    torch.manual_seed(0)
    logits, places = torch.randn(2, 3, 5, 4, dtype=torch.float64), torch.randint(-1, 3, (2, 5, 4))
    counted = torch.rand(2, 5, 4) > 0.3
    targets = torch.nn.functional.one_hot(places + 1, 4)[..., 1:].permute(0, 3, 1, 2).double()
    each = sigmoid_focal_loss(logits, targets, alpha=0.25, gamma=2.0)
    found = module("training.objective").focal_loss(logits, places, counted)
    assert float(found) == pytest.approx(float((each * counted[:, None]).sum()), abs=1e-12)


class _Told:
    """Annotations of one picture."""

    categories = CATEGORIES

    def truth(self, name: str) -> Truth:
        assert name == "scene"
        return truth((2, (8, 8, 24, 16), False), (7, (40, 40, 12, 12), False))


def perfect(moved: float = 0.0) -> tuple[Tensor, Tensor]:
    """The maps that find the two objects, sides off by so many pixels."""
    classes, sides = torch.full((1, 2, 16, 16), -9.0), torch.zeros(1, 4, 16, 16)
    for place, (left, top, right, bottom) in enumerate(((8, 8, 32, 24), (40, 40, 52, 52))):
        for row in range(16):
            for column in range(16):
                x, y = 4 * column + 2, 4 * row + 2
                if left < x < right and top < y < bottom:
                    classes[0, place, row, column] = 5.0
                    reach = torch.tensor([x - left, y - top, right - x, bottom - y]) + moved
                    sides[0, :, row, column] = (reach / 4).log()
    return classes, sides


def test_boxes_that_are_right_cost_nothing_and_moved_ones_do() -> None:
    objective = module("training.objective").BoxObjective(_Told(), module("training.objective").BoxLoss(window=64))
    part = {"hr": torch.rand(1, 3, 64, 64), "name": ["demo/scene"]}
    with pytest.MonkeyPatch.context() as patch:
        real = torch.rand
        patch.setattr(torch, "rand", lambda size: torch.tensor(0.9) if size == () else real(size))  # not mirrored
        good = objective(lambda picture: perfect(), part)
        bad = objective(lambda picture: perfect(moved=3.0), part)
    assert float(good["boxes"]) == pytest.approx(0, abs=1e-6) and float(bad["boxes"]) > 0.2
    assert float(good["classes"]) == float(bad["classes"])


def test_windows_hold_the_middle_of_an_object() -> None:
    objective = module("training.objective").BoxObjective(_Told(), module("training.objective").BoxLoss(window=32))
    torch.manual_seed(0)
    known = objective._known("demo/scene")
    for _ in range(50):
        top, left, side = objective._window(known, torch.Size((64, 64)))
        assert side == 32 and 0 <= top <= 32 and 0 <= left <= 32
        assert any(left <= x <= left + 32 and top <= y <= top + 32 for x, y in ((20, 16), (46, 46)))


def _weights(path: Path, **changes: Any) -> Path:
    torch.manual_seed(0)
    tensors = {name: tensor.contiguous() for name, tensor in module("network").BoxNetwork([2, 7]).state_dict().items()}
    safetensors.torch.save_file({name: tensor for name, tensor in {**tensors, **changes}.items() if tensor is not None}, path)
    return path


def test_perfect_maps_give_the_boxes_back_once_at_the_size_asked_for(make: Callable[..., Segmenter], tmp_path: Path) -> None:
    files = {"generator": _weights(tmp_path / "generator.safetensors")}
    segmenter = make("tiny-boxes", {}, files=files, categories=CATEGORIES, rule=RULE)
    segmenter.network = lambda picture: perfect()  # type: ignore[attr-defined]
    found = segmenter.segment("one", torch.zeros(1, 3, 64, 64), (128, 64))
    assert found.instances is not None and found.panoptic is None and found.classes is None
    told = {each.category: each.box for each in found.instances}
    assert len(found.instances) == 2, "every cell of an object finds it; one of them is kept"
    assert told[2] == pytest.approx((8, 16, 24, 32), abs=1e-4) and told[7] == pytest.approx((40, 80, 12, 24), abs=1e-4)


def test_any_size_is_answered_and_twice_alike(
    make: Callable[..., Segmenter], picture: Callable[..., Tensor], tmp_path: Path
) -> None:
    files = {"generator": _weights(tmp_path / "generator.safetensors", **{"classes.bias": torch.zeros(2)})}
    segmenter = make("tiny-boxes", {}, files=files, categories=CATEGORIES, rule=PostProcessing(score=0.4, detections=7))
    first, again = (segmenter.segment("one", picture(50, 70), (50, 70)) for _ in range(2))
    assert first.instances == again.instances and first.instances is not None and len(first.instances) == 7
    for each in first.instances:
        x, y, width, height = each.box
        assert x >= 0 and y >= 0 and x + width <= 70 and y + height <= 50 and each.category in (2, 7)
    scores = [each.score for each in first.instances]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("categories", "changes", "kind", "said"),
    [
        (CATEGORIES[1:], {}, SegmenterError, "trained on things with the ids 2, 7; these annotations have 7;"),
        (CATEGORIES, {"category_ids": None}, WeightsError, "does not say which classes it knows"),
        (CATEGORIES, {"sides.bias": None}, WeightsError, r"not weights of tiny-boxes' network .*sides\.bias"),
    ],
)
def test_weights_of_other_classes_or_networks_are_one_line(
    make: Callable[..., Segmenter], tmp_path: Path, categories: Any, changes: Any, kind: type[Exception], said: str
) -> None:
    files = {"generator": _weights(tmp_path / "generator.safetensors", **changes)}
    with pytest.raises(kind, match=said) as caught:
        make("tiny-boxes", {}, files=files, categories=categories)
    assert "\n" not in str(caught.value)


def test_values_that_are_no_numbers_are_one_line(
    make: Callable[..., Segmenter], picture: Callable[..., Tensor], tmp_path: Path
) -> None:
    files = {"generator": _weights(tmp_path / "generator.safetensors", **{"sides.bias": torch.full((4,), torch.nan)})}
    segmenter = make("tiny-boxes", {}, files=files, categories=CATEGORIES, rule=RULE)
    with pytest.raises(SegmenterError, match="tiny-boxes: one: values that are not finite"):
        segmenter.segment("one", picture(32, 32), (32, 32))
