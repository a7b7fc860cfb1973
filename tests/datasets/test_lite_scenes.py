"""lite-scenes: the truth of a scene is what its picture shows, training and testing share no pixel, and every situation occurs."""

from __future__ import annotations

from collections import Counter
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from semsr.cards.dataset import GeneratedSource, PhotoSource
from semsr.errors import CardError
from semsr.plugins import load_plugin
from semsr.preparation.generated import Generator, Scene
from semsr.project import Project
from semsr.stages import prepare

SIZE = (256, 256)


@pytest.fixture(scope="module")
def source(project: Project) -> GeneratedSource:
    card = project.dataset("lite-scenes")
    assert isinstance(card.source, GeneratedSource)
    return card.source


@pytest.fixture(scope="module")
def photographs(project: Project) -> dict[str, tuple[int, int]]:
    """(H, W) of each test photograph of lite-photos."""
    card = project.dataset("lite-photos")
    assert isinstance(card.source, PhotoSource)
    boxes = {photo.name: photo.box for photo in card.source.photos if photo.split == "test"}
    return {name: (bottom - top, right - left) for name, (left, top, right, bottom) in boxes.items()}


@pytest.fixture(scope="module")
def shapes(project: Project) -> ModuleType:
    import sys

    load_plugin(project, "dataset", "lite-scenes", "shapes:GAUGES")
    return sys.modules["semsr.plugins.datasets.lite_scenes.shapes"]


@pytest.fixture(scope="module")
def coloured(project: Project, source: GeneratedSource) -> Generator:
    """The generator with a plain colour for each class, from dark to full, so that a pixel tells its class by its colour."""
    kind = load_plugin(project, "dataset", "lite-scenes", "scenes:LiteScenes")
    names = sorted(source.options["cuts"])
    plain = {name: np.full((9, 9, 3), colour, np.uint8) for name, colour in zip(names, colours(len(names)), strict=True)}
    cuts = {name: {"photo": name, "train": [0, 0, 4, 9], "test": [5, 0, 9, 9]} for name in names}
    generator = kind(plain, SIZE, cuts=cuts)
    assert isinstance(generator, Generator)
    return generator


def colours(count: int) -> np.ndarray:
    """Colours with directions far apart, none so light that a lighter one would be clipped."""
    steps = np.stack(np.meshgrid(*[[10, 65, 130]] * 3), axis=-1).reshape(-1, 3)
    directions = {tuple(np.round(colour / np.linalg.norm(colour), 2)): colour for colour in steps if colour.max() == 130}
    return np.array(sorted(map(tuple, directions.values())))[:count]


@pytest.fixture(scope="module")
def scenes(coloured: Generator) -> list[Scene]:
    return [coloured.draw(f"train-{number:03}", 0, "train") for number in range(32)]


def test_the_map_says_what_the_picture_shows(coloured: Generator, scenes: list[Scene], source: GeneratedSource) -> None:
    """Away from borders the colour's direction is that of the class (shading only lightens or darkens it)."""
    names = sorted(source.options["cuts"])
    known = colours(len(names)) / np.linalg.norm(colours(len(names)), axis=1, keepdims=True)
    seen: Counter[str] = Counter()
    for scene in scenes[:12]:
        of = {segment.id: segment.category for segment in scene.segments}
        by_id = {label.id: label.name for label in coloured.categories}
        same = np.ones(SIZE, bool)
        for rows, columns in ((0, 1), (1, 0), (1, 1), (1, -1)):
            for sign in (1, -1):
                same &= scene.ids == np.roll(scene.ids, (sign * rows, sign * columns), (0, 1))
        same[[0, -1]] = same[:, [0, -1]] = False
        rgb = scene.rgb.astype(np.float64)
        shown = (rgb @ known.T / np.linalg.norm(rgb, axis=2, keepdims=True)).argmax(axis=2)
        for segment in np.unique(scene.ids[same]):
            here = Counter(names[place] for place in shown[same & (scene.ids == segment)])
            expected = by_id[of[segment]] if segment else None
            if expected is not None:
                # Between the things of a crowd there may be a sliver of what lies below.
                least = 0.99 if segment % 1000 == 999 else 1
                assert here[expected] >= least * sum(here.values()), (segment, here)
                seen[expected] += 1
    assert set(seen) == set(names) - {"nothing"}


def test_every_situation_occurs(coloured: Generator, scenes: list[Scene]) -> None:
    things = {label.id for label in coloured.categories if label.thing}
    areas = [{segment.id: int((scene.ids == segment.id).sum()) for segment in scene.segments} for scene in scenes]
    assert min(min(area.values()) for area in areas) >= 12
    objects = [[segment for segment in scene.segments if segment.category in things] for scene in scenes]
    crowds = sum(any(segment.crowd for segment in found) for found in objects)
    voids = sum(bool((scene.ids == 0).sum() > 150) for scene in scenes)
    assert 3 <= crowds <= 20
    assert 4 <= voids <= 25
    assert all(2 <= len([one for one in found if not one.crowd]) <= 9 for found in objects)
    small = [any(area[one.id] < 32**2 and not one.crowd for one in found) for area, found in zip(areas, objects, strict=True)]
    assert all(small)
    stuff = [len(scene.segments) - len(found) for scene, found in zip(scenes, objects, strict=True)]
    assert set(stuff) == {1, 2, 3}
    assert Counter(one.category for found in objects for one in found).keys() == things
    assert max(segment.id for scene in scenes for segment in scene.segments) > 1 << 16


def test_a_scene_is_its_own(coloured: Generator, scenes: list[Scene]) -> None:
    """Whatever was drawn before it; and another with another name, seed or split's texture."""
    again = coloured.draw("train-007", 0, "train")
    assert np.array_equal(again.rgb, scenes[7].rgb)
    assert np.array_equal(again.ids, scenes[7].ids)
    assert not np.array_equal(coloured.draw("train-007", 1, "train").ids, again.ids)


@pytest.mark.parametrize(
    ("name", "area"),
    [
        ("disk", np.pi),
        ("box", 4 * 0.83 * 0.55),
        ("triangle", 3 * np.sqrt(3) / 4),
        ("star", 5 * 0.45 * np.sin(np.pi / 5)),  # ten triangles with sides 1 and .45 at an angle of pi / 5
        ("cross", 4 * (2 * 0.95 * 0.3 - 0.3**2)),
        ("ring", np.pi * (1 - 0.48**2)),
    ],
)
def test_outlines(shapes: ModuleType, name: str, area: float) -> None:
    """Their areas are those of plane geometry, the same all around, and they lie in the unit disk."""
    q, p = np.mgrid[-1.2:1.2:1200j, -1.2:1.2:1200j].astype(np.float32)
    inside = shapes.GAUGES[name](p, q) <= 1
    assert inside.mean() * 2.4**2 == pytest.approx(area, rel=0.01)
    assert np.hypot(p, q)[inside].max() <= 1.001
    turn = np.float32(np.pi / 7)
    turned = shapes.GAUGES[name](np.cos(turn) * p + np.sin(turn) * q, np.cos(turn) * q - np.sin(turn) * p) <= 1
    assert turned.mean() == pytest.approx(inside.mean(), rel=0.01)


def test_most_of_four_wins(project: Project) -> None:
    """Against counting one by one; of equally frequent layers the upper one."""
    majority = load_plugin(project, "dataset", "lite-scenes", "scenes:_majority")
    parts = np.random.default_rng(0).integers(0, 4, (4, 30, 30)).astype(np.int32)
    expected = [
        [
            max(Counter(parts[:, row, column].tolist()).items(), key=lambda found: (found[1], found[0]))[0]
            for column in range(30)
        ]
        for row in range(30)
    ]
    assert np.array_equal(majority(parts), expected)


def test_training_and_testing_share_no_pixel(source: GeneratedSource, photographs: dict[str, tuple[int, int]]) -> None:
    assert [part.dataset for part in source.parts] == ["lite-photos"]
    for name, cut in source.options["cuts"].items():
        height, width = photographs[cut["photo"]]  # a test photograph: nothing here is trained on it otherwise
        for split in ("train", "test"):
            left, top, right, bottom = cut[split]
            assert 0 <= top < bottom <= height, name
            assert (0 <= left < right <= width // 2) if split == "train" else (width // 2 <= left < right <= width), name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fur": None}, r"cuts: found .*; must be \['ball', 'concrete'"),
        (
            {"fur": {"photo": "dog", "train": [0, 0, 4, 4], "test": [4, 0, 8, 4]}},
            "cuts.fur.photo: found 'dog'; the parts have cat",
        ),
        (
            {"fur": {"photo": "cat", "train": [0, 0, 4, 4], "test": [4, 0, 10, 4]}},
            r"cuts.fur.test: found \[4, 0, 10, 4\].*inside 9x9",
        ),
        ({"fur": {"photo": "cat", "train": [0, 0, 4, 1], "test": [4, 0, 8, 4]}}, r"cuts.fur.train: found \[0, 0, 4, 1\]"),
        ({"fur": {"photo": "cat", "train": [0, 0, 4], "test": [4, 0, 8, 4]}}, r"cuts.fur.train: found \[0, 0, 4\]"),
        ({"fur": {"photo": "cat", "train": [0, 0, 4, 4]}}, r"cuts.fur: found \['photo', 'train'\]"),
        (
            {"ball": {"photo": "cat", "train": [0, 0, 4, 4], "test": [4, 0, 8, 4], "paint": [0, 0, 256]}},
            r"cuts.ball.paint: found \[0, 0, 256\]",
        ),
        ({"fur": "cat"}, "cuts.fur: found 'cat'"),
    ],
)
def test_cuts_that_are_wrong(project: Project, source: GeneratedSource, change: dict[str, object], said: str) -> None:
    kind = load_plugin(project, "dataset", "lite-scenes", "scenes:LiteScenes")
    fine = {"photo": "cat", "train": [0, 0, 4, 4], "test": [4, 0, 8, 4]}
    cuts = {**dict.fromkeys(source.options["cuts"], fine), **change}
    with pytest.raises(CardError, match=said):
        kind({"cat": np.zeros((9, 9, 3), np.uint8)}, SIZE, cuts={name: cut for name, cut in cuts.items() if cut is not None})


def test_paint_moves_the_mean_and_keeps_the_texture(project: Project, source: GeneratedSource) -> None:
    kind = load_plugin(project, "dataset", "lite-scenes", "scenes:LiteScenes")
    plain = {"photo": "noise", "train": [0, 0, 9, 9], "test": [9, 0, 18, 9]}
    cuts = {**dict.fromkeys(source.options["cuts"], plain), "ball": {**plain, "paint": [200, 100, 0]}}
    noise = np.random.default_rng(0).integers(0, 256, (9, 18, 3), dtype=np.uint8)
    made = kind({"noise": noise}, SIZE, cuts=cuts)
    for split in ("train", "test"):
        before, after = made.texture("star", split), made.texture("ball", split)
        assert np.array_equal(before, noise[:, :9] if split == "train" else noise[:, 9:])
        assert after.mean(axis=(0, 1)) == pytest.approx(
            0.3 * before.mean(axis=(0, 1)) + 0.7 * np.array([200, 100, 0]), abs=1e-3
        )
        assert np.ptp(after - before, axis=(0, 1)) == pytest.approx(0, abs=1e-3)


@pytest.mark.slow
def test_prepared_from_photographs(workspace: Project) -> None:
    """Downloads what lite-photos does, about 36 MB."""
    prepared = prepare.run(workspace, "lite-scenes")
    assert (len(prepared.test), len(prepared.train)) == (16, 160)
    assert len(prepared.annotated) == 16 + 160 + 2
    assert {entry.lr_size for entry in prepared.test} == {(64, 64)}
    textures = [np.asarray(Image.open(entry.hr or "")).std() for entry in prepared.entries]
    assert min(textures) > 5
