"""Segmenters that are programs of their own: what they are given, what is read, and what each failure says."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semsr.cards.protocol import PostProcessing
from semsr.cards.segmenter import SegmenterCard
from semsr.errors import SegmenterError
from semsr.imaging.pictures import read_rgb, write_png
from semsr.segmentation.command import run_command
from semsr.segmentation.found import Category, Found

CATEGORIES = (Category(1, "person", True), Category(18, "dog", True), Category(187, "sky", False))
SIZES = {"b": (3, 5), "a": (6, 4)}
RULE = PostProcessing(score=0.25, mask=0.4, overlap=0.7, detections=9)
PROGRAM = """
import json, os, sys
from pathlib import Path
import numpy as np
from PIL import Image
pictures, sizes, categories, found, weights, here, *numbers = sys.argv[1:]
found = Path(found)
print("looking with", weights, *numbers)
sizes, categories = json.loads(Path(sizes).read_text()), json.loads(Path(categories).read_text())
(found / "panoptic").mkdir(), (found / "semantic").mkdir()
annotations, instances = [], []
for path in sorted(Path(pictures).iterdir()):
    grey = int(np.asarray(Image.open(path))[0, 0, 0])
    size = sizes[path.stem]
    ids = np.zeros((*size, 3), np.uint8)
    ids[0, :, 0] = grey
    Image.fromarray(ids).save(found / "panoptic" / path.name)
    Image.fromarray(np.full(size, 2, np.uint8)).save(found / "semantic" / path.name)
    annotations.append({"file_name": path.name, "segments_info": [{"id": grey, "category_id": categories[-1]["id"]}]})
    instances.append({"image_id": path.stem, "category_id": 18, "bbox": [0, 0, 2, 2], "score": float(numbers[0])})
(found / "panoptic.json").write_text(json.dumps({"annotations": annotations}))
(found / "instances.json").write_text(json.dumps(instances))
"""
RUN = (
    sys.executable,
    "{segmenter}/program.py",
    "{pictures}",
    "{sizes}",
    "{categories}",
    "{found}",
    "{weights}",
    "{segmenter}",
    "{score}",
    "{mask}",
    "{overlap}",
    "{detections}",
)


def card(**command: Any) -> SegmenterCard:
    told = {"run": RUN, "repository": "someone/something", "commit": "0123abc"} | command
    return SegmenterCard(
        id="outside", title="O", licence="MIT", runner="command", command=told, gives=("panoptic", "semantic", "boxes")
    )


@pytest.fixture
def find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Found]]:
    """Runs a program, in a project whose segmenters/outside/ holds it, on two pictures of grey levels 10 and 20."""
    root = tmp_path / "project"
    folder = root / "segmenters" / "outside"
    for place in (folder, root / "metrics" / "protocols", root / "profiles"):
        place.mkdir(parents=True)
    (folder / "segmenter.yaml").write_text("{}")
    monkeypatch.setenv("SEMSR_PROJECT", str(root))
    pictures = {}
    for name, grey in (("b", 10), ("a", 20)):
        pictures[name] = tmp_path / f"{name}.png"
        write_png(pictures[name], np.full((6, 5, 3), grey, np.uint8))

    def find(program: str = PROGRAM, given: SegmenterCard | None = None) -> list[Found]:
        (folder / "program.py").write_text(program)
        scratch = tmp_path / f"scratch{len(list(tmp_path.iterdir()))}"
        scratch.mkdir()
        weights = {"first": Path("/w/first.pt"), "second": Path("/w/second.pt")}
        return list(run_command(given or card(), weights, pictures, SIZES, CATEGORIES, RULE, scratch))

    return find


def test_it_is_given_everything_and_read_back_in_our_order(find: Any, tmp_path: Path) -> None:
    found = find()
    assert [(each.name, each.size) for each in found] == [("b", (3, 5)), ("a", (6, 4))]
    for each, grey in zip(found, (10, 20), strict=True):
        assert each.panoptic is not None and each.panoptic[0].tolist() == [grey] * each.size[1] and not each.panoptic[1:].any()
        assert [(segment.id, segment.category) for segment in each.segments] == [(grey, 187)]
        assert each.classes is not None and (each.classes == 2).all()
        assert [(one.category, one.score, one.box, one.mask) for one in each.instances or ()] == [
            (18, 0.25, (0, 0, 2, 2), None)
        ]
    (scratch,) = tmp_path.glob("scratch*")
    assert (scratch / "log.txt").read_text() == "looking with /w/first.pt 0.25 0.4 0.7 9\n"
    assert json.loads((scratch / "sizes.json").read_text()) == {"b": [3, 5], "a": [6, 4]}
    assert json.loads((scratch / "categories.json").read_text())[1] == {"id": 18, "name": "dog", "isthing": 1}
    assert (read_rgb(scratch / "pictures" / "a.png") == 20).all()


FAILURES = {
    "exit status": (
        "print('loading'); print('no conv7'); raise SystemExit(3)",
        "exit status 3; it ended with: loading | no conv7",
    ),
    "silent": ("raise SystemExit(1)", "exit status 1; it printed nothing"),
    "nothing written": ("print('done')", "done"),
    "a map is missing": (PROGRAM + "(found / 'panoptic' / 'a.png').unlink()\n", "{found}/panoptic/a.png"),
    "a segment without an entry": (PROGRAM.replace('"id": grey,', '"id": grey + 1,'), "{found}"),
    "another size": (PROGRAM.replace("size = sizes[path.stem]", "size = (2, 2)"), "{found}"),
    "unknown category": (PROGRAM.replace('"category_id": 18', '"category_id": 19'), "19"),
    "no result": (
        PROGRAM + "(found / 'panoptic.json').unlink(), (found / 'panoptic.json').mkdir()\n",
        "{found}/panoptic.json: can't be read (Is a d",
    ),
    "no objects": (
        PROGRAM + "(found / 'instances.json').unlink(), (found / 'instances.json').mkdir()\n",
        "{found}/instances.json: can't be read",
    ),
    "colours": ("print('\\x1b[31mred\\x1b[0m\\x07 alert\\r\\x00 50%'); raise SystemExit(1)", "it ended with: red alert | 50%"),
    "log gone": ("import os; print('so'); os.unlink('log.txt'); raise SystemExit(2)", "exit status 2; it ended with: so"),
    "log gone, result, too": ("import os; print('so'); os.unlink('log.txt')", "it ended with: so"),
    "damaged": (PROGRAM + "(found / 'instances.json').write_text('[')\n", "{found}/instances.json"),
}


@pytest.mark.parametrize("what", FAILURES)
def test_what_goes_wrong_is_one_line(find: Any, what: str) -> None:
    program, says = FAILURES[what]
    with pytest.raises(SegmenterError) as raised:
        find(program)
    text = str(raised.value)
    assert text.startswith("outside: ") and says in text and "\n" not in text


def test_of_much_that_was_printed_the_end_is_said(find: Any) -> None:
    with pytest.raises(SegmenterError) as raised:
        find("print('first'); print('x' * 200_000 + 'end', end=''); raise SystemExit(1)")
    text = str(raised.value)
    assert text.endswith("xend") and "first" not in text and "it ended with: ...x" in text and len(text) < 400


def test_a_program_that_hangs_is_killed_with_its_children(find: Any, tmp_path: Path) -> None:
    note = tmp_path / "child"
    program = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    with pytest.raises(SegmenterError, match=r"no end within 0\.05 minutes, killed"):
        find(program, card(time_limit_minutes=0.05))
    for _ in range(100):
        if not _alive(int(note.read_text())):
            return
        time.sleep(0.05)
    pytest.fail("the program's child is still there")


def _alive(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_its_own_programs_come_first_and_our_python_is_forgotten(
    find: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "their env" / "bin"
    programs.mkdir(parents=True)
    (programs / "look").write_text(f'#!/bin/sh\necho "$PYTHONPATH|$VIRTUAL_ENV|$EXTRA"\nexec {sys.executable} "$@"\n')
    (programs / "look").chmod(0o755)
    monkeypatch.setenv("THEIR_ENV", str(tmp_path / "their env"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/ours"]))
    monkeypatch.setenv("VIRTUAL_ENV", "/ours")
    assert len(find(given=card(run=("look", *RUN[1:]), environment="$THEIR_ENV", variables={"EXTRA": "$THEIR_ENV/x"}))) == 2
    (scratch,) = tmp_path.glob("scratch*")
    assert (scratch / "log.txt").read_text().splitlines()[0] == f"||{tmp_path / 'their env'}/x"


@pytest.mark.parametrize(
    "command, says",
    [
        ({"run": ("no-such-program",)}, r"no program 'no-such-program' on PATH; .*segmenters/outside/README\.md"),
        ({"run": ("{segmenter}/nothing",)}, r"can't be started \(No such file or directory\)"),
        ({"run": (sys.executable, "{picture}")}, r"unknown placeholder 'picture'; allowed: \{pictures\}"),
        (
            {"environment": "nowhere"},
            r"command\.environment: no folder .*nowhere; make it as segmenters/outside/README\.md says",
        ),
    ],
)
def test_a_card_that_can_t_be_run_is_one_line(find: Any, command: dict[str, Any], says: str) -> None:
    with pytest.raises(SegmenterError, match=says):
        find(given=card(**command))
