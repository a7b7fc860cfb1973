"""Mistakes and damage: one line that names the picture, before training where sizes tell, out of a worker process where they don't."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from semsr.errors import PairingError, PictureError, SemsrError, SizeMismatchError
from semsr.imaging.degradation.parameters import FULL
from semsr.imaging.degradation.recipe import Recipe
from semsr.imaging.pictures import write_png
from semsr.preparation.manifest import Prepared
from semsr.training.crops import Patch, Resized
from semsr.training.index import Source
from semsr.training.loader import Loader
from semsr.training.lowres import BicubicLr, DegradedLr, PairedLr
from semsr.training.patches import TrainingPictures
from semsr.training.sampler import EpochSampler
from semsr.training.subimages import SubImages


def refused(kind: type[SemsrError], words: str, *args: Any, **kwargs: Any) -> None:
    with pytest.raises(kind, match=words) as error:
        TrainingPictures(*args, **kwargs)
    assert "\n" not in str(error.value)


def test_sizes_are_checked_before_training(make_set: Any, make_coded: Any) -> None:
    good, odd = make_coded(32, 32), make_coded(16, 40)
    data = [Source(make_set({"a": (good, good[::4, ::4]), "b": (odd, odd[:12:4, ::4])}))]
    refused(SizeMismatchError, r"demo/b: HR is 40x16 pixels and LR 10x3; HR must be 4 times LR", data, Patch(8), lr=PairedLr())
    refused(PictureError, r"demo/b: 40x16 pixels, smaller than the patch of 32", data, Patch(32))
    refused(PictureError, r"smaller than the patch of 24", data, Patch(16), lr=DegradedLr(Recipe(FULL), context=24))
    bare = [Source(make_set({"a": (good, None)}, "bare"))]
    refused(SizeMismatchError, r"bare/a: no LR picture", bare, Patch(8), lr=PairedLr())


def test_nothing_is_trained_on_test_pictures(make_set: Any, make_coded: Any) -> None:
    data = make_set({"a": (make_coded(16, 16), None)}, split="test")
    refused(SemsrError, "it is for testing, and nothing may be trained on it", [Source(data)], Patch(16))
    refused(SemsrError, "no data set given", [], Patch(16))


def test_data_sets_of_two_scales(make_set: Any, make_coded: Any) -> None:
    one, two = make_set({"a": (make_coded(16, 16), None)}, "one"), make_set({"a": (make_coded(16, 16), None)}, "two", scale=2)
    refused(SemsrError, "one x4, two x2|two x2, one x4", [Source(one), Source(two)], Patch(16))


@pytest.mark.parametrize("view, options, words", [
    (Patch(30), {}, "patch size: found 30; allowed: multiples of the scale, 4"),
    (Resized(30), {}, "size: found 30"),
    (Patch(32, cut=SubImages(24, 8)), {}, "does not fit into sub-images of 24"),
    (Patch(16, cut=SubImages(30, 8)), {"lr": PairedLr()}, "must be multiples of the scale, 4"),
    (Patch(16, cut=SubImages(24, 8)), {"lr": DegradedLr(Recipe(FULL), context=32)}, "context of 32 pixels does not fit"),
    (Patch(16, small="reflect"), {"lr": PairedLr()}, "LR and HR come apart"),
    (Resized(32), {"lr": PairedLr()}, "have no paired LR"),
    (Resized(32), {"lr": DegradedLr(Recipe(FULL), context=64)}, "no context around it"),
    (Patch(32), {"lr": DegradedLr(Recipe(FULL), context=16)}, "context: found 16"),
    (Patch(32), {"lr": DegradedLr(Recipe(FULL, scale=2))}, "makes LR of 1/2, but the data sets are x4"),
    (Patch(32), {"seed": -1}, "seed: found -1"),
])  # fmt: skip
def test_options_that_can_t_be(demo: Prepared, view: Any, options: dict[str, Any], words: str) -> None:
    refused(SemsrError, words, [Source(demo)], view, **options)


def test_a_plain_index_is_refused(demo: Prepared) -> None:
    """PyTorch's own samplers would give every epoch the same patches, silently."""
    with pytest.raises(SemsrError, match=r"allowed: \(epoch, index\)"):
        TrainingPictures([Source(demo)], Patch(32))[3]  # type: ignore[index]


def test_missing_tags_are_named(demo: Prepared, tmp_path: Path) -> None:
    folder = tmp_path / "tags"
    refused(PairingError, "no such folder", [Source(demo, tags=folder)], Patch(32))
    folder.mkdir()
    for number in (0, 2, 3):
        (folder / f"p{number}.txt").write_text("a tree")
    words = r"6 of 9 pictures have no tags \(<name>.txt\): demo/p1, demo/p4, demo/p5, demo/p6, demo/p7, \.\.\."
    refused(PairingError, words, [Source(demo, tags=folder)], Patch(32))
    refused(PairingError, "no folder of tags for demo", [Source(demo, tags=folder), Source(demo)], Patch(32))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_damaged_picture_is_one_line_out_of_a_worker(demo: Prepared, workers: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert demo.train[5].hr
    demo.train[5].hr.write_bytes(demo.train[5].hr.read_bytes()[:200])
    loader = Loader(TrainingPictures([Source(demo)], Patch(32)), EpochSampler(9), batch=2, workers=workers)
    with pytest.raises(PictureError, match=r"hr/p5\.png: truncated or damaged") as error:
        list(loader)
    assert "\n" not in str(error.value) and error.value.__cause__ is None
    assert "Traceback" not in capfd.readouterr().err


def test_a_file_changed_since_it_was_prepared(demo: Prepared, make_coded: Any) -> None:
    assert demo.train[0].hr
    write_png(demo.train[0].hr, make_coded(64, 60))
    with pytest.raises(SizeMismatchError, match=r"60x64 pixels, but the manifest says 64x64"):
        TrainingPictures([Source(demo)], Patch(32), lr=BicubicLr())[0, 0]


class Murderous(TrainingPictures):
    """Ends its own process, as the kernel does when memory runs out."""

    def __getitem__(self, key: Any) -> Any:
        if key[1] == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(key)


def test_a_worker_that_was_killed_is_one_line(demo: Prepared) -> None:
    loader = Loader(Murderous([Source(demo)], Patch(32)), EpochSampler(9), batch=1, workers=1)
    with pytest.raises(SemsrError, match=r"worker.*memory ran out, most often: use fewer workers") as error:
        list(loader)
    assert "\n" not in str(error.value)


SCRIPT = """
import sys
from pathlib import Path
from semsr.cards import DatasetCard
from semsr.preparation.manifest import read_manifest
from semsr.training.crops import Patch
from semsr.training.index import Source
from semsr.training.loader import Loader
from semsr.training.patches import TrainingPictures
from semsr.training.sampler import EpochSampler
from semsr.errors import SemsrError

card = DatasetCard.model_validate_json(Path(sys.argv[1]).read_text())
data = TrainingPictures([Source(read_manifest(card, Path(sys.argv[2])))], Patch(32))
try:
    list(Loader(data, EpochSampler(len(data)), batch=1, workers=2))
except SemsrError as error:
    sys.exit(f"semsr: {error}")
"""


def test_what_a_user_sees_of_a_damaged_picture(demo: Prepared, tmp_path: Path) -> None:
    assert demo.train[2].hr
    demo.train[2].hr.write_bytes(b"not a picture")
    (tmp_path / "card.json").write_text(demo.card.model_dump_json())
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "card.json"), str(demo.folder)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.splitlines() == [done.stderr.strip()] and "p2.png: not an image file" in done.stderr
