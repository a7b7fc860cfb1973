"""A new method's folder passes the contract tests at once; broken methods fail the test that is meant for them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from semsr.errors import MethodError, SemsrError
from semsr.imaging.pictures import write_png
from semsr.stages import check, new


def test_a_new_method_works_at_once(bench: Any, capsys: Any) -> None:
    folder = new.method(bench.project, "my-net2")
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "method.py", "method.yaml"]
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]
    check.run(bench.project, "my-net2", threads=1)
    table = capsys.readouterr().out
    assert table.count("pass") == 8 and "FAIL" not in table, table
    assert len(list(bench.infer("my-net2").images.iterdir())) == 5


@pytest.mark.parametrize("name", ["Net", "my_net", "-net", "net-", "a--b", "", "../net", "new", "net.py", "ünet"])
def test_names_that_cannot_be_a_method(bench: Any, name: str) -> None:
    with pytest.raises(SemsrError, match="can't be a method's name"):
        new.method(bench.project, name)
    assert list((bench.root / "methods").iterdir()) == []


def test_a_taken_name_is_refused_and_nothing_is_touched(bench: Any) -> None:
    folder = new.method(bench.project, "my-net")
    (folder / "method.py").write_text("mine")
    with pytest.raises(SemsrError, match="methods/my-net exists already"):
        new.method(bench.project, "my-net")
    assert (folder / "method.py").read_text() == "mine"


RESTORE = "    def restore(self, lr, *, names, seed):\n        "
BROKEN = {
    "deterministic": RESTORE
    + "self.n = getattr(self, 'n', 0) + 1\n        return F.interpolate(lr, scale_factor=4) * (1 - 0.01 * self.n)",
    "batch of 2 = singles": RESTORE + "return F.interpolate(lr - 0.2 * (len(lr) - 1), scale_factor=4)",
    "tiles = whole": "    halo = 1\n" + RESTORE + "return F.interpolate(F.avg_pool2d(lr, 9, 1, 4), scale_factor=4)",
    "odd sizes": RESTORE + "assert lr.shape[-1] % 4 == 0\n        return F.interpolate(lr, scale_factor=4)",
    "size, type, range": RESTORE + "return F.interpolate(lr, scale_factor=4) * 255",
}


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal on which no line of the table is folded."""
    monkeypatch.setenv("COLUMNS", "240")


@pytest.mark.parametrize("test", BROKEN)
def test_a_broken_method_fails_its_test(bench: Any, test: str, capsys: Any) -> None:
    bench.method("broken", f"class Method(Restorer):\n{BROKEN[test]}\n")
    with pytest.raises(MethodError, match=r"of \d checks failed") as caught:
        check.run(bench.project, "broken", threads=1)
    assert f"default: {test}" in str(caught.value)
    assert "FAIL" in capsys.readouterr().out


def test_a_method_that_cannot_be_loaded_fails(bench: Any, bicubic_code: str, capsys: Any) -> None:
    bench.method("gone", bicubic_code, {"entry": "method:Missing"})
    with pytest.raises(MethodError, match="default: loads"):
        check.run(bench.project, "gone")
    bench.method("raises", bicubic_code + "\n    def load(self, weights, device):\n        raise KeyError('conv_first')\n")
    with pytest.raises(MethodError, match="default: loads"):
        check.run(bench.project, "raises")
    assert "KeyError: 'conv_first'" in capsys.readouterr().out


def test_a_program_is_checked(bench: Any, capsys: Any) -> None:
    program = (
        "import sys, random; from pathlib import Path; from PIL import Image\n"
        "for path in Path(sys.argv[1]).iterdir():\n"
        "    image = Image.open(path)\n"
        "    image = image.resize((image.width * 4, image.height * 4))\n"
        "    if SHAKY: image.putpixel((0, 0), (random.randrange(256), 0, 0))\n"
        "    image.save(Path(sys.argv[2]) / path.name)\n"
    )
    for name, shaky in (("steady", "False"), ("shaky", "True")):
        run = [sys.executable, "{method}/program.py", "{lr}", "{sr}"]
        folder = bench.method(name, card={"runner": "command", "entry": None, "command": {"run": run}})
        (folder / "program.py").write_text(program.replace("SHAKY", shaky))
    check.run(bench.project, "steady")
    assert capsys.readouterr().out.count("pass") == 4
    with pytest.raises(MethodError, match="default: deterministic"):
        check.run(bench.project, "shaky")


def test_pictures_someone_else_made_are_checked(bench: Any, tmp_path: Path, make_texture: Any, capsys: Any) -> None:
    card = {"runner": "outputs", "entry": None, "variants": {"default": {"label": "Theirs", "trust": "L1"}}}
    bench.method("theirs", card=card | {"outputs": {"folder": str(tmp_path / "{dataset}"), "made_by": "them"}})
    with pytest.raises(MethodError, match="default: pictures"):
        check.run(bench.project, "theirs")
    for index in range(5):
        write_png(tmp_path / "demo" / f"p{index}.png", make_texture(48, 40))
    check.run(bench.project, "theirs")
    assert "5 pictures, names and sizes right" in capsys.readouterr().out


PICKLED = """
import multiprocessing, sys

if __name__ == "__main__":
    from semsr.plugins import load_plugin
    from semsr.project import Project
    made = load_plugin(Project.find(), "method", "two-words", "method:Method")()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        back = pool.apply(type(made).describe, (made,))
    print(back, flush=True)
"""


def test_a_plugins_object_survives_a_spawned_process(bench: Any, bicubic_code: str, tmp_path: Path) -> None:
    import os
    import subprocess

    bench.method(
        "two-words", bicubic_code + "\n    def describe(self):\n        return f'{type(self).__module__} halo {self.halo}'\n"
    )
    script = tmp_path / "spawn.py"
    script.write_text(PICKLED)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=os.environ, check=False)
    assert done.stdout.strip() == "semsr.plugins.methods.two_words.method halo 3", done.stderr
