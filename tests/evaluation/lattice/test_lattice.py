"""Values of ways against numpy, and what is done only once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from semsr.errors import PictureError
from semsr.evaluation.journal import Journal
from semsr.evaluation.lattice.lattice import Lattice, Means
from semsr.evaluation.lattice.measure import Kept, Pictures
from semsr.evaluation.lattice.ways import OWN
from semsr.evaluation.protocol import resolve
from semsr.imaging.pictures import read_rgb
from semsr.project import Project

SIZES = {"a": (50, 60), "b": (50, 60), "c": (70, 44)}
Make = Callable[..., dict[str, Path]]


@pytest.fixture
def sets(pictures: Make) -> list[Pictures]:
    """Two seeds' outputs against one HR."""
    hr = pictures("hr", SIZES, 1)
    return [Pictures(pictures(f"sr{seed}", SIZES, 2 + seed), hr, SIZES) for seed in range(2)]


@pytest.fixture
def lattice(small: Project, add_protocol: Callable[..., str], sets: list[Pictures]) -> Callable[..., Lattice]:
    def make(kept: Kept | None = None, columns: tuple[str, ...] = ("error", "edges", "contrast"), threads: int = 2) -> Lattice:
        add_protocol("p", error="mae", edges="edges", contrast="contrast", a="absent", colour="colour")
        return Lattice(small, resolve(small, "p"), columns, sets, scale=4, kept=kept, threads=threads)

    return make


def by_id(means: Means, column: str) -> dict[str, float]:
    return {way.id: value for way, value in means.values[column].items()}


def test_values_are_those_of_numpy(lattice: Callable[..., Lattice], sets: list[Pictures]) -> None:
    found = by_id(lattice().singles(["error"]), "error")

    def expect(of: Callable[[np.ndarray, np.ndarray], float]) -> float:
        each = [
            [of(*(read_rgb(side[name]).astype(float) for side in (one.outputs, one.references))) for name in SIZES]
            for one in sets
        ]
        return float(np.mean(each))

    assert found[""] == pytest.approx(expect(lambda sr, hr: np.abs(sr - hr).mean()))
    assert found["border=4"] == pytest.approx(expect(lambda sr, hr: np.abs(sr - hr)[4:-4, 4:-4].mean()))
    assert found["channels=outputs-swapped"] == pytest.approx(expect(lambda sr, hr: np.abs(sr[..., ::-1] - hr).mean()))
    moved = expect(lambda sr, hr: np.abs(np.concatenate([sr[:1], sr[:-1]]) - hr).mean())
    assert found["shift=down"] == pytest.approx(moved)
    cut = expect(lambda sr, hr: np.abs(sr - hr)[: len(sr) // 8 * 8, : sr.shape[1] // 8 * 8].mean())
    assert found["part=multiple-8"] == pytest.approx(cut)
    assert "aggregation=pooled" not in found, "a mean absolute error says nothing of pooled errors"


def test_networks_are_asked_less(lattice: Callable[..., Lattice]) -> None:
    made = lattice()
    assert made.is_quick("error") and not made.is_quick("edges")
    means = made.singles(["error", "edges"])
    assert len(by_id(means, "edges")) < len(by_id(means, "error"))
    assert {"", "stored=jpeg-95", "channels=swapped"} <= set(by_id(means, "edges"))
    assert not made.pairs(["edges"]).values


def test_what_can_not_be_had_says_why(lattice: Callable[..., Lattice]) -> None:
    made = lattice(columns=("a", "error", "colour"))
    means = made.singles(["a", "error", "colour"])
    assert not means.values["a"] and all("no-such-package-anywhere" in line for line in means.untried["a"])
    assert "colour" not in means.values, "of the whole set"


def test_what_an_edit_leaves_may_be_too_small(small: Project, pictures: Make, add_protocol: Callable[..., str]) -> None:
    add_protocol("p", broken=("broken", {"gives": "small"}))
    files = pictures("tiny", {"a": (20, 20)})
    made = Lattice(small, resolve(small, "p"), ["broken"], [Pictures(files, None, {"a": (20, 20)})], scale=4)
    means = made.singles(["broken"])
    assert not [way for way in means.values["broken"] if way.edit]
    assert any("the pictures are too small" in line for line in means.untried["broken"])


def test_files_are_measured_once(
    lattice: Callable[..., Lattice], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sets: list[Pictures]
) -> None:
    notes = tmp_path / "notes"
    monkeypatch.setenv("SEMSR_TEST_NOTES", str(notes))
    with Journal(tmp_path / "journal.jsonl", "code") as journal:
        first = lattice(Kept(journal)).singles(["error"])
    done = Counter(line.split()[0] for line in notes.read_text().splitlines())
    assert done["hr"] < done["sr"], "HR as it is serves all edits of outputs alone"
    with Journal(tmp_path / "journal.jsonl", "code") as journal:
        again = lattice(Kept(journal)).singles(["error"])
        assert again.values == first.values
        assert Counter(line.split()[0] for line in notes.read_text().splitlines()) == done
    # Another picture is another batch: nothing old is taken for it.
    sets[0].outputs["b"].write_bytes(sets[1].outputs["b"].read_bytes())
    with Journal(tmp_path / "journal.jsonl", "code") as journal:
        kept = Kept(journal)
        changed = lattice(kept).singles(["error"])
        assert changed.values["error"][OWN] != first.values["error"][OWN]
        before = len(journal.entries)
        kept.forget_others()
        assert 0 < len(journal.entries) < before
        assert lattice(kept).singles(["error"]).values == changed.values


def test_threads_change_nothing(lattice: Callable[..., Lattice]) -> None:
    assert lattice(threads=1).singles(["error"]).values == lattice(threads=3).singles(["error"]).values


def test_progress_reaches_its_end(lattice: Callable[..., Lattice]) -> None:
    made, seen = lattice(), []
    made.progress = seen.append
    made.singles(["error"])
    assert sum(seen) <= made.work
    assert sum(seen) > 0.8 * made.work


def test_a_file_that_is_gone_is_said(lattice: Callable[..., Lattice], sets: list[Pictures]) -> None:
    made = lattice()
    sets[1].outputs["c"].unlink()
    with pytest.raises(PictureError, match=r"c\.png: no such file"):
        made.singles(["error"])
