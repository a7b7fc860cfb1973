"""`semsr check dataset`: every committed card passes, and each way to spoil one is named."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from semsr import cli
from semsr.errors import CardError, SemsrError, UnknownIdError
from semsr.project import ROOT_VARIABLE, Project
from semsr.stages import check_dataset
from semsr.stages.dataset_rules import RULES

Spoil = Callable[[Any], object]


def test_every_committed_card_passes(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    check_dataset.run(project)
    shown = capsys.readouterr().out
    assert "FAIL" not in shown
    assert all(name in shown for name in project.datasets)


def test_a_card_is_shown_rule_by_rule(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    check_dataset.run(project, "realsr")
    lines = capsys.readouterr().out.splitlines()
    results = {cells[0]: cells[1] for line in lines if len(cells := [cell.strip() for cell in line.strip("│").split("│")]) == 3}
    assert {name: results[name] for name in ("schema", *RULES)} == {
        **dict.fromkeys(("schema", *RULES), "pass"),
        "parts": "n/a",
        "annotations": "n/a",
    }


# One broken rule at a time.


def put(*path: str | int, value: object) -> Spoil:
    def spoil(card: Any) -> None:
        for key in path[:-1]:
            card = card[key]
        card[path[-1]] = value

    return spoil


def mirror(**value: object) -> Spoil:
    return put("assets", 0, "mirrors", 0, value=value)


def again(*path: str | int) -> Spoil:
    """What stands first in a list stands there once more."""

    def spoil(card: Any) -> None:
        for key in path:
            card = card[key]
        card.append(card[0])

    return spoil


def drop(*path: str | int) -> Spoil:
    def spoil(card: Any) -> None:
        for key in path[:-1]:
            card = card[key]
        card.pop(path[-1])

    return spoil


HTTPS: dict[str, object] = {"kind": "https"}
HF: dict[str, object] = {"kind": "hf", "repo": "owner/name", "revision": "main", "file": "a.zip"}
BICUBIC = {"kind": "matlab-bicubic", "dialect": "symmetric"}
CARD, ASSETS = "dataset.yaml", "assets.yaml"


@pytest.mark.parametrize(
    ("name", "file", "spoil", "rule", "message"),
    [
        ("set5", CARD, put("pictures", value=5), "schema", "unknown key 'pictures'"),
        ("set5", CARD, put("id", value="set6"), "schema", "found 'set6'; must be the folder's name, 'set5'"),
        ("set5", CARD, put("source", "layouts", value=[{"hr": "*.png"}]), "schema", "needs '{name}'"),
        ("set5", ASSETS, put("assets", 0, "md5", value="12"), "schema", "assets.yaml: assets.0.md5: found '12'"),
        ("set5", ASSETS, drop("assets", 0, "unpinned"), "schema", "needs 'sha256', or 'unpinned' with the reason"),
        ("lite-photos", CARD, put("count", value=7), "schema", "count is 7, but 8 photos have split 'test'"),
        ("set5", CARD, put("licence", value=" "), "licence", "the card: licence ' ' says nothing"),
        (
            "set5",
            ASSETS,
            put("assets", 0, "licence", value="unknown"),
            "licence",
            "asset 'selfexsr-repository': licence 'unknown'",
        ),
        ("set5", CARD, drop("paper"), "paper", "no 'paper': add it, or the reason"),
        ("set5", CARD, drop("paper", "venue"), "paper", "needs 'venue', 'arxiv' or 'url'"),
        ("realsr", CARD, put("paper", "arxiv", value="arXiv:1904.00523"), "paper", "'arXiv:1904.00523' is no number"),
        ("set5", CARD, drop("checked"), "checked", "say under 'checked' what was verified"),
        # Assets.
        ("set5", CARD, put("source", "assets", value=["selfexsr"]), "assets", "asset 'selfexsr' is in no assets.yaml"),
        ("flickr2k", CARD, put("source", "assets", value=[]), "assets", "asset 'flickr2k' is used by no data set"),
        ("flickr2k", CARD, again("source", "assets"), "assets", "named twice under 'source.assets'"),
        ("ost", ASSETS, put("assets", 0, "id", value="flickr2k"), "assets", "asset 'flickr2k' is declared more than once"),
        # Addresses.
        (
            "set5",
            ASSETS,
            mirror(**HTTPS, url="https://someone:secret@example.org/a.zip"),
            "addresses",
            "holds a user name or password",
        ),
        (
            "set5",
            ASSETS,
            mirror(**HTTPS, url="https://example/a.zip"),
            "addresses",
            "the host 'example' is not a name with dots",
        ),
        ("set5", ASSETS, mirror(**HTTPS, url="https://example.org/a b.zip"), "addresses", "there is a space"),
        ("set5", ASSETS, mirror(**HTTPS, url="https://example.org:x/a.zip"), "addresses", "is no address (Port could not"),
        ("set5", ASSETS, mirror(**HTTPS, url="https://[example.org/a.zip"), "addresses", "is no address (Invalid IPv6 URL"),
        ("set5", ASSETS, mirror(**HTTPS, url="https://example.org/"), "addresses", "names a host, but no file"),
        ("set5", ASSETS, mirror(**HTTPS, url="https://example.org/a.zip#x"), "addresses", "a part after '#'"),
        ("set5", ASSETS, mirror(**{**HF, "repo": "name"}), "addresses", "repository 'name' is not of the form owner/name"),
        ("set5", ASSETS, mirror(**{**HF, "file": "../a.zip"}), "addresses", "path '../a.zip' must be relative"),
        ("set5", ASSETS, mirror(**{**HF, "revision": ""}), "addresses", "revision '' is no name or hash"),
        ("realsr-v3", ASSETS, mirror(kind="gdrive", id="https://drive/x"), "addresses", "is no Google Drive id"),
        ("lite-photos", ASSETS, put("assets", 0, "mirrors", 0, "version", value=">=1"), "addresses", "'>=1' of scikit-image"),
        ("set5", ASSETS, mirror(kind="file", path="/mine/a.zip"), "addresses", "'/mine/a.zip' lies on one machine only"),
        ("set5", ASSETS, again("assets", 0, "mirrors"), "addresses", "archive/18e00f2.zip stands there twice"),
        # Checksums.
        ("div2k-valid", ASSETS, put("assets", 0, "unpinned", value="why"), "checksums", "has a 'sha256' and says 'unpinned'"),
        ("ost", ASSETS, put("assets", 0, "unpinned", value="unknown"), "checksums", "'unpinned' needs the reason"),
        (
            "flickr2k",
            ASSETS,
            put("assets", 0, "md5", value="d41d8cd98f00b204e9800998ecf8427e"),
            "checksums",
            "that of an empty file",
        ),
        (
            "flickr2k",
            ASSETS,
            put("assets", 0, "md5", value="4ace41d33c2384b97e6b320cd0afd6ba"),
            "checksums",
            "has the MD5 of 'edsr-benchmark'",
        ),
        # Numbers and parts.
        ("set5", CARD, put("count", value=6), "counts", "pixels.each has 5 rows, but count is 6"),
        ("ffhq-10k", CARD, put("count", value=70000), "counts", "only the first 10000 pictures are taken, but count is 70000"),
        ("ost", CARD, put("count_unknown", value="?"), "counts", "'count_unknown' needs the reason"),
        ("df2k", CARD, put("count", value=3000), "counts", "the parts have 3450 pictures, but count is 3000"),
        ("div2k-val", CARD, put("source", "crops", "count", value=3001), "counts", "3001 crops of 100 pictures"),
        ("div2k-val", CARD, put("count", value=100), "counts", "3000 crops, but count is 100"),
        ("df2k", CARD, put("source", "parts", 0, "dataset", value="div3k"), "parts", "part 'div3k' is no data set"),
        (
            "df2k",
            CARD,
            put("source", "parts", 0, "dataset", value="div2k-valid"),
            "parts",
            "'div2k-valid' is for testing, this set for",
        ),
        ("df2k", CARD, put("source", "parts", 0, "first", value=801), "parts", "its first 801 pictures, but it has 800"),
        ("df2k", CARD, put("scale", value=2), "parts", "part 'flickr2k' has scale 4, not 2"),
        ("df2k", CARD, again("source", "parts"), "parts", "part 'div2k-train' stands there twice"),
        # Pictures.
        ("realsr", CARD, put("pixels", "hr", value="0" * 64), "pixels", "do not give pixels.hr, 000000000000"),
        ("realsr", CARD, drop("pixels", "each"), "pixels", "pixels.csv lies beside the card, which does not name it"),
        ("realsr", CARD, put("pixels", "each", value="other.csv"), "pixels", "other.csv: no such file"),
        ("realsr", CARD, drop("pixels", "lr"), "pixels", "has hashes in column lr, but there is no pixels.lr"),
        ("bsd100", CARD, put("pixels", value={"required": True, "hr": "0" * 64}), "pixels", "'required' needs 'each'"),
        ("set5", CARD, again("source", "layouts"), "layouts", "layout hr/{name}.png + lr_x4/{name}.png stands there twice"),
        ("set5", CARD, put("source", "layouts", 0, "lr", value="hr/{name}.png"), "layouts", "HR and LR have one pattern"),
        (
            "set5",
            CARD,
            put("source", "layouts", 0, "hr", value="/hr/{name}.png"),
            "layouts",
            "'/hr/{name}.png' must be relative",
        ),
        ("set5", CARD, put("source", "layouts", 0, "hr", value="../{name}.png"), "layouts", "without '..'"),
        ("set5", CARD, put("source", "layouts", 0, "hr", value="**{name}.png"), "layouts", "needs a '/' after it"),
        ("set5", CARD, put("source", "layouts", 0, "hr", value="{id}/{name}.png"), "layouts", "is no part of '{name}'"),
        ("set5", CARD, put("source", "layouts", 0, "hr", value="{name}"), "layouts", "does not end as a picture does"),
        ("ffhq-10k", CARD, put("source", "checksums", value="list.csv"), "layouts", "does not end as a JSON file does"),
        ("set5", CARD, drop("degradation"), "degradation", "layout '{name}.png' has no LR, and no 'degradation'"),
        ("set5", CARD, put("crop_to_multiple", value=6), "degradation", "crop_to_multiple is 6"),
        ("lsdir", CARD, put("split", value="test"), "degradation", "has no LR, and no 'degradation'"),
        ("reallr200", CARD, put("split", value="train"), "degradation", "a training set needs HR in every layout"),
        (
            "reallr200",
            CARD,
            put("degradation", value={"kind": "matlab-bicubic", "dialect": "symmetric"}),
            "degradation",
            "no layout has HR",
        ),
        ("div2k-val", CARD, put("source", "parts", 0, "dataset", value="lsdir"), "parts", "'lsdir' is for training"),
        ("div2k-val", CARD, put("comparable", value="same-inputs"), "schema", "a random degradation makes inputs of our own"),
        ("realsr", CARD, put("comparable", value="regenerated"), "comparable", "everybody has the same inputs"),
        ("coco-val2017", CARD, again("annotations"), "annotations", "annotations/instances.json stands there twice"),
        (
            "coco-val2017",
            CARD,
            put("annotations", 0, "patterns", 0, value="**/x.txt"),
            "annotations",
            "does not end as annotations/inst",
        ),
        (
            "coco-val2017",
            CARD,
            put("annotations", 2, "archive", value="**/x"),
            "annotations",
            "does not end as an archive does",
        ),
        ("coco-val2017", CARD, put("annotations", 2, "images", value=True), "annotations", "'images' is for one JSON file"),
        (
            "df2k",
            CARD,
            put("annotations", value=[{"file": "annotations/a.json", "patterns": ["a.json"]}]),
            "annotations",
            "only pictures",
        ),
    ],
)
def test_a_spoiled_card_is_named(
    workspace: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    file: str,
    spoil: Spoil,
    rule: str,
    message: str,
) -> None:
    monkeypatch.setenv("COLUMNS", "2000")
    path = workspace.root / "datasets" / name / file
    card = yaml.safe_load(path.read_text())
    spoil(card)
    path.write_text(yaml.safe_dump(card))
    with pytest.raises(CardError, match=rf"^{name}: \d+ of \d+ checks failed \(.*\b{rule}\b.*\); see the table above$"):
        check_dataset.run(Project(workspace.root), name)
    (line,) = (line for line in capsys.readouterr().out.splitlines() if re.match(rf"│ {rule} *│ FAIL ", line))
    assert message in line


def findings_of(project: Project, name: str) -> list[check_dataset.Finding]:
    return check_dataset.check(project, name, *check_dataset.readable(project))


def test_random_crops_without_a_random_degradation_are_still_our_draw(workspace: Project) -> None:
    path = workspace.root / "datasets/div2k-val/dataset.yaml"
    card = yaml.safe_load(path.read_text())
    card.update(comparable="same-inputs", degradation={"kind": "matlab-bicubic", "dialect": "symmetric"})
    path.write_text(yaml.safe_dump(card))
    (wrong,) = (finding for finding in findings_of(Project(workspace.root), "div2k-val") if finding.passed is False)
    assert (wrong.name, wrong.figure) == (
        "comparable",
        "random crops are a draw of our own: 'comparable' must be 'regenerated'",
    )


def test_a_test_set_made_of_pictures_without_lr(workspace: Project) -> None:
    """Centre crops of a training set, declared as a test set: there is no LR to crop and nothing that makes one."""
    for name, change in (
        ("lsdir", {"split": "test"}),
        ("div2k-val", {"degradation": None, "count": 84991, "comparable": "same-inputs"}),
    ):
        path = workspace.root / "datasets" / name / "dataset.yaml"
        card = yaml.safe_load(path.read_text()) | change
        if name == "div2k-val":
            card["source"] = {"kind": "derived", "parts": [{"dataset": "lsdir"}], "crops": {"kind": "centre", "size": 512}}
        path.write_text(yaml.safe_dump(card))
    (wrong,) = (finding for finding in findings_of(Project(workspace.root), "div2k-val") if finding.passed is False)
    assert (wrong.name, wrong.figure) == ("degradation", "part 'lsdir' has no LR, and there is no 'degradation'")


@pytest.mark.parametrize("section", ["**Paper**", "**Licence**", "**Compare with**", "Checklist:", "# "])
def test_the_readme_has_its_sections(workspace: Project, section: str) -> None:
    path = workspace.root / "datasets/urban100/README.md"
    path.write_text(path.read_text().replace(section, "..."))
    with pytest.raises(CardError, match=r"urban100: 1 of 12 checks failed \(README\)"):
        check_dataset.run(workspace, "urban100")


def test_the_readme_is_there(workspace: Project) -> None:
    (workspace.root / "datasets/urban100/README.md").unlink()
    with pytest.raises(CardError, match=r"\(README\)"):
        check_dataset.run(workspace, "urban100")


@pytest.mark.parametrize("change", ["a pixel", "a picture less", "a name twice", "no hash", "no table"])
def test_the_table_of_pixels(workspace: Project, change: str) -> None:
    path = workspace.root / "datasets/set14/pixels.csv"
    lines = path.read_text().splitlines(keepends=True)
    spoiled = {
        "a pixel": [*lines[:-1], re.sub(r",(.)", lambda found: "," + ("1" if found[1] != "1" else "2"), lines[-1], count=1)],
        "a picture less": lines[:-1],
        "a name twice": [*lines, lines[-1]],
        "no hash": [*lines[:-1], lines[-1].replace(",", ",x", 1)],
        "no table": ["nothing\n", "1\n"],
    }[change]
    path.write_text("".join(spoiled))
    failed = {finding.name for finding in findings_of(workspace, "set14") if finding.passed is False}
    assert failed == ({"pixels", "counts"} if change == "a picture less" else {"pixels"})


def test_one_broken_card_does_not_hide_the_others(workspace: Project, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace.root / "datasets/df2k/dataset.yaml").write_text("id: [")
    (workspace.root / "datasets/ost/assets.yaml").write_text("assets: 3")
    check_dataset.run(workspace, "set5")
    with pytest.raises(
        CardError, match=r"^2 of \d+ data sets failed \(df2k: schema; ost: schema\); see `semsr check dataset ID`$"
    ):
        check_dataset.run(workspace)
    assert capsys.readouterr().out.count("FAIL") == 2


def test_parts_that_lead_back_to_the_set(workspace: Project) -> None:
    path = workspace.root / "datasets/div2k-train/dataset.yaml"
    card = yaml.safe_load(path.read_text())
    card["source"] = {"kind": "derived", "parts": [{"dataset": "df2k"}]}
    path.write_text(yaml.safe_dump(card))
    found = {finding.name: finding for finding in findings_of(Project(workspace.root), "df2k")}
    assert "part 'div2k-train' is itself made from 'df2k'" in found["parts"].figure


def test_unknown_names(project: Project) -> None:
    with pytest.raises(UnknownIdError, match=r"unknown dataset 'set55'; did you mean 'set5'"):
        check_dataset.run(project, "set55")
    with pytest.raises(
        SemsrError, match=r"unknown data set 'bicubic', but there is a method of this name: `semsr check method bicubic`"
    ):
        check_dataset.run(project, "bicubic")


# The verb.


def semsr(*arguments: str, project: Project) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, ROOT_VARIABLE: str(project.root), "COLUMNS": "120"}
    command = [sys.executable, "-m", "semsr", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_verb(project: Project, workspace: Project) -> None:
    done = semsr("check", "dataset", "set5", project=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert "pixels" in done.stdout
    (workspace.root / "datasets/set5/README.md").unlink()
    done = semsr("check", "dataset", "--all", project=workspace)
    assert done.returncode == 2
    assert re.fullmatch(r"error: 1 of \d+ data sets failed \(set5: README\); see `semsr check dataset ID`\n", done.stderr)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("set5",), "error: unknown method 'set5', but there is a data set of this name: `semsr check dataset set5`"),
        (("nothing-such",), "error: unknown method 'nothing-such'"),
        (("method", "nothing-such"), "error: unknown method 'nothing-such'"),
        (("--variant", "x", "bicubic"), "error: unknown variant 'bicubic/x'"),
        (("dataset", "nothing-such"), "error: unknown dataset 'nothing-such'"),
        (("dataset", "set5", "--all"), "not both"),
        (("method",), "Missing argument"),
        ((), "check NAME"),
    ],
)
def test_the_verb_is_told_what_is_wrong(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["semsr", "check", *arguments])
    monkeypatch.setenv(ROOT_VARIABLE, str(project.root))
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    shown = capsys.readouterr()
    assert message in re.sub(r"\s+", " ", shown.err + shown.out)


def test_a_method_is_checked_with_and_without_the_word(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from semsr.stages import check

    asked: list[tuple[str, str | None]] = []
    monkeypatch.setattr(check, "run", lambda _, method, variant, **__: asked.append((method, variant)))
    monkeypatch.setenv(ROOT_VARIABLE, str(project.root))
    for arguments in (
        ["bicubic"],
        ["method", "bicubic"],
        ["bicubic", "--variant", "default"],
        ["--variant", "default", "bicubic"],
    ):
        assert CliRunner().invoke(cli.app, ["check", *arguments]).exit_code == 0
    assert asked == [("bicubic", None), ("bicubic", None), ("bicubic", "default"), ("bicubic", "default")]


def test_no_torch_and_no_network_is_needed(project: Project) -> None:
    script = (
        "import socket, sys\n"
        "def refuse(*_): raise AssertionError('the network was used')\n"
        "socket.socket.connect = refuse\n"
        "from semsr.project import Project\n"
        "from semsr.stages import check_dataset\n"
        "check_dataset.run(Project.find())\n"
        "assert 'torch' not in sys.modules\n"
    )
    environment = {**os.environ, ROOT_VARIABLE: str(project.root)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_folder_of_data_sets_may_be_empty(tmp_path: Path) -> None:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "metrics").mkdir()
    with pytest.raises(CardError, match=r"datasets: no data set here \(a folder with dataset.yaml\)"):
        check_dataset.run(Project(tmp_path))
