"""The facts of whole, unfinished, damaged and absent data sets."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from semsr.assets.store import Store
from semsr.imaging.pictures import Rgb
from semsr.preparation.manifest import MANIFEST, Entry, write_manifest
from semsr.project import Project
from semsr.reporting.collect import Facts, collect
from semsr.reporting.storage import Size, asset_states, size_below
from semsr.reporting.wording import size, to_do

Prepare = Callable[..., Path]
Waves = Callable[..., Rgb]


def _facts(project: Project, dataset: str) -> Facts:
    return collect(project, project.dataset(dataset), Store())


def test_a_whole_data_set(workspace: Project, prepare: Prepare, waves: Waves) -> None:
    sizes = [(40, 80), (96, 128), (60, 60)]
    folder = prepare("urban100", {f"p{number}": waves(number, *sides) for number, sides in enumerate(sizes)})
    facts = _facts(workspace, "urban100")
    assert facts.state == "incomplete"
    assert facts.problems == ("3 pictures, but the card says 100",)
    assert facts.hr is not None and facts.lr is not None
    assert (facts.hr.smallest, facts.hr.median, facts.hr.largest) == ((40, 80), (60, 60), (96, 128))
    assert facts.lr.smallest == (10, 20)
    bits = [8 * (folder / "hr" / f"p{number}.png").stat().st_size / (high * wide) for number, (high, wide) in enumerate(sizes)]
    assert facts.hr.bits_per_pixel == pytest.approx(np.mean(bits))
    assert facts.size.files == 7
    assert facts.size.bytes == sum(path.stat().st_size for path in folder.rglob("*.*"))


def test_absent(workspace: Project) -> None:
    facts = _facts(workspace, "urban100")
    assert (facts.state, facts.problems, facts.entries, facts.hr) == ("absent", (), (), None)


def test_unfinished(workspace: Project, prepare: Prepare, waves: Waves) -> None:
    folder = prepare("urban100", {"a": waves(1), "b": waves(2)})
    (folder / MANIFEST).unlink()
    (folder / "hr" / ".c.png.123.partial").touch()
    facts = _facts(workspace, "urban100")
    assert facts.state == "unfinished"
    assert "after 2 HR and 2 LR pictures" in facts.problems[0]


def test_files_that_are_gone_are_named(workspace: Project, prepare: Prepare, waves: Waves) -> None:
    folder = prepare("urban100", {"a": waves(1), "b": waves(2)})
    (folder / "lr" / "a.png").unlink()
    facts = _facts(workspace, "urban100")
    assert facts.state == "damaged"
    assert facts.problems[0] == "data/urban100/lr/a.png is gone"
    assert [entry.name for entry in facts.entries] == ["b"]
    shutil.rmtree(folder / "hr")
    assert _facts(workspace, "urban100").entries == ()


def test_any_damage_of_a_manifest_is_told(workspace: Project, prepare: Prepare, waves: Waves) -> None:
    """Cut anywhere, overwritten anywhere: damaged or, where the bytes did not matter, still right; never a crash."""
    folder = prepare("urban100", {"a": waves(1), "b": waves(2)})
    whole = (folder / MANIFEST).read_bytes()
    random = np.random.default_rng(0)
    told = 0
    for trial in range(150):
        data = bytearray(whole)
        if trial % 3 == 0:
            data = data[: random.integers(0, len(data))]
        else:
            place = int(random.integers(0, len(data) - 8))
            data[place : place + 8] = random.bytes(8)
        (folder / MANIFEST).write_bytes(data)
        facts = _facts(workspace, "urban100")
        told += facts.state == "damaged"
        assert facts.state in ("damaged", "incomplete")
    assert told > 75


def test_rows_that_say_nothing_sound_are_left_out(workspace: Project, prepare: Prepare, waves: Waves) -> None:
    folder = prepare("urban100", {"a": waves(1)})
    rows = [
        Entry("none", None, None, None, None, None, None, "test"),
        Entry("no-hash", None, folder / "hr" / "a.png", None, (96, 128), None, None, "test"),
        Entry("no-size", None, folder / "hr" / "a.png", None, (0, 128), None, "0" * 64, "test"),
        Entry("odd-hash", None, folder / "hr" / "a.png", None, (96, 128), None, "no hash", "test"),
        Entry("sound", None, folder / "hr" / "a.png", None, (96, 128), None, "0" * 64, "test"),
    ]
    write_manifest(folder, rows)
    facts = _facts(workspace, "urban100")
    assert [entry.name for entry in facts.entries] == ["sound"]
    assert facts.state == "damaged"
    assert len(facts.problems) == 5


@pytest.mark.parametrize("where", ["file", "link"])
def test_a_folder_that_is_none(workspace: Project, tmp_path: Path, where: str) -> None:
    workspace.data.mkdir()
    if where == "file":
        (workspace.data / "urban100").write_text("not a folder")
    else:
        (workspace.data / "urban100").symlink_to(tmp_path / "nowhere")
    assert _facts(workspace, "urban100").state == "absent"


def test_sizes_count_second_names_once_more(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a").write_bytes(bytes(100))
    (tmp_path / "one" / "b").write_bytes(bytes(11))
    (tmp_path / "two").hardlink_to(tmp_path / "one" / "a")
    assert size_below(tmp_path / "one") == Size(2, 111, 100)
    assert size_below(tmp_path / "none") == Size()


def test_what_assets_take_up(workspace: Project) -> None:
    store = Store()
    card = workspace.dataset("div2k-valid")
    asset = workspace.asset(card.source.assets[0])  # type: ignore[union-attr]
    path = store.path(asset)
    (path.parent / f"{path.name}.unpacked" / "inner").mkdir(parents=True)
    (path.parent / f"{path.name}.unpacked" / "inner" / "a.png").write_bytes(bytes(70))
    (path.parent / f".{asset.file}.01234567.partial").write_bytes(bytes(30))
    state, *others = asset_states(workspace, card, store)
    assert (state.here, state.downloaded.bytes, state.unpacked.bytes, state.pinned) == (False, 30, 70, "card")
    assert all(not other.here and other.downloaded.bytes == 0 for other in others)


def test_what_is_missing_and_how_to_get_it(workspace: Project, prepare: Prepare, waves: Waves) -> None:
    everything = {name: _facts(workspace, name) for name in ("div2k-valid", "div2k-val", "manga109", "coco-train2017")}
    wanted = {name: to_do(facts, everything) for name, facts in everything.items()}
    assert all(found is not None for found in wanted.values())
    told = {name: (found.commands, found.download) for name, found in wanted.items() if found is not None}
    assert told["coco-train2017"] == (("semsr fetch coco-train2017", "semsr prepare coco-train2017"), "19.3 GB")
    assert told["manga109"][0] == ("semsr prepare manga109 --from DIR",)
    assert told["div2k-val"][0] == ("semsr prepare div2k-val",)
    assert "div2k-valid needs: 480 MB" in told["div2k-val"][1]
    prepare("manga109", {f"p{number}": waves(1, 8, 8) for number in range(108)})
    few = to_do(_facts(workspace, "manga109"), everything)
    assert few is not None and few.commands == ("semsr prepare manga109 --from DIR",)
    prepare("manga109", {f"p{number}": waves(1, 8, 8) for number in range(109)})
    assert to_do(_facts(workspace, "manga109"), everything) is None


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.00 kB"),
        (9_996, "10.0 kB"),
        (99_960, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (3_530_603_713, "3.53 GB"),
        (2 * 10**12, "2.00 TB"),
        (5 * 10**15, "5,000 TB"),
    ],
)
def test_bytes_as_people_say_them(count: int, text: str) -> None:
    assert size(count) == text
