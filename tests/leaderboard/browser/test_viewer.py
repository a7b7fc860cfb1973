"""The picture viewer, in a browser."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("playwright")

PAGE = "viewer-set-0.html"
READY = "#viewer[data-ready]"


@pytest.fixture
def viewer(watch: Callable, small_built: Path) -> Callable:
    """Opens the viewer and waits until values are there: `viewer(part of the address, **options)`."""

    def start(part: str = "", **options: object):
        page = watch(small_built, **options).open(PAGE + (f"#{part}" if part else ""))
        page.wait_for_selector(READY)
        return page

    return start


def _transforms(page) -> list[str]:
    return page.eval_on_selector_all(".panes .stage img", "images => images.map(image => image.style.transform)")


def _zoom(page) -> float:
    return float(re.search(r"scale\((.+?)\)", page.eval_on_selector(".stage:visible img", "image => image.style.transform"))[1])


def _told(page) -> dict[str, str]:
    page.wait_for_timeout(250)  # the address follows after a pause
    return {key: value[0] for key, value in parse_qs(page.evaluate("location.hash.slice(1)")).items()}


def _pixels(page, selector: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("RGB"), dtype=int)


def test_zoom_in_one_pane_moves_the_others(viewer: Callable) -> None:
    page = viewer()
    before = _transforms(page)
    assert len(before) == 3
    assert len(set(before)) == 1
    page.locator(".panes .stage").nth(1).hover(position={"x": 60, "y": 40})
    page.mouse.wheel(0, -400)
    page.wait_for_function("before => document.querySelector('.stage img').style.transform !== before", arg=before[0])
    after = _transforms(page)
    assert len(set(after)) == 1
    assert after[0] != before[0]


def test_the_point_under_the_wheel_stays_where_it_is(viewer: Callable) -> None:
    page = viewer("panes=hr,lr&zoom=6&x=0.5&y=0.5")
    where = """([x, y]) => {
        const [left, top, zoom] = document.querySelector('.stage img').style.transform.match(/-?[\\d.]+/g).map(Number);
        return [(x - left) / zoom, (y - top) / zoom];
    }"""
    before = page.evaluate(where, [200, 150])
    page.locator(".panes .stage").first.hover(position={"x": 200, "y": 150})
    page.mouse.wheel(0, -200)
    page.wait_for_function("() => !document.querySelector('.stage img').style.transform.includes('scale(6)')")
    assert page.evaluate(where, [200, 150]) == pytest.approx(before, abs=0.3)


def test_dragging_moves_by_what_was_dragged(viewer: Callable) -> None:
    page = viewer("panes=lr,hr&zoom=12&x=0.5&y=0.5")
    numbers = "() => document.querySelectorAll('.stage img')[1].style.transform.match(/-?[\\d.]+/g).map(Number)"
    before = page.evaluate(numbers)
    box = page.locator(".panes .stage").first.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 85, steps=4)
    page.mouse.up()
    after = page.evaluate(numbers)
    assert after[0] - before[0] == pytest.approx(40, abs=1.5)
    assert after[1] - before[1] == pytest.approx(-15, abs=1.5)


def test_one_to_one_and_fit(viewer: Callable) -> None:
    page = viewer(device_scale_factor=2)
    page.get_by_role("button", name="1:1").click()
    assert _zoom(page) == 0.5  # a pixel of the picture on one of the screen, of which there are two a CSS pixel
    page.get_by_role("button", name="Fit").click()
    stage = page.locator(".panes .stage").first.bounding_box()
    assert _zoom(page) == pytest.approx(min(stage["width"] / 96, stage["height"] / 128), abs=0.02)


def test_keys_alone_suffice(viewer: Callable) -> None:
    page = viewer()
    page.locator(".panes .stage").first.focus()
    fitting = _zoom(page)
    for _ in range(4):
        page.keyboard.press("+")
    assert _zoom(page) == pytest.approx(fitting * 1.25**4, rel=1e-3)
    before = _transforms(page)[0]
    page.keyboard.press("ArrowRight")
    assert _transforms(page)[0] != before
    page.keyboard.press("n")
    assert _told(page)["image"] == "image-001"
    page.keyboard.press("p")
    page.keyboard.press("p")
    assert _told(page)["image"] == "image-004"
    page.keyboard.press("0")
    assert "zoom" not in _told(page)
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()


def test_panes_come_and_go(viewer: Callable) -> None:
    page = viewer()
    add = page.get_by_role("button", name="Add a pane")
    for _ in range(3):
        add.click()
    assert page.locator(".pane").count() == 6
    assert add.is_disabled()
    page.get_by_role("button", name="Remove pane 2").click()
    assert page.locator(".pane").count() == 5
    page.get_by_label("Picture in pane 1").select_option(label="Method 3")
    assert _told(page)["panes"].split(",")[0] == "method-3/default"


def test_shows_the_values_of_the_image(viewer: Callable, small_site) -> None:
    page = viewer("image=image-002&panes=method-1/default,method-5/default,hr")
    values = small_site.per_image[0]
    for number, row in enumerate(("method-1/default", "method-5/default")):
        shown = page.locator(".pane").nth(number).locator("dd").all_inner_texts()
        numbers = [float(text.partition(",")[0]) for text in shown]
        # Data files keep two digits more than are printed, so the last one may be rounded twice.
        for found, column in zip(numbers, values.columns, strict=True):
            assert abs(found - values.values[column.key][row][2]) < 0.51 * 10.0**-column.decimals
    best = [
        (
            "higher" if column.direction == "higher" else "lower",
            [values.values[column.key][row][2] for row in ("method-1/default", "method-5/default")],
        )
        for column in values.columns
    ]
    wanted = [pair.index(max(pair) if direction == "higher" else min(pair)) for direction, pair in best]
    for number in (0, 1):
        marked = page.locator(".pane").nth(number).locator("dd").evaluate_all("all => all.map(one => one.className === 'best')")
        assert marked == [place == number for place in wanted]


def test_slider_with_pointer_and_keys(viewer: Callable) -> None:
    page = viewer("mode=slider&a=method-5/default&b=hr")
    divider = page.get_by_role("slider", name="Divider between A and B")
    assert divider.get_attribute("aria-valuenow") == "50"
    divider.focus()
    page.keyboard.press("ArrowLeft")
    assert divider.get_attribute("aria-valuenow") == "49"
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    assert divider.get_attribute("aria-valuenow") == "10"
    stage = page.locator(".pair .stage").bounding_box()
    handle = divider.bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 3)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.75, handle["y"] + 30, steps=3)
    page.mouse.up()
    assert float(divider.get_attribute("aria-valuenow")) == pytest.approx(75, abs=1)
    assert "75" in page.eval_on_selector(".pair .layer + .layer", "layer => layer.style.clipPath")
    assert _told(page)["split"] == "75"


def test_left_of_the_divider_is_a_and_right_of_it_is_b(viewer: Callable) -> None:
    alone = {key: _pixels(viewer(f"mode=slider&a={key}&b={key}&zoom=5"), ".pair .stage") for key in ("lr", "hr")}
    both = _pixels(viewer("mode=slider&a=lr&b=hr&zoom=5"), ".pair .stage")
    width = both.shape[1]
    top, left, right = slice(60, -10), slice(10, width // 2 - 40), slice(width // 2 + 40, -10)
    assert np.array_equal(both[top, left], alone["lr"][top, left])
    assert np.array_equal(both[top, right], alone["hr"][top, right])
    assert not np.array_equal(alone["lr"], alone["hr"])


def test_blink_turns_with_the_space_bar_and_by_itself(viewer: Callable) -> None:
    page = viewer("mode=blink&a=lr&b=hr")
    tag = page.locator(".pair .tag.left")
    assert tag.inner_text() == "A: LR"
    page.locator(".pair .stage").focus()
    page.keyboard.press("Space")
    assert tag.inner_text() == "B: HR"
    page.get_by_label("by itself, every").check()
    page.wait_for_function("() => document.querySelector('.pair .tag.left').textContent === 'A: LR'")


def test_nothing_blinks_by_itself_where_less_motion_is_asked_for(viewer: Callable) -> None:
    page = viewer("mode=blink&a=lr&b=hr", reduced_motion="reduce")
    assert page.get_by_label("by itself, every").is_disabled()
    page.locator(".pair .stage").focus()
    page.keyboard.press("Space")
    assert page.locator(".pair .tag.left").inner_text() == "B: HR"


@pytest.mark.parametrize("factor", [1, 8])
def test_the_difference_is_that_of_the_pixels(viewer: Callable, small_site, factor: int) -> None:
    """Against NumPy on the files: at 1:1, pixel by pixel."""
    page = viewer(f"image=image-001&mode=difference&a=method-2/default&b=hr&factor={factor}&zoom=1")
    shown = _pixels(page, ".pair .stage")
    pictures = small_site.viewables[0]
    a, b = (
        np.asarray(Image.open(path), dtype=int)
        for path in (pictures.rows["method-2/default"][1]["image-001"], pictures.hr["image-001"])
    )
    expected = np.clip(np.abs(a - b) * factor, 0, 255)
    left, top = map(int, page.eval_on_selector(".pair .stage img", "image => image.style.transform.match(/-?\\d+(?=px)/g)"))
    # A pane may begin within a pixel of the screen, so its screenshot may begin a pixel earlier.
    found = [shown[top + down : top + down + 128, left + right : left + right + 96] for down in (0, 1) for right in (0, 1)]
    assert min(np.abs(one - expected).max() for one in found) <= factor  # a blend may round by one
    assert expected.max() > 3 * factor


def test_a_link_restores_the_view(viewer: Callable) -> None:
    page = viewer()
    page.get_by_role("button", name="Next image").click()
    page.get_by_role("button", name="Difference").click()
    page.get_by_label("Amplified").select_option("16")
    page.get_by_label("A", exact=True).select_option(label="Method 4")
    page.locator(".pair .stage").hover(position={"x": 100, "y": 100})
    page.mouse.wheel(0, -600)
    told = _told(page)
    part = page.evaluate("location.hash.slice(1)")
    again = viewer(part)
    assert _told(again) == told
    assert again.locator(".facts").inner_text().startswith("image-001")
    assert again.get_by_label("Amplified").input_value() == "16"
    assert again.get_by_label("A", exact=True).input_value() == "method-4/default"
    get = "image => image.style.transform.match(/-?[\\d.]+/g).map(Number)"
    assert again.eval_on_selector(".pair .stage img", get) == pytest.approx(
        page.eval_on_selector(".pair .stage img", get), abs=1.1
    )


@pytest.mark.parametrize(
    "part",
    ["image=nothing&panes=no/such,&mode=dance&zoom=x&x=NaN&y=-4&factor=3&split=1e9", "%%%", "panes=,,,", "zoom=1e99&x=7"],
)
def test_a_broken_link_opens_the_viewer_all_the_same(viewer: Callable, part: str) -> None:
    page = viewer(part)
    assert page.locator(".panes .stage img").first.evaluate("image => image.naturalWidth > 0")


def test_copies_the_link(viewer: Callable) -> None:
    page = viewer("image=image-003", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Copied").wait_for()
    assert "image=image-003" in page.evaluate("navigator.clipboard.readText()")


def test_finds_images(viewer: Callable) -> None:
    page = viewer()
    page.get_by_label("Find an image").fill("004")
    assert page.locator(".images li:visible").count() == 1
    page.locator(".images li:visible button").click()
    assert _told(page)["image"] == "image-004"
    assert page.locator(".images [aria-current]").inner_text() == "image-004"


def test_pinching_zooms(viewer: Callable) -> None:
    page = viewer("zoom=5", has_touch=True)
    page.evaluate(
        """() => {
        const stage = document.querySelector('.stage'), box = stage.getBoundingClientRect();
        stage.setPointerCapture = () => {};
        const send = (kind, id, dx) => stage.dispatchEvent(new PointerEvent(kind, {pointerId: id, button: kind === 'pointerdown' ? 0 : -1,
          pointerType: 'touch', clientX: box.left + box.width / 2 + dx, clientY: box.top + box.height / 2, bubbles: true}));
        send('pointerdown', 1, -20); send('pointerdown', 2, 20);
        send('pointermove', 1, -40); send('pointermove', 2, 40);
        send('pointerup', 1, -40); send('pointerup', 2, 40);
    }"""
    )
    assert _zoom(page) == pytest.approx(10, rel=0.01)
