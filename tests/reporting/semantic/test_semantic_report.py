"""`semsr semantic-report` as a whole, on a small project whose judge sees red squares."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from semsr.assets.missing import MissingFile
from semsr.cli import app
from semsr.errors import SemsrError, StorageError
from semsr.evaluation.semantic.values import read_values, values_path, write_values
from semsr.plugins import forget_plugins
from semsr.project import ROOT_VARIABLE, Project
from semsr.stages import judge, segment, semantic_report
from semsr.stages.findings import row_folder

_SPEC = importlib.util.spec_from_file_location("semantic_project", Path(__file__).parents[2] / "stages" / "semantic_project.py")
assert _SPEC is not None and _SPEC.loader is not None
small = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(small)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, project: Project) -> Path:
    """A project that was segmented and judged; to be copied."""
    root = tmp_path_factory.mktemp("judged") / "project"
    toys = small.make_project(root, project)
    segment.run(Project(root), small.profile(), "toys", "red")
    judge.run(Project(root), small.profile(), "toys")
    forget_plugins()
    return Path(toys.root)


@pytest.fixture
def toys(finished: Path, tmp_path: Path) -> Iterator[Project]:
    shutil.copytree(finished, tmp_path / "project")
    yield Project(tmp_path / "project")
    forget_plugins()


def test_the_page_shows_what_was_judged(toys: Project, read_page: Callable[[Path], Any]) -> None:
    path = semantic_report.run(toys, small.profile(), "toys", samples=3)
    assert path == toys.root / "results/small/semantic-report/toys/index.html"
    page = read_page(path)
    # Rows that keep nothing, everything and every second square differ by one lost object on every picture: the first by name are shown.
    assert page.text.count("a row loses 0 to 1 objects and brings back 0 to 1") == 3
    assert "3 of 4 pictures" in page.text
    section = page.section("red-semantic")
    assert re.findall(r"<h4>(\d)", section) == ["0", "1", "2"]
    described = [attributes["alt"] for attributes in page.attributes("img")]
    assert described[5:10] == [
        "1, Annotations, on HR. annotated: red; areas: ground.",
        "1, HR. right: red 0.90; areas: ground.",
        "1, blind (zoomed LR). lost: red; areas: ground.",
        "1, exact. brought back: red 0.90; areas: ground.",
        "1, half. lost: red; areas: ground.",
    ]
    # The square of picture 1 is 8 pixels wide at (8, 4) of 32: eight times that on the page.
    assert section.count('x="64.0" y="32.0" width="64.0" height="64.0"') == 2 * 5
    rows = re.findall(r'<th scope="row">(.*?)</th>', section)
    assert rows[:4] == ['HR <span class="state">ceiling</span>', 'blind <span class="state">floor</span>', "exact", "half"]
    assert "recovered 100.0" in section
    # The floor loses everything; nothing is brought back by what that is counted from.
    floor = section[section.index("blind <span") :].partition("</tr>")[0]
    assert '<td class="n"><span title="the floor is what improvement is counted from">–</span></td>' in floor
    assert '<td class="n">100.0<span class="range">100.0 to 100.0</span></td>' in floor


def test_pictures_that_differ_more_come_first(toys: Project) -> None:
    """Of four, those whose counts were made to differ more than the others'."""
    from semsr.evaluation.semantic.store import read_contributions, write_contributions

    path = row_folder(toys.judged("small", "toys", "semantic", "red"), "half", "default", 0) / "objects.parquet"
    counts, _ = read_contributions(path, list("0123"), "")
    changed = {**counts, "omitted": counts["omitted"] + [0, 0, 3, 5]}
    write_contributions(path, list("0123"), [{name: values[[at]] for name, values in changed.items()} for at in range(4)])
    page = semantic_report.run(toys, small.profile(), "toys", samples=2).read_text()
    assert re.findall(r"<h4>(\d)", page) == ["2", "3"]


def test_equal_results_give_equal_bytes_and_what_is_no_longer_shown_goes(toys: Project) -> None:
    path = semantic_report.run(toys, small.profile(), "toys", samples=4)
    before = {file.name: file.read_bytes() for file in path.parent.rglob("*") if file.is_file()}
    (path.parent / "pictures" / "mine.png").write_bytes(b"mine")
    semantic_report.run(toys, small.profile(), "toys", samples=1)
    left = {file.name for file in path.parent.rglob("*") if file.is_file()}
    assert "mine.png" in left and len(left) < len(before)
    semantic_report.run(toys, small.profile(), "toys", toys.root / "elsewhere", samples=4)
    assert {file.name: file.read_bytes() for file in (toys.root / "elsewhere").rglob("*") if file.is_file()} == before


def test_what_was_never_judged_is_one_line(toys: Project) -> None:
    shutil.rmtree(toys.results("small") / "judged")
    with pytest.raises(
        SemsrError, match=r"^results/small/judged/\S*values\.parquet: no such file; run `semsr judge toys`"
    ) as caught:
        semantic_report.run(toys, small.profile(), "toys")
    assert "\n" not in str(caught.value)
    assert not (toys.results("small") / "semantic-report").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"segmenters": {"judges": []}}, r"profile small: needs at least one of segmenters\.judges"),
        (
            {"tracks": {"semantic": {"datasets": ["others"]}}},
            r"tracks\.semantic\.datasets: found others; 'toys' is not among them",
        ),
    ],
)
def test_a_profile_that_judges_nothing_is_one_line(toys: Project, changes: dict[str, object], says: str) -> None:
    with pytest.raises(SemsrError, match=says):
        semantic_report.run(toys, small.profile(**changes), "toys")


def test_a_judge_that_was_not_asked_is_said(toys: Project, read_page: Callable[[Path], Any]) -> None:
    small.write_card(toys.root / "segmenters" / "late" / "segmenter.yaml", small.SEGMENTER | {"id": "late", "title": "Late"})
    fresh = Project(toys.root)
    page = read_page(semantic_report.run(fresh, small.profile(segmenters={"judges": ["late", "red"]}), "toys", samples=1))
    assert "late/semantic/values.parquet: no such file; run `semsr judge toys`" in page.section("late-semantic")
    assert "<figure>" in page.section("red-semantic") and "<figure>" not in page.section("late-semantic")


def test_a_judge_that_lacks_its_weights_is_said(toys: Project, read_page: Callable[[Path], Any]) -> None:
    path = values_path(toys.judged("small", "toys", "semantic", "red"))
    values = read_values(path, "", "")
    file = MissingFile("red-weights", "t", "f", 7, None, "MIT", (), "", "ask")
    write_values(path, replace(values, of={}, columns=(), lacking=(file,)))
    page = read_page(semantic_report.run(toys, small.profile(), "toys"))
    assert "red judges nothing: it needs asset red-weights" in page.text and "semsr segment red --dataset toys" in page.text
    assert not page.attributes("img")


def test_a_row_that_lacks_its_weights_is_said(toys: Project, read_page: Callable[[Path], Any]) -> None:
    path = values_path(toys.judged("small", "toys", "semantic", "red"))
    values = read_values(path, "", "")
    file = MissingFile("far-weights", "t", "f", 7, None, "MIT", (), "", "ask")
    without = {key: found for key, found in values.of.items() if key[0] != "half"}
    write_values(path, replace(values, of=without, missing={("half", "default"): (file,)}))
    page = read_page(semantic_report.run(toys, small.profile(), "toys", samples=1))
    assert "half is not restored: it needs asset far-weights" in page.text
    assert len(page.attributes("img")) == 4


def test_findings_of_other_pictures_are_said(toys: Project, read_page: Callable[[Path], Any]) -> None:
    small.restore(toys, "half", "second")
    page = read_page(semantic_report.run(toys, small.profile(), "toys", samples=1))
    assert "0 can't be shown: red went through other pictures of half than are there now" in page.text
    assert "<table>" in page.section("red-semantic") and not page.attributes("img")


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("segmented/toys/red/semantic/exact/default/panoptic/0.png", "0 can't be shown: results/small/segmented/"),
        ("judged/toys/red/semantic/exact/default/objects.parquet", "the choice of scenes does not count this judge"),
    ],
)
def test_a_damaged_file_spoils_no_more_than_its_part(
    toys: Project, read_page: Callable[[Path], Any], file: str, says: str
) -> None:
    (toys.results("small") / file).write_bytes(b"damaged")
    page = read_page(semantic_report.run(toys, small.profile(), "toys", samples=2))
    assert says in page.text and "<figure>" in page.section("red-semantic")


@pytest.mark.parametrize("text", ["method,column\na,pq\n", "\x00", "", "column,category,value\npq,red,x\n"])
def test_damaged_classes_are_said(toys: Project, read_page: Callable[[Path], Any], text: str) -> None:
    (toys.judged("small", "toys", "semantic", "red") / judge.CLASSES).write_text(text)
    page = read_page(semantic_report.run(toys, small.profile(), "toys", samples=1))
    assert "results/small/judged/toys/red/semantic/classes.csv: can't be read as values of classes" in page.text
    assert "class by class" not in page.text and "<figure>" in page.section("red-semantic")


def test_values_of_another_protocol_are_said(toys: Project) -> None:
    path = toys.root / "metrics" / "protocols" / "semantic.yaml"
    path.write_text(yaml.safe_dump(small.PROTOCOL | {"post_processing": {"score": 0.5}}))
    with pytest.raises(SemsrError, match="made with another protocol_hash than is there now; run `semsr judge toys`"):
        semantic_report.run(Project(toys.root), small.profile(), "toys")


def test_a_place_that_cannot_be_written_is_one_line(toys: Project) -> None:
    (toys.root / "taken").write_text("a file")
    with pytest.raises(StorageError, match="taken is no folder"):
        semantic_report.run(toys, small.profile(), "toys", toys.root / "taken")


def test_a_class_called_script_stays_text(toys: Project, read_page: Callable[[Path], Any]) -> None:
    for path in (toys.data / "toys" / "annotations").glob("*.json"):
        path.write_text(path.read_text().replace('"red"', '"<script>red"'))
    segment.run(toys, small.profile(), "toys", "red")
    judge.run(toys, small.profile(), "toys")
    page = read_page(semantic_report.run(toys, small.profile(), "toys", samples=1))
    assert "<script>red" in page.text


def test_the_verb(toys: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (toys.root / "profiles" / "small.yaml").write_text(yaml.safe_dump(small.profile().model_dump(mode="json")))
    monkeypatch.setenv(ROOT_VARIABLE, str(toys.root))
    done = CliRunner().invoke(app, ["semantic-report", "toys", "--profile", "small", "--samples", "1"])
    assert done.exit_code == 0, done.output
    assert (toys.results("small") / "semantic-report/toys/index.html").is_file()
