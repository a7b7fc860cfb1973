"""The page of made-up judges."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from semsr.imaging.pictures import read_rgb
from semsr.reporting.semantic.marks import Mark
from semsr.reporting.semantic.page import ClassTable, Column, Number, Row, Section, render
from semsr.reporting.semantic.scene import PICTURES, Scene, Seen, make_scene
from semsr.reporting.semantic.tints import Area

EVIL = "<script>alert('x')</script>"
GREY = np.full((32, 48, 3), 128, np.uint8)


def scene(folder: Path, name: str = "scene & 1") -> Scene:
    mask = np.zeros((64, 96), bool)
    mask[10:30, 20:60] = True
    truth = Seen("Annotations", GREY, (64, 96), (Mark("object", EVIL, "#123456", (20, 10, 40, 20)),))
    restored = Seen(
        "Sharp",
        GREY // 2,
        (64, 96),
        (Mark("lost", EVIL, "#123456", (20, 10, 40, 20)), Mark("invented", "cat", "#654321", (0, 0, 9, 9), 0.75)),
        (Area("fur", "#888888", mask, False, True),),
        more="1 more on crowds",
    )
    return make_scene(name, [truth, restored, Seen("HR", GREY, (64, 96), on_hr=True)], "The judge", folder, "why")


def section(folder: Path, **more: Any) -> Section:
    return Section(
        "judge-protocol",
        f"The judge {EVIL}",
        "a protocol",
        (("Judge", "judge"),),
        5,
        (Column("PQ", "higher", "how it is"), Column("OMISSION", "lower", "share")),
        (
            Row("HR", "ceiling", (Number(51.26, 50.0, 52.0), Number(None, why="from here")), (None, None)),
            Row("Sharp", "", (Number(-0.04), Number(3.0, 1.0, 4.96)), (Number(40.0, 30.0, 50.0), None), seeds=3),
        ),
        ClassTable("PQ", ("HR", "Sharp"), {EVIL: (50.0, None)}),
        [scene(folder / PICTURES)],
        **more,
    )


def test_the_page_is_sound_and_escaped(tmp_path: Path, read_page: Callable[[Path], Any]) -> None:
    path = tmp_path / "index.html"
    path.write_text(render([section(tmp_path, problems=[f"problem {EVIL}"])], f"set {EVIL}", "small", rule="the rule"))
    page = read_page(path)
    assert page.text.count(EVIL) > 4 and escape(EVIL) in path.read_text()
    assert "scene & 1" in page.text and "the rule" in page.text
    # Only kinds and classes that appear are explained.
    legend = page.section("judge-protocol")
    assert "annotated object" in legend and "brought back: found" not in legend
    assert "#123456" in legend and "fur</li>" in legend


def test_numbers_are_written_as_they_are(tmp_path: Path) -> None:
    html = render([section(tmp_path)], "set", "small", rule="")
    assert '<td class="n">51.3<span class="range">50.0 to 52.0</span></td>' in html
    assert '<td class="n"><span title="from here">–</span></td>' in html
    assert '<td class="n">0.0<span class="share">recovered 40.0<span class="range">30.0 to 50.0</span></span></td>' in html
    assert '<td class="n">3.0<span class="range">1.0 to 5.0</span></td>' in html
    assert "mean of 3 seeds" in html and html.count("mean of") == 1
    assert '<td class="n">50.0</td><td class="n">–</td>' in html


def test_equal_scenes_give_equal_bytes(tmp_path: Path) -> None:
    made = [render([section(tmp_path / name)], "set", "small", rule="") for name in "ab"]
    assert made[0] == made[1]
    files = [{path.name: path.read_bytes() for path in (tmp_path / name / PICTURES).iterdir()} for name in "ab"]
    assert files[0] == files[1] and len(files[0]) == 3  # two pictures, of which one is shown twice, and one of masks


def test_pictures_are_told_to_who_does_not_see_them(tmp_path: Path) -> None:
    truth, restored, hr = scene(tmp_path).views
    assert truth.described == f"scene & 1, Annotations. annotated: {EVIL}."
    assert restored.described == f"scene & 1, Sharp. lost: {EVIL}; invented: cat 0.75; areas: fur."
    assert hr.described == "scene & 1, HR. The judge finds nothing."
    assert [(tally.symbol, tally.told, tally.count, tally.names) for tally in restored.tallies] == [
        ("×", "lost", 1, (EVIL,)),
        ("+", "invented", 1, ("cat 0.75",)),
    ]
    assert (restored.shown.width, restored.shown.height) == (256, 171)
    np.testing.assert_array_equal(read_rgb(tmp_path / restored.shown.file), GREY // 2)


def test_what_hr_lacks_is_not_called_lost(tmp_path: Path) -> None:
    marks = (Mark("lost", "dog", "#123456", (0, 0, 9, 9)), Mark("doubted", "cat", "#123456", (0, 0, 9, 9), 0.5))
    (view,) = make_scene("a", [Seen("HR", GREY, (32, 48), marks, on_hr=True)], "j", tmp_path).views
    assert [tally.told for tally in view.tallies] == ["not seen", "not annotated"]


def test_objects_called_alike_are_counted(tmp_path: Path) -> None:
    marks = tuple(Mark("lost", name, "#123456", (0, 0, 9, 9)) for name in ("dog", "cat", "dog"))
    (view,) = make_scene("a", [Seen("x", GREY, (32, 48), marks)], "j", tmp_path).views
    assert [(tally.count, tally.names) for tally in view.tallies] == [(3, ("dog (2)", "cat"))]


def test_nothing_judged_is_a_page_too(tmp_path: Path, read_page: Callable[[Path], Any]) -> None:
    path = tmp_path / "index.html"
    path.write_text(render([Section("a-b", "A", "B", problems=["run `semsr judge set`"])], "set", "small", rule=""))
    assert "run `semsr judge set`" in read_page(path).text
    assert "<table>" not in path.read_text()
