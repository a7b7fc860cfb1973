"""`semsr data report` as a whole: the page that it writes, and the near-duplicates that it finds."""

from __future__ import annotations

import io
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from semsr.errors import StorageError, UnknownIdError
from semsr.imaging.pictures import Rgb
from semsr.preparation.manifest import MANIFEST
from semsr.project import ROOT_VARIABLE, Project
from semsr.reporting import comparison
from semsr.stages import prepare as prepare_stage
from semsr.stages import report

Prepare = Callable[..., Path]
Waves = Callable[..., Rgb]
_VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """A page read strictly: every tag closed in order; its text, links and pictures."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.open_tags, self.tags, self.text = path, list[str](), list[tuple[str, dict[str, str | None]]](), ""
        self.feed(path.read_text(encoding="utf-8"))
        assert self.open_tags == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        if self.open_tags and self.open_tags[-1] != "style":
            self.text += data

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def section(self, name: str) -> str:
        """The HTML of one section or article."""
        whole = self.path.read_text(encoding="utf-8")
        found = re.search(rf'<(section|article) id="{name}".*?</\1>', whole, re.DOTALL)
        assert found, name
        return found[0]

    def sound(self) -> None:
        """Nothing from outside, no script, every picture there and described, every link to a place of the page."""
        names = {tag for tag, _ in self.tags}
        assert names.isdisjoint({"script", "iframe", "object", "link", "form"})
        assert "url(" not in self.path.read_text(encoding="utf-8")
        ids = [attributes["id"] for _, attributes in self.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        for attributes in self.attributes("a"):
            assert (attributes["href"] or "").removeprefix("#") in ids
        for attributes in self.attributes("img"):
            source = attributes["src"] or ""
            assert ":" not in source and not source.startswith("/")
            with Image.open(self.path.parent / unquote(source)) as image:
                image.load()
            assert attributes["alt"]
            assert attributes["width"] and attributes["height"]
        assert all(name[:2] != "on" for _, attributes in self.tags for name in attributes)


def _page(project: Project, *ids: str) -> Page:
    page = Page(report.run(project, ids=ids))
    page.sound()
    return page


def _copied(rgb: Rgb, *, mirrored: bool, quality: int = 50, side: float = 0.5) -> Rgb:
    """As someone else's training set might hold it."""
    image = Image.fromarray(np.ascontiguousarray(rgb[:, ::-1]) if mirrored else rgb)
    small = image.resize((round(image.width * side), round(image.height * side)), Image.Resampling.BICUBIC)
    data = io.BytesIO()
    small.save(data, "JPEG", quality=quality)
    return np.asarray(Image.open(io.BytesIO(data.getvalue())).convert("RGB"))


def test_nothing_prepared(workspace: Project) -> None:
    page = _page(workspace)
    assert page.attributes("img") == []
    for name in workspace.datasets:
        assert "not here" in page.section(f"set-{name}")
        assert name in page.section("missing")
    assert "Nothing was compared: there are 0 test and 0 training pictures here" in page.text
    assert page.path == workspace.root / "results" / "data" / "index.html"
    assert not (workspace.root / "data").exists() or not any((workspace.root / "data").glob("*.parquet"))


def test_planted_copies_are_found(
    workspace: Project, prepare: Prepare, photographs: dict[str, Rgb], caplog: pytest.LogCaptureFixture
) -> None:
    """Among 60 other training photographs: one copy mirrored and recompressed, one shrunk, one with the very same pixels."""
    names = list(photographs)
    test, others = names[:40], names[40:100]
    prepare("realsr", {name: photographs[name] for name in test})
    planted = {
        "planted-mirrored": _copied(photographs[test[3]], mirrored=True),
        "planted-shrunk": _copied(photographs[test[11]], mirrored=False, quality=90, side=0.3),
        "planted-same": photographs[test[20]],
    }
    prepare("lsdir", {**{name: photographs[name] for name in others}, **planted}, "train", lr=False)
    with caplog.at_level(logging.WARNING):
        page = _page(workspace, "realsr", "lsdir")
    alike = page.section("alike")
    assert "3 pairs look alike" in alike
    assert "pairs of a training and a test picture that look alike: 3" in caplog.text
    found = re.findall(
        r"<p><strong>(.*?)</strong>(.*?)</p>.*?Test: (.*?)</figcaption>.*?Training: (.*?)</figcaption>", alike, re.DOTALL
    )
    pairs = {other.strip(): (how, flip, one.strip()) for how, flip, one, other in found}
    assert set(pairs) == {f"lsdir/{name}" for name in planted}
    assert pairs["lsdir/planted-same"] == ("Identical pixels", "", f"realsr/{test[20]}")
    assert pairs["lsdir/planted-mirrored"][1:] == (", mirrored", f"realsr/{test[3]}")
    assert pairs["lsdir/planted-shrunk"][1:] == ("", f"realsr/{test[11]}")
    assert len(re.findall("<img", alike)) == 6


def test_no_false_alarm_between_real_data_sets(workspace: Project, test_data: Path) -> None:
    """RealSR, Set5, Set14 and lite-photos, whose eight training photographs are none of the others'."""
    for name, folder in (("realsr", "realsr_crop128"), ("set5", "set5"), ("set14", "set14"), ("set5-gtmod12", "set5_gtmod12")):
        prepare_stage.run(workspace, name, test_data / folder)
    try:
        prepare_stage.run(workspace, "lite-photos")
    except Exception as error:  # the packages that hold the photographs can't be had
        pytest.skip(str(error))
    page = _page(workspace)
    assert "8 different training pictures" in page.text
    assert "No pair looks alike" in page.text
    assert "as published, pixel for pixel" in page.section("set-realsr")


def test_a_second_run_reads_no_hash_again(
    workspace: Project, prepare: Prepare, waves: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare("urban100", {f"t{number}": waves(number) for number in range(5)})
    prepare("lsdir", {f"t{number}": waves(20 + number) for number in range(5)}, "train", lr=False)
    looked: list[int] = []
    look_at = comparison.look_at
    monkeypatch.setattr(comparison, "look_at", lambda rgb: looked.append(1) or look_at(rgb))
    first = _page(workspace).section("alike")
    assert len(looked) == 10
    assert _page(workspace).section("alike") == first
    assert len(looked) == 10
    prepare("set5", {"new": waves(40), "known": waves(3)})
    page = _page(workspace)
    assert len(looked) == 11
    assert "compared with 6 test pictures" in page.text


def test_what_was_looked_at_survives_an_interruption(
    workspace: Project, prepare: Prepare, waves: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare("urban100", {f"t{number:02d}": waves(number) for number in range(30)})
    look_at, looked = comparison.look_at, list[int]()

    def interrupted(rgb: Rgb) -> object:
        looked.append(1)
        if len(looked) == 20:
            raise KeyboardInterrupt
        return look_at(rgb)

    monkeypatch.setattr(comparison, "look_at", interrupted)
    with pytest.raises(KeyboardInterrupt):
        report.run(workspace)
    assert not (workspace.root / "results").exists()
    before = len(looked)
    report.run(workspace)
    assert len(looked) - before <= 30 - 15


def test_damage_is_told_on_the_page(
    workspace: Project, prepare: Prepare, waves: Waves, caplog: pytest.LogCaptureFixture
) -> None:
    unfinished = prepare("set14", {"a": waves(1), "b": waves(2)})
    (unfinished / MANIFEST).unlink()
    torn = prepare("set5", {"a": waves(3), "b": waves(4)})
    (torn / "hr" / "b.png").write_bytes(b"no picture")
    rubbish = prepare("bsd100", {"a": waves(5)})
    (rubbish / MANIFEST).write_bytes(b"rubbish")
    gone = prepare("urban100", {"a": waves(6)})
    shutil.rmtree(gone / "hr")
    other = prepare("manga109", {"a": waves(7), "b": waves(8), "c": waves(9)})
    shutil.copy(other / "hr" / "a.png", other / "hr" / "c.png")
    with caplog.at_level(logging.WARNING):
        page = _page(workspace)
    told = {name: page.section(f"set-{name}") for name in ("set14", "set5", "bsd100", "urban100", "manga109")}
    assert "unfinished" in told["set14"] and "no manifest" in told["set14"]
    assert "b.png: not an image file" in told["set5"] and ">damaged<" in told["set5"]
    assert "not a manifest" in told["bsd100"] and ">damaged<" in told["bsd100"]
    assert "data/urban100/hr/a.png is gone" in told["urban100"]
    assert "c.png: other pixels than the manifest says" in told["manga109"]
    assert caplog.text.count("damaged: ") == 4
    assert [name for name in told if f"#set-{name}" not in page.section("missing")] == []


def test_a_damaged_picture_is_compared_with_nothing(workspace: Project, prepare: Prepare, waves: Waves) -> None:
    """Its hash in the manifest is right, its file another's."""
    folder = prepare("lsdir", {"a": waves(1), "b": waves(2)}, "train", lr=False)
    prepare("urban100", {"t": waves(1)})
    shutil.copy(folder / "hr" / "a.png", folder / "hr" / "b.png")
    assert "1 pair looks alike" in _page(workspace).section("alike").replace("</strong>", "")


def test_text_from_outside_is_escaped(workspace: Project, prepare: Prepare, waves: Waves) -> None:
    odd = "a <b> & \"c\" 'd' #%?é"
    prepare("urban100", {odd: waves(1)})
    prepare("lsdir", {odd: waves(1)}, "train", lr=False)
    card = workspace.root / "datasets" / "urban100" / "dataset.yaml"
    card.write_text(
        re.sub(r"^licence:.*$", "licence: \"<script>alert(1)</script> & 'so on'\"", card.read_text(), flags=re.MULTILINE)
    )
    page = _page(Project(workspace.root))
    assert f"urban100/{odd}" in page.text
    assert "<script>alert(1)</script> & 'so on'" in page.text


def test_pictures_of_an_earlier_page_go_others_stay(workspace: Project, prepare: Prepare, waves: Waves, tmp_path: Path) -> None:
    prepare("urban100", {"a": waves(1), "b": waves(2)})
    prepare("set5", {"c": waves(3)})
    out = tmp_path / "out" / "page.html"
    report.run(workspace, out)
    folder = out.with_name("page_files")
    (folder / "set5" / "mine.jpg").touch()
    before = set(folder.rglob("*.*"))
    report.run(workspace, out, ["urban100"])
    after = set(folder.rglob("*.*"))
    assert folder / "set5" / "mine.jpg" in after
    assert {path.parent.name for path in before - after} == {"set5"}
    assert {path for path in after if path.parent.name == "urban100"} == {
        path for path in before if path.parent.name == "urban100"
    }


def test_only_some_data_sets(workspace: Project, prepare: Prepare, waves: Waves) -> None:
    prepare("urban100", {"a": waves(1)})
    page = _page(workspace, "urban100", "set5", "urban100")
    assert len(page.attributes("article")) == 2
    assert "what div2k-valid needs: 480 MB" in _page(workspace, "div2k-val").section("missing")
    with pytest.raises(UnknownIdError, match="urban10"):
        report.run(workspace, ids=["urban10"])


def test_a_folder_is_no_page(workspace: Project, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"index\.html"):
        report.run(workspace, tmp_path)


def test_places_that_are_impossible(workspace: Project, prepare: Prepare, waves: Waves, tmp_path: Path) -> None:
    """One line, and what stands there is not replaced."""
    prepare("urban100", {"a": waves(1)})
    file, pipe, link = tmp_path / "file", tmp_path / "pipe", tmp_path / "link"
    file.write_text("mine")
    os.mkfifo(pipe)
    link.symlink_to(file)
    inside = Path("/proc/nowhere/index.html")
    for out in (
        file / "page.html",
        file / "deep" / "page.html",
        pipe,
        link,
        tmp_path / "new" / "..",
        inside,
        Path("/proc/page.html"),
    ):
        with pytest.raises(StorageError) as told:
            report.run(workspace, out, ["urban100"])
        assert len(str(told.value).splitlines()) == 1
    assert (file.read_text(), pipe.is_fifo(), link.is_symlink()) == ("mine", True, True)
    assert {path.name for path in tmp_path.iterdir()} >= {"file", "pipe", "link"}
    assert not list(tmp_path.glob("*_files"))


def test_a_disk_that_can_not_be_written(workspace: Project, prepare: Prepare, waves: Waves, read_only_disk: Path) -> None:
    prepare("urban100", {"a": waves(1)})
    with pytest.raises(StorageError, match="read-only"):
        report.run(workspace, read_only_disk / "index.html")


def test_reading_needs_no_writable_data_folder(workspace: Project, prepare: Prepare, waves: Waves, tmp_path: Path) -> None:
    """A file stands where the hashes would be kept: they are made again next time."""
    prepare("urban100", {"a": waves(1)})
    (workspace.data / ".looks").write_text("in the way")
    assert report.run(workspace, tmp_path / "page.html").is_file()


def test_from_the_command_line(workspace: Project, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "semsr", "data", "report", "--out", str(tmp_path / "page.html"), "set5"]
    done = subprocess.run(command, env={ROOT_VARIABLE: str(workspace.root)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "1 data set: 1 not here" in done.stderr
    assert Page(tmp_path / "page.html").attributes("article")
