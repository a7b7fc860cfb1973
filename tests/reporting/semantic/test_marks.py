"""Boxes and names as SVG."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np

from semsr.reporting.semantic.marks import STYLES, Mark, draw_marks, style_sample
from semsr.reporting.semantic.tints import Area


def drawn(*marks: Mark, areas: tuple[Area, ...] = (), size: tuple[int, int] = (256, 256)) -> ElementTree.Element:
    return ElementTree.fromstring(draw_marks(marks, areas, size, (256, 256), "pictures/masks.png"))


def test_a_box_is_where_it_should_be() -> None:
    """Found at 128 x 512, drawn at 256 x 256."""
    found = drawn(Mark("right", "dog", "#112233", (100, 20, 40, 60), 0.5), size=(128, 512))
    under, over = found.findall("rect")
    for rect in (under, over):
        assert [rect.get(key) for key in ("x", "y", "width", "height")] == ["50.0", "40.0", "20.0", "120.0"]
    assert over.get("stroke") == "#112233" and over.get("class") == "right"
    assert float(under.get("stroke-width") or 0) > float(over.get("stroke-width") or 0)


def test_what_became_of_an_object_is_readable_without_colour() -> None:
    texts = {}
    for kind in STYLES:
        found = drawn(Mark(kind, "dog", "#112233", (10, 100, 90, 60), 0.875))
        texts[kind] = (found.findall("text")[0].text, found.findall("rect")[1].get("stroke-dasharray"))
    assert texts["right"] == ("✓ dog 0.88", None)
    assert texts["lost"][0] == "× dog 0.88" and texts["invented"][0] == "+ dog 0.88"
    judged = ("right", "lost", "invented", "doubted")
    assert len({texts[kind][1] for kind in judged}) == 4
    assert len({texts[kind][0] for kind in (*judged, "back")}) == 5
    assert all('stroke-dasharray="5 3"' in style_sample(kind) for kind in ("invented",))


def test_names_are_escaped() -> None:
    evil = "<script>\"&'"
    svg = draw_marks(
        [Mark("right", evil, "#112233", (10, 100, 90, 60))],
        [Area(evil, "#112233", np.ones((8, 8), bool), False, labelled=True)],
        (256, 256),
        (256, 256),
    )
    assert "<script" not in svg
    assert [text.text for text in ElementTree.fromstring(svg).findall("text")] == [f"✓ {evil}", evil]


def test_names_stay_inside_and_never_cover_each_other() -> None:
    random = np.random.default_rng(3)
    corners = random.uniform(-5, 250, (60, 2))
    found = drawn(*(Mark("right", "umbrella", "#112233", (x, y, 20, 15), 0.9) for x, y in corners))
    texts = found.findall("text")
    assert len(found.findall("rect")) == 120 and 10 < len(texts) < 60
    places = [(float(text.get("x") or 0), float(text.get("y") or 0), len(text.text or "")) for text in texts]
    for at, (x, y, length) in enumerate(places):
        assert x >= 1 and x + 6 * length <= 256 and 8 <= y <= 256
        for other_x, other_y, other in places[:at]:
            apart = x + 6 * length <= other_x or other_x + 6 * other <= x or abs(y - other_y) >= 9
            assert apart, (x, y, other_x, other_y)
    assert any(text.text == "✓" for text in texts)


def test_areas_are_named_where_they_are_large_enough() -> None:
    large, small = np.zeros((100, 100), bool), np.zeros((100, 100), bool)
    large[60:90, 20:80] = True
    small[:10, :10] = True
    areas = (
        Area("sky", "#112233", large, False, True),
        Area("sea", "#112233", small, False, True),
        Area("x", "#1", large, True),
    )
    (text,) = drawn(areas=areas).findall("text")
    assert text.text == "sky" and text.get("class") == "area"
    x, y = float(text.get("x") or 0), float(text.get("y") or 0)
    assert 0.2 * 256 < x < 0.8 * 256 and 0.6 * 256 < y < 0.9 * 256


def test_the_tints_fill_the_frame() -> None:
    image = drawn().find("image")
    assert image is not None
    assert (image.get("href"), image.get("width"), image.get("height")) == ("pictures/masks.png", "256", "256")
    assert not re.search("<image", draw_marks([], [], (8, 8), (256, 256)))
