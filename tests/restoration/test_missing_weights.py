"""Variants whose weights can't be had: noted, no failure with --keep-going, and never in the way of others. Draws and their spread."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semsr.errors import MethodError, MissingAssetsError, SemsrError
from semsr.imaging.pictures import read_rgb
from semsr.restoration.cell import Cell
from semsr.stages import infer, spread

NOISE = """
class Method(Restorer):
    halo = 3
    deterministic = True

    def __init__(self, strength=0.1):
        super().__init__()
        self.strength = strength

    def restore(self, lr, *, names, seed):
        from semsr.restoration.seeding import picture_generator
        sr = F.interpolate(lr, scale_factor=4, mode="nearest")
        noise = [torch.randn(sr.shape[1:], generator=picture_generator(seed, name)) for name in names]
        return sr + self.strength * torch.stack(noise)
"""
BROKEN = """
class Method(Restorer):
    def restore(self, lr, *, names, seed):
        return lr
"""


def wanted(name: str, **keys: Any) -> dict[str, Any]:
    plain = {
        "id": name,
        "file": f"{name}.bin",
        "title": f"The {name}",
        "licence": "MIT",
        "unpinned": "nobody says",
        "source": "a test",
    }
    plain |= {"manual": f"Set SEMSR_TEST_FILES to a folder with {name}.bin.", "about": 5}
    return plain | {"mirrors": [{"kind": "file", "path": f"$SEMSR_TEST_FILES/{name}.bin"}]} | keys


@pytest.fixture
def two(bench: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A method with a row that needs nothing and one that needs two files from outside."""
    monkeypatch.delenv("SEMSR_TEST_FILES", raising=False)
    variants = {"heavy": {"label": "heavy", "weights": ["alpha+beta"]}, "default": {"label": "plain"}}
    bench.method("noisy", NOISE, {"variants": variants}, [wanted("alpha"), wanted("beta")])
    return bench


def run(bench: Any, **settings: Any) -> None:
    infer.run(bench.project, bench.profile, "demo", "noisy", **settings)


def supply(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(exist_ok=True)
    for name in ("alpha", "beta"):
        (folder / f"{name}.bin").write_bytes(name.encode())
    monkeypatch.setenv("SEMSR_TEST_FILES", str(folder))


def test_without_keep_going_it_is_an_error_that_names_all_that_lacks(two: Any) -> None:
    with pytest.raises(MissingAssetsError, match="asset 'alpha'") as raised:
        run(two)
    assert list(raised.value.reasons) == ["alpha", "beta"]
    assert "variable in its path is not set" in raised.value.reasons["alpha"] and raised.value.reasons["beta"] == ""
    assert len(two.cell("noisy").done()) == 5, "the other row is restored all the same"
    assert not two.cell("noisy", "heavy").missing.exists()


def test_with_keep_going_it_is_noted_and_said_in_one_line(two: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        run(two, keep_going=True)
    assert len(two.cell("noisy").done()) == 5
    cell = two.cell("noisy", "heavy")
    assert [path.name for path in cell.folder.iterdir()] == ["missing.json"]
    assert [(file.id, file.size_text) for file in cell.lacking()] == [("alpha", "about 5 bytes"), ("beta", "about 5 bytes")]
    assert "Set SEMSR_TEST_FILES" in cell.lacking()[1].manual
    lines = [record.getMessage() for record in caplog.records if "heavy" in record.getMessage()]
    assert lines == [
        "noisy/heavy on demo: not run, needs asset alpha (about 5 bytes) and 1 more file, about 10 bytes together; "
        "see `semsr plan noisy --variant heavy`"
    ]


def test_the_note_is_the_same_every_time(two: Any) -> None:
    run(two, keep_going=True)
    first = two.cell("noisy", "heavy").missing.read_bytes()
    run(two, keep_going=True)
    assert two.cell("noisy", "heavy").missing.read_bytes() == first
    assert b"assets/" not in first and str(two.root).encode() not in first, "nothing of this machine"


def test_a_later_run_tries_again(two: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(two, keep_going=True)
    supply(tmp_path / "own", monkeypatch)
    run(two, keep_going=True)
    cell = two.cell("noisy", "heavy")
    assert not cell.missing.exists() and cell.lacking() == () and len(cell.done()) == 5
    assert [entry["asset"] for entry in json.loads(cell.record.read_text())["weights"]] == ["alpha", "beta"]


def test_a_finished_cell_is_not_harmed(two: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    supply(tmp_path / "own", monkeypatch)
    run(two)
    cell = two.cell("noisy", "heavy")
    before = {path.name: path.read_bytes() for path in cell.images.iterdir()} | {"run": cell.record.read_bytes()}
    monkeypatch.delenv("SEMSR_TEST_FILES")
    monkeypatch.setenv("SEMSR_ASSETS", str(tmp_path / "empty"))
    cell.lack(())  # as an attempt in between might have left it
    run(two, keep_going=True)
    assert not cell.missing.exists(), "nothing has changed, so that nothing is needed"
    card = two.root / "methods" / "noisy" / "method.py"
    card.write_text(card.read_text() + "\n# another state of the code\n")
    run(two, keep_going=True)
    after = {path.name: path.read_bytes() for path in cell.images.iterdir()} | {"run": cell.record.read_bytes()}
    assert after == before
    assert cell.lacking(), "but it no longer is what would be made now"


def test_other_errors_are_not_excused(bench: Any) -> None:
    bench.method("noisy", BROKEN)
    with pytest.raises(MethodError):
        run(bench, keep_going=True)
    assert not bench.cell("noisy").missing.exists()


def test_each_file_is_asked_for_once_for_all_rows(two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from semsr.assets import store

    asked = []
    bring = store.bring
    monkeypatch.setattr(store, "bring", lambda mirror, order: (asked.append(order.asset.id), bring(mirror, order))[1])
    run(two, keep_going=True, seeds=3)
    assert asked == ["alpha"]
    assert {path.parent.name for path in two.cell("noisy").folder.parent.glob("*/missing.json")} == {
        "heavy",
        "heavy@1",
        "heavy@2",
    }


def test_several_draws_and_their_spread(two: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        run(two, variant="default", seeds=3)
    folder = two.cell("noisy").folder.parent
    cells = [Cell(folder / name) for name in ("default", "default@1", "default@2")]
    assert [json.loads(cell.record.read_text())["seed"] for cell in cells] == [0, 1, 2]
    record = json.loads((folder / "default.spread.json").read_text())
    expected = {}
    for name in sorted(two.cell("noisy").done()):
        stack = np.stack([read_rgb(cell.picture(name)).astype(float) for cell in cells])
        expected[name] = np.std(stack, axis=0, ddof=1).mean()
    assert record["pictures"] == pytest.approx(expected, rel=1e-12)
    assert record["mean"] == pytest.approx(np.mean(list(expected.values())), rel=1e-12) and record["mean"] > 5
    assert record["seeds"] == [0, 1, 2] and "grey levels" in record["what"]
    assert f"3 results differ by {record['mean']:.2f} grey levels" in caplog.text


def test_one_draw_by_its_seed(two: Any) -> None:
    run(two, variant="default", seed=2)
    cell = Cell(two.cell("noisy").folder.parent / "default@2")
    drawn = cell.picture("p1").read_bytes()
    run(two, variant="default", seeds=3)
    assert cell.picture("p1").read_bytes() == drawn, "a draw does not depend on how many there are"
    with pytest.raises(SemsrError, match="not both"):
        run(two, seed=1, seeds=2)


def test_missing_weights_have_no_spread(two: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        run(two, variant="heavy", seeds=2, keep_going=True)
    assert "no spread, of fewer than two results" in caplog.text
    assert not list(two.cell("noisy").folder.parent.glob("*.spread.json"))


def test_equal_pictures_have_no_spread(make_texture: Any) -> None:
    picture = make_texture(8, 9)
    assert spread.deviation([picture, picture, picture]) == 0.0
    assert spread.deviation([np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)]) == pytest.approx(255 / 2**0.5)
