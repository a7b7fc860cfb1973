"""`semsr explain`: cells by their names, folders of anybody's pictures, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from semsr.cli import app
from semsr.errors import PairingError, SemsrError
from semsr.imaging.pictures import read_rgb, write_png
from semsr.reproduction.forensics.explanation import Alternative, Explanation
from semsr.reproduction.forensics.store import read_explanations
from semsr.stages import explain, explain_page

CONSTANT = 20 * np.log10(255 / 219)


@pytest.fixture
def folders(few: Any, tmp_path: Path) -> tuple[Path, Path]:
    """Two pictures and their HR as anybody might have them."""
    for side, at in (("sr", 0), ("hr", 1)):
        for name in sorted(few.pairs)[:2]:
            write_png(tmp_path / side / f"{name}.png", few.pairs[name][at])
    return tmp_path / "sr", tmp_path / "hr"


def test_a_cell_by_its_address_and_by_its_id(few: Any) -> None:
    few.publish(psnr=few.means["psnr"] - CONSTANT)
    project = few.project
    profile = project.profile("full")
    (found,) = explain.run_cell(project, profile, "paper:OSEDiff:psnr")
    assert found.where == "paper: RealSR, OSEDiff: psnr" and found.unit == "dB"
    assert found.explanation is not None and found.explanation.best.id == "luma=bt601-full"
    assert found.explanation.tried >= 30, "pairs, too, for one who asks"
    (same,) = explain.run_cell(project, profile, found.explanation.result_id)
    assert same == found
    (holds,) = explain.run_cell(project, profile, "paper:osediff:ssim")
    assert holds.explanation is not None and holds.explanation.best is None
    assert "reproduced as it is" in explain_page.conclusion(holds.explanation)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("paper:OSEDif:psnr", r"row: found 'OSEDif'; did you mean 'OSEDiff'\?"),
        ("paper:OSEDiff:psn", "column: found 'psn'"),
        ("paper:OSEDiff@2:psnr", "leave @2 out"),
        ("pape:OSEDiff:psnr", "unknown table 'pape'"),
        ("psnr", "address: found 'psnr'; must be <table>:<row>:<column>"),
        ("0123456789ab", "no value of the profile's tables of scores has this id now"),
        ("paper:Paper alone:psnr", "there is no value of ours: no method yet"),
        ("paper:HR:psnr", "no value is published there"),
    ],
)
def test_what_can_not_be_explained_is_one_line(few: Any, address: str, message: str) -> None:
    few.publish()
    path = few.root / "tables/paper/reported.csv"
    path.write_text(path.read_text() + "Paper,Alone,RealSR,psnr,20.00,\n")
    card = few.root / "tables/paper/table.yaml"
    before = card.read_text()
    try:
        held = yaml.safe_load(before)
        held["rows"].append({"label": "Paper alone", "published": "Alone"})
        card.write_text(yaml.safe_dump(held))
        project = few.project
        with pytest.raises(SemsrError, match=message) as caught:
            explain.run_cell(project, project.profile("full"), address)
        assert "\n" not in str(caught.value)
    finally:
        card.write_text(before)


def test_values_of_other_pictures_are_not_explained(few: Any) -> None:
    few.publish(psnr=few.means["psnr"] - CONSTANT)
    card = few.root / "datasets/canon/dataset.yaml"
    before = card.read_text()
    try:
        card.write_text(before.replace("same-inputs", "regenerated"))
        assert few.explain() == {}
        project = few.project
        with pytest.raises(SemsrError, match="can't be compared"):
            explain.run_cell(project, project.profile("full"), "paper:OSEDiff:psnr")
    finally:
        card.write_text(before)


def test_the_file_holds_what_the_tables_read(few: Any) -> None:
    few.publish(psnr=few.means["psnr"] - CONSTANT)
    stray = few.root / "results/full/explained/gone.json"
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_text("{}")
    found = few.explain()
    held = read_explanations(few.root / "results/full/explained/paper.json")
    assert held == {(found["psnr"].result_id, few.printed["psnr"], "psnr"): found["psnr"]}
    assert not stray.exists()
    few.publish()
    assert few.explain() == {}
    assert read_explanations(few.root / "results/full/explained/paper.json") == {}


def test_values_of_pictures_edited_otherwise_are_not_kept(few: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores do not hang on how JPEG is tried, so that their own fingerprint leaves it out."""
    few.publish(psnr=few.means["psnr"] - CONSTANT)
    few.explain()
    journal = few.root / "results/full/journals/explain-canon.jsonl"
    before = journal.read_text().splitlines()[0]
    few.explain()
    assert journal.read_text().splitlines()[0] == before
    other = tmp_path / "edits.py"
    other.write_bytes(explain.EDITING[0].read_bytes() + b"# stored as JPEG with other tables\n")
    monkeypatch.setattr(explain, "EDITING", (other, *explain.EDITING[1:]))
    few.explain()
    assert journal.read_text().splitlines()[0] != before


def test_pictures_that_changed_since_they_were_scored_are_said(few: Any) -> None:
    few.publish(psnr=few.means["psnr"] - CONSTANT)
    path = sorted((few.root / "results/full/cells/canon/osediff/default/images").glob("*.png"))[0]
    before = path.read_bytes()
    try:
        write_png(path, 255 - read_rgb(path))
        with pytest.raises(SemsrError, match="they have changed since; run `semsr score canon` again"):
            few.explain()
    finally:
        path.write_bytes(before)


def test_any_folder_will_do(few: Any, folders: tuple[Path, Path]) -> None:
    sr, hr = folders
    values = []
    for name in sorted(few.pairs)[:2]:
        error = np.mean([(a.astype(float) - b) ** 2 for a, b in [few.pairs[name]]])
        values.append(10 * np.log10(255**2 / error))
    (found,) = explain.run_folder(few.project, sr, ["psnr"], [f"{np.mean(values):.2f}"], hr=hr, threads=2)
    assert found.explanation is not None and found.explanation.best.id == "luma=rgb"
    assert found.where == f"{sr}: psnr"
    page = explain_page.render([found])
    assert "the three channels of RGB, no luma gives" in " ".join(page.split())
    assert "explains it" in page
    held = json.loads(explain_page.render([found], as_json=True))
    assert held[0]["best"] == "luma=rgb" and len(held[0]["alternatives"]) == held[0]["tried"]


def test_a_folder_against_a_data_set(few: Any) -> None:
    images = few.root / "results/full/cells/canon/osediff/default/images"
    text = f"{few.means['psnr'] + 0.3:.2f}"
    (found,) = explain.run_folder(few.project, images, ["psnr"], [text], dataset="canon", protocol="seesr", threads=2)
    assert found.explanation is not None and found.explanation.best is None
    assert "NOTHING explains it" in explain_page.render([found])


@pytest.mark.parametrize(
    ("metrics", "published", "given", "message"),
    [
        (["psnr"], ["x"], {}, "--published: found 'x'; must be a number as it was printed"),
        (["psnr"], ["nan"], {}, "--published: found 'nan'"),
        (["psnr"], ["2.5e1"], {}, "--published: found '2.5e1'"),
        (["psnr"], [], {}, "give each metric once, and one published value for each"),
        ([], [], {}, "found --metric none"),
        (["psnr", "psnr"], ["1", "2"], {}, "give each metric once"),
        (["psn"], ["25.1"], {}, "found 'psn'; allowed: "),
        (["lpips"], ["0.25"], {"protocol": "seesr"}, "protocol seesr allows: psnr, ssim, niqe"),
        (["psnr"], ["25.1"], {"protocol": "none"}, "unknown protocol 'none'"),
        (["psnr"], ["25.1"], {"hr": None}, "either --dataset ID or --hr DIR"),
        (["psnr"], ["25.1"], {"dataset": "canon"}, "either --dataset ID or --hr DIR"),
        (["fid"], ["120.5"], {}, "fid: FID is a value of the whole set"),
    ],
)
def test_folders_asked_wrongly_are_one_line(
    few: Any, folders: tuple[Path, Path], metrics: list[str], published: list[str], given: dict[str, Any], message: str
) -> None:
    sr, hr = folders
    with pytest.raises(SemsrError, match=message) as caught:
        explain.run_folder(few.project, sr, metrics, published, **{"hr": hr, **given})
    assert "\n" not in str(caught.value)


def test_folders_that_do_not_fit(few: Any, folders: tuple[Path, Path]) -> None:
    sr, hr = folders
    shutil.copy(next(sr.glob("*.png")), sr / "stray.png")
    with pytest.raises(PairingError, match="no image named 'stray'"):
        explain.run_folder(few.project, sr, ["psnr"], ["25.1"], hr=hr)


@pytest.mark.parametrize("arguments", [[], ["--all", "--folder", "."], ["a:b:c", "--all"]])
def test_one_thing_at_a_time(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, ["explain", *arguments])
    assert isinstance(done.exception, SemsrError)
    assert str(done.exception).startswith("say what to explain: one of TABLE:ROW:COLUMN, --all, or --folder DIR")


def test_words_of_cards_are_no_markup() -> None:
    way = Alternative("a=b", "with [bold]brackets[/bold] [/oops]", 1, 24.0, -1.0, 0.0, True, ("ssim",))
    found = Explanation("0" * 12, "24.00", 25.0, 0.005, (way,), 0.01, ("x [red]: y",))
    page = explain_page.render([explain.Explained("t [i]: psnr", "psnr", "dB", found)], everything=True)
    for text in (
        "with [bold]brackets[/bold] [/oops]",
        "value [dB]",
        "x [red]: y",
        "t [i]: psnr",
        "a=b",
        "explains it, with ssim",
    ):
        assert text in page
