"""A real process, killed with SIGKILL in the middle: same bytes as an undisturbed run, at most one batch done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

SLOW = """
import os, time

class Method(Restorer):
    halo = 3

    def restore(self, lr, *, names, seed):
        with open(os.environ["CALLS"], "a") as file:
            file.write(" ".join(names) + "\\n")
        time.sleep(float(os.environ["PAUSE"]))
        noise = torch.rand(lr.shape, generator=torch.Generator().manual_seed(seed)) + torch.rand(lr.shape)
        return F.interpolate((lr + noise) / 3, scale_factor=4, mode="bicubic")
"""
RUN = (
    "from semsr.project import Project; from semsr.stages import infer\n"
    "project = Project.find(); infer.run(project, project.profile('quick'), 'demo', 'slow', batch={batch})"
)


def start(calls: Path, pause: float, batch: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "CALLS": str(calls), "PAUSE": str(pause), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", RUN.format(batch=batch)], env=environment)


def wait_for(condition: Any, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the process ended before it could be killed"
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.01)


@pytest.mark.parametrize(
    "batch, delay", [(2, 0.05), pytest.param(1, 0.0, marks=pytest.mark.slow), pytest.param(1, 0.15, marks=pytest.mark.slow)]
)
def test_killed_in_the_middle_and_started_again(
    bench: Any, make_texture: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int, delay: float
) -> None:
    bench.pictures({f"p{index}": make_texture(20, 16, index) for index in range(8)})
    bench.method("slow", SLOW)
    calls = tmp_path / "calls.txt"
    process = start(calls, 0.2, batch)
    cell = bench.cell("slow")
    wait_for(lambda: cell.images.is_dir() and len(list(cell.images.glob("p*.png"))) >= 3, process)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = {path.name: path.read_bytes() for path in cell.images.glob("p*.png")}
    assert 3 <= len(left) < 8 and not cell.record.exists()
    (cell.images / ".p7.png.123.deadbeef.partial").write_bytes(b"half a picture")

    assert start(calls, 0.0, batch).wait(120) == 0
    continued = {path.name: path.read_bytes() for path in cell.images.iterdir()}
    assert cell.record.exists() and not cell.partial.exists()
    assert sorted(continued) == [f"p{index}.png" for index in range(8)]
    assert all(continued[name] == data for name, data in left.items())
    done = calls.read_text().splitlines()
    assert len(done) - len(set(done)) <= 1, f"more than one batch was done twice: {done}"
    assert len(set(done)) == 8 // batch

    cell.wipe()
    monkeypatch.setenv("CALLS", str(calls))
    monkeypatch.setenv("PAUSE", "0")
    bench.infer("slow", batch=batch)
    assert {path.name: path.read_bytes() for path in cell.images.iterdir()} == continued
