"""A large data set costs a worker its arrays and nothing else: no object a picture that counting references would copy."""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from semsr.preparation.manifest import Entry, Prepared
from semsr.training.crops import Patch
from semsr.training.index import Index, Source, Texts
from semsr.training.lowres import PairedLr
from semsr.training.patches import TrainingPictures
from semsr.training.subimages import SubImages


def large(demo: Prepared, count: int) -> TrainingPictures:
    """A data set of so many pictures, which only the manifest knows."""
    folder = demo.folder
    entries = tuple(
        Entry(
            f"{n:06}", folder / f"lr/{n}.png", folder / f"hr/{n}.png", (339, 510), (1356, 2040), f"{n:064x}", "0" * 64, "train"
        )
        for n in range(count)
    )
    return TrainingPictures([Source(Prepared(demo.card, folder, entries))], Patch(256, cut=SubImages()), lr=PairedLr())


def reachable(thing: object) -> int:
    """How many objects hang on it, classes and modules left out."""
    seen: dict[int, object] = {}
    todo = [thing]
    while todo:
        one = todo.pop()
        if (
            id(one) in seen
            or isinstance(one, type)
            or type(one).__name__ in ("module", "function", "builtin_function_or_method")
        ):
            continue
        seen[id(one)] = one
        todo += gc.get_referents(one)
    return len(seen)


def test_objects_do_not_grow_with_the_pictures(demo: Prepared) -> None:
    few, many = large(demo, 100), large(demo, 10_000)
    assert len(many) == 400_000
    assert abs(reachable(many) - reachable(few)) < 20
    assert len(pickle.dumps(many)) < 2.5e6  # what a spawned worker is sent


def test_entries_survive_the_arrays(demo: Prepared) -> None:
    index = Index([Source(demo)])
    for at, entry in enumerate(demo.train):
        assert (index.name(at), index.file(at, "hr"), index.file(at, "lr")) == (f"demo/{entry.name}", entry.hr, entry.lr)
        assert (index.size(at, "hr"), index.size(at, "lr")) == (entry.hr_size, entry.lr_size)
        assert (index.sha256(at, "hr"), index.sha256(at, "lr")) == (entry.hr_sha256, entry.lr_sha256)
    texts = Texts(["", "naïve", "", "z" * 300])
    assert [texts[n] for n in range(len(texts))] == ["", "naïve", "", "z" * 300]


GROWTH = """
import gc, os, sys
from pathlib import Path
from semsr.cards import DatasetCard
from semsr.preparation.manifest import Entry, Prepared
from semsr.training.index import Index, Source

def private():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024

card, folder, count = DatasetCard.model_validate_json(Path(sys.argv[1]).read_text()), Path("/data"), 50_000
entries = tuple(
    Entry(f"{n:06}", folder / f"lr/{n:06}.png", folder / f"hr/{n:06}.png", (339, 510), (1356, 2040), f"{n:064x}", f"{n + count:064x}", "train")
    for n in range(count)
)
index = Index([Source(Prepared(card, folder, entries))])
if sys.argv[2] == "arrays":
    del entries
gc.collect()
if os.fork() == 0:
    before = private()
    for at in range(count):
        if sys.argv[2] == "arrays":
            index.name(at), index.file(at, "hr"), index.size(at, "lr"), index.sha256(at, "hr")
        else:
            entries[at].name, entries[at].hr, entries[at].lr_size, entries[at].hr_sha256
    print(private() - before, flush=True)
    os._exit(0)
os.wait()
"""  # noqa: E501


def growth(kind: str, card: Path) -> float:
    """MiB that a forked process copies by looking at each of 50,000 pictures once."""
    return float(subprocess.run([sys.executable, "-c", GROWTH, str(card), kind], capture_output=True, check=True).stdout)


def test_a_worker_that_has_seen_all_pictures_has_copied_none(demo: Prepared, tmp_path: Path) -> None:
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("needs Linux's /proc to tell private memory")
    (tmp_path / "card.json").write_text(demo.card.model_dump_json())
    arrays, objects = growth("arrays", tmp_path / "card.json"), growth("objects", tmp_path / "card.json")
    assert arrays < 5 < 15 < objects
