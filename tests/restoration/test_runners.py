"""External programs and folders of finished pictures: what is kept, and what each failure says."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semsr.errors import CardError, MethodError, SemsrError
from semsr.imaging.pictures import encode_png, read_rgb, write_png

UPSCALE = """
import sys
from pathlib import Path
from PIL import Image
lr, sr, scale, seed = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
print("upscaling with seed", seed)
for path in sorted(lr.iterdir()):
    with Image.open(path) as image:
        image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST).save(sr / path.name)
"""


def command_method(bench: Any, program: str, **keys: Any) -> Path:
    """methods/outside with program.py and a card that runs it."""
    run = [sys.executable, "{method}/program.py", "{lr}", "{sr}", "{scale}", "{seed}"]
    card = {"runner": "command", "entry": None, "command": {"run": run} | keys}
    folder: Path = bench.method("outside", card=card)
    (folder / "program.py").write_text(program)
    return folder


def test_a_program_restores_a_folder_and_its_log_and_status_are_kept(bench: Any) -> None:
    command_method(bench, UPSCALE, repository="someone/something", commit="0123abc")
    cell = bench.infer("outside")
    lr = read_rgb(bench.root / "data" / "demo" / "lr" / "p2.png")
    assert np.array_equal(read_rgb(cell.picture("p2")), lr.repeat(4, 0).repeat(4, 1))
    record = json.loads(cell.record.read_text())
    assert record["exit_status"] == 0 and record["repository"] == "someone/something"
    assert "upscaling with seed 0" in (cell.folder / record["log"]).read_text()
    assert sorted(path.name for path in cell.folder.iterdir()) == ["images", "log.txt", "run.json"]


FAILURES = {
    "exit status": (
        "print('loading'); print('no such layer: conv7'); raise SystemExit(3)",
        "exit status 3; .*no such layer: conv7",
    ),
    "missing": (
        UPSCALE + "(sr / 'p1.png').unlink(); (sr / 'p4.png').unlink()\n",
        r"2 of 5 pictures are missing in {sr}: p1, p4.*upscaling",
    ),
    "other names": (
        UPSCALE + "for path in list(sr.iterdir()): path.rename(sr / f'{path.stem}_out.png')\n",
        "5 of 5 .*found but not expected: p0_out, p1_out, p2_out.*must be called like its LR picture",
    ),
    "nothing": ("", "no images .*it wrote nothing"),
    "size": (UPSCALE.replace("* scale", "* 2"), r"p0\.png: 20x24 pixels; expected 40x48 \(4 times the LR picture p0\)"),
    "16 bit": (UPSCALE.replace(".save(", ".convert('I;16').save("), r"p0\.png: 16-bit grey; only 8-bit RGB"),
    "truncated": (UPSCALE + "(sr / 'p0.png').write_bytes((sr / 'p0.png').read_bytes()[:60])\n", r"p0\.png: truncated"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failing_program_is_one_clear_line(bench: Any, case: str) -> None:
    program, message = FAILURES[case]
    command_method(bench, program)
    with pytest.raises(SemsrError, match=message) as caught:
        bench.infer("outside")
    assert "\n" not in str(caught.value)
    cell = bench.cell("outside")
    assert not cell.record.exists() and not (cell.folder / "work").exists() and not list(cell.images.iterdir())
    assert "[semsr] exit status" in (cell.folder / "log.txt").read_text()


def test_the_time_limit_kills_the_program_and_all_its_children(bench: Any, tmp_path: Path) -> None:
    pid = tmp_path / "child.pid"
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    program = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {stubborn!r}])\n"
        f"open({str(pid)!r}, 'w').write(str(child.pid))\nprint('step 1 of 1000', flush=True)\ntime.sleep(600)\n"
    )
    command_method(bench, program, time_limit_minutes=0.03)
    started = time.monotonic()
    with pytest.raises(MethodError, match=r"no end within 0.03 minutes, killed; last lines of .*log.txt: step 1 of 1000"):
        bench.infer("outside")
    assert time.monotonic() - started < 30
    time.sleep(0.2)
    state = Path(f"/proc/{pid.read_text()}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z", "a child of the program is still running"


def test_the_program_runs_in_its_own_environment(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    tools = tmp_path / "tools" / "bin"
    tools.mkdir(parents=True)
    (tools / "sr-tool").write_text(
        f'#!/bin/sh\necho "path=${{PYTHONPATH-none}} mode=$MODE threads=$OMP_NUM_THREADS"\nexec {sys.executable} {tmp_path}/up.py "$@"\n'
    )
    (tools / "sr-tool").chmod(0o755)
    (tmp_path / "up.py").write_text(UPSCALE)
    run = {
        "run": ["sr-tool", "{lr}", "{sr}", "{scale}", "{seed}"],
        "environment": str(tools.parent),
        "variables": {"MODE": "fast"},
    }
    bench.method("tool", card={"runner": "command", "entry": None, "command": run})
    cell = bench.infer("tool")
    assert "path=none mode=fast threads=1" in (cell.folder / "log.txt").read_text()
    assert os.environ["PYTHONPATH"] == "/nowhere"


@pytest.mark.parametrize(
    "command, message",
    [
        ({"run": ["no-such-program-here", "{lr}"]}, "no program 'no-such-program-here' on PATH"),
        ({"run": ["sh", "{input}"]}, "unknown placeholder 'input'; allowed: {lr}, {sr}"),
        ({"run": ["sh"], "environment": "env/gone"}, "no folder .*env/gone; make it as methods/outside/README.md says"),
    ],
)
def test_a_card_that_cannot_be_run(bench: Any, command: dict[str, Any], message: str) -> None:
    bench.method("outside", card={"runner": "command", "entry": None, "command": command})
    with pytest.raises(MethodError, match=message):
        bench.infer("outside")


def outputs(bench: Any, folder: Path, trust: str = "L1") -> None:
    variants = {"default": {"label": "Theirs", "trust": trust}}
    made = {"folder": f"{folder}/{{dataset}}-{{variant}}", "made_by": "the authors"}
    bench.method("theirs", card={"runner": "outputs", "entry": None, "outputs": made, "variants": variants})


def test_pictures_someone_else_made(bench: Any, tmp_path: Path, make_texture: Any) -> None:
    outputs(bench, tmp_path)
    folder = tmp_path / "demo-default"
    for index in range(5):
        write_png(folder / f"p{index}.png", make_texture(48, 40, index))
    cell = bench.infer("theirs")
    assert np.array_equal(read_rgb(cell.picture("p4")), make_texture(48, 40, 4))
    record = json.loads(cell.record.read_text())
    assert record["trust"] == "L1" and record["made_by"] == "the authors"

    write_png(folder / "p4.png", make_texture(48, 40, 9))
    bench.infer("theirs")
    assert np.array_equal(read_rgb(cell.picture("p4")), make_texture(48, 40, 9)), "other pictures are another result"

    (folder / "p0.png").write_bytes(encode_png(make_texture(47, 40)))
    with pytest.raises(MethodError, match=r"p0\.png: 40x47 pixels; expected 40x48"):
        bench.infer("theirs")
    (folder / "p0.png").unlink()
    with pytest.raises(MethodError, match="1 of 5 pictures are missing"):
        bench.infer("theirs")


def test_pictures_someone_else_made_claim_no_more_than_l1(bench: Any, tmp_path: Path) -> None:
    outputs(bench, tmp_path, trust="L3")
    with pytest.raises(CardError, match=r"variants\.default\.trust is 'L3'; pictures that someone else made are 'L1'"):
        bench.infer("theirs")
