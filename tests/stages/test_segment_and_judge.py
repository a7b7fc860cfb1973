"""Segmenting and judging: what is found is hand-calculated, what is finished is left alone, what does not fit is one line."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from semsr.errors import CardError, MissingAssetsError, SegmenterError, SemanticError, SemsrError
from semsr.evaluation.semantic.values import REFERENCE, JudgedValues, read_values, values_path
from semsr.imaging.pictures import read_rgb, write_png
from semsr.plugins import forget_plugins
from semsr.preparation.manifest import open_prepared, write_manifest
from semsr.project import Project
from semsr.stages import judge, segment
from semsr.stages.findings import row_folder

_SPEC = importlib.util.spec_from_file_location("semantic_project", Path(__file__).with_name("semantic_project.py"))
assert _SPEC is not None and _SPEC.loader is not None
small = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(small)
METHODS, PICTURES, SEGMENTER = small.METHODS, small.PICTURES, small.SEGMENTER
make_project, profile, restore, write_card = small.make_project, small.profile, small.restore, small.write_card


@pytest.fixture
def toys(project: Project, tmp_path: Path) -> Iterator[Project]:
    yield make_project(tmp_path / "project", project)
    forget_plugins()


def noting(toys: Project, tmp_path: Path, **options: object) -> Path:
    """Let the judge note its pictures."""
    notes = tmp_path / "notes"
    write_card(toys.root / "segmenters" / "red" / "segmenter.yaml", SEGMENTER | {"options": {"notes": str(notes), **options}})
    return notes


def judged(toys: Project) -> JudgedValues:
    segment.run(Project(toys.root), profile(), "toys", "red")
    judge.run(Project(toys.root), profile(), "toys")
    return values(toys)


def values(toys: Project) -> JudgedValues:
    path = values_path(toys.judged("small", "toys", "semantic", "red"))
    return read_values(path, path.name, "semsr judge toys")


def test_the_numbers_are_those_of_a_hand_calculation(toys: Project) -> None:
    found = judged(toys)
    assert found.pictures == PICTURES
    assert set(found.of) == {REFERENCE, *((method, "default", 0) for method in METHODS)}
    for key in (REFERENCE, ("exact", "default", 0)):
        for column in ("pq", "pq-things", "box-ap", "mask-ap", "miou"):
            assert found.of[key][column][0] == pytest.approx(100), (key, column)
    # Nothing red is seen: things score 0, and the ground covers 64 pixels too many of 1024.
    blind = found.of["blind", "default", 0]
    ground = 100 * (1024 - 64) / 1024
    assert blind["pq-things"][0] == 0 and blind["box-ap"][0] == 0 and blind["mask-ap"][0] == 0
    assert blind["pq"][0] == pytest.approx(ground / 2)
    assert blind["miou"][0] == pytest.approx(ground / 2)
    # Two of four squares: PQ = (1 + 1) / (2 + 2 / 2); AP: precision 1 up to recall 0.5, at 51 of 101 points.
    half = found.of["half", "default", 0]
    assert half["pq-things"][0] == pytest.approx(200 / 3)
    assert half["box-ap"][0] == pytest.approx(100 * 51 / 101)


def test_objects_are_followed_from_hr_over_zoomed_lr(toys: Project) -> None:
    found = judged(toys)
    assert [found.of["half", "default", 0][name][0] for name in ("omission", "hallucination", "improvement")] == [50, 0, 50]
    assert [found.of["exact", "default", 0][name][0] for name in ("omission", "hallucination", "improvement")] == [0, 0, 100]
    blind = found.of["blind", "default", 0]
    assert blind["omission"][0] == 100 and blind["improvement"][0] == 0
    assert np.isnan(blind["hallucination"][0])
    assert np.isnan(found.of[REFERENCE]["omission"]).all()


def test_draws_are_the_same_for_every_row(toys: Project) -> None:
    found = judged(toys)
    half, exact = (found.of[name, "default", 0] for name in ("half", "exact"))
    # Whatever pictures are drawn, "exact" keeps all and "half" what is even: omission and improvement add up draw by draw.
    np.testing.assert_allclose(half["omission"] + half["improvement"], 100)
    assert np.ptp(half["omission"]) > 0
    assert np.ptp(exact["pq"]) == pytest.approx(0)


def test_classes_are_written_beside(toys: Project) -> None:
    judged(toys)
    lines = (toys.judged("small", "toys", "semantic", "red") / judge.CLASSES).read_text().splitlines()
    assert lines[0] == "method,variant,seed,column,category_id,category,value"
    assert "half,default,0,pq,7,red,66.66666667" in lines
    assert "reference,hr,0,miou,200,ground,100" in lines


def test_what_is_finished_is_left_alone(toys: Project, tmp_path: Path) -> None:
    notes = noting(toys, tmp_path)
    first = judged(toys)
    assert len(notes.read_text().splitlines()) == PICTURES * (len(METHODS) + 1)
    again = judged(toys)
    assert len(notes.read_text().splitlines()) == PICTURES * (len(METHODS) + 1)
    np.testing.assert_array_equal(first.of["half", "default", 0]["pq"], again.of["half", "default", 0]["pq"])


def test_pictures_made_again_are_gone_through_again(toys: Project, tmp_path: Path) -> None:
    notes = noting(toys, tmp_path)
    judged(toys)
    restore(toys, "half", "second")
    with pytest.raises(
        SemsrError, match=r"red went through other pictures of half/default on toys .*`semsr segment red --dataset toys`"
    ):
        judge.run(Project(toys.root), profile(), "toys")
    segment.run(Project(toys.root), profile(), "toys", "red")
    assert len(notes.read_text().splitlines()) == PICTURES * (len(METHODS) + 2)
    judge.run(Project(toys.root), profile(), "toys")


def test_a_killed_run_goes_on_with_the_first_missing_picture(toys: Project, tmp_path: Path) -> None:
    notes = noting(toys, tmp_path)
    first = judged(toys)
    folder = row_folder(toys.segmented("small", "toys", "semantic", "red"), "half", "default", 0)
    record = folder / "run.json"
    record.rename(folder / "run.partial.json")
    (folder / "found" / "2.json").unlink()
    notes.unlink()
    again = judged(toys)
    assert notes.read_text().splitlines() == ["2"]
    np.testing.assert_array_equal(first.of["half", "default", 0]["pq"], again.of["half", "default", 0]["pq"])


def test_annotations_of_another_size_are_brought_to_the_pictures_or_answers_to_theirs(toys: Project) -> None:
    """Pictures twice as large as their annotations: a perfect judge has 100 either way."""
    prepared = open_prepared(toys, "toys")
    entries = []
    for entry in prepared.entries:
        assert entry.hr and entry.lr
        write_png(entry.hr, np.kron(read_rgb(entry.hr), np.ones((2, 2, 1), np.uint8)))
        write_png(entry.lr, np.zeros((16, 16, 3), np.uint8))
        entries.append(replace(entry, hr_size=(64, 64), lr_size=(16, 16)))
    write_manifest(prepared.folder, entries, dict(prepared.annotated))
    for method in METHODS:
        cell = toys.cell("small", "toys", method, "default")
        for path in (cell / "images").glob("*.png"):
            write_png(path, np.kron(read_rgb(path), np.ones((2, 2, 1), np.uint8)))
    card = toys.root / "metrics" / "protocols" / "semantic.yaml"
    for way, size in (("resized", (64, 64)), ("original", (32, 32))):
        card.write_text(yaml.safe_dump({**yaml.safe_load(card.read_text()), "annotations": way}))
        found = judged(Project(toys.root))
        folder = row_folder(toys.segmented("small", "toys", "semantic", "red"), "exact", "default", 0)
        assert read_rgb(folder / "panoptic" / "0.png").shape[:2] == size
        for column in ("pq", "box-ap", "mask-ap", "miou"):
            assert found.of["exact", "default", 0][column][0] == pytest.approx(100), (way, column)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / "found" / "1.json").unlink(), "red went through other pictures"),
        (lambda folder: (folder / "panoptic" / "1.png").write_bytes(b"no picture"), r"panoptic/1\.png"),
        (lambda folder: (folder / "found" / "1.json").write_text("{}"), r"found/1\.json"),
        (lambda folder: shutil.rmtree(folder), "red has not been through exact/default on toys yet"),
    ],
)
def test_damaged_findings_are_one_line(toys: Project, damage: object, says: str) -> None:
    segment.run(toys, profile(), "toys", "red")
    damage(row_folder(toys.segmented("small", "toys", "semantic", "red"), "exact", "default", 0))  # type: ignore[operator]
    with pytest.raises((SemsrError, SemanticError), match=says) as caught:
        judge.run(toys, profile(), "toys")
    assert "\n" not in str(caught.value)


def test_a_segmenter_that_breaks_its_contract_is_named(toys: Project, tmp_path: Path) -> None:
    noting(toys, tmp_path, broken=True)
    with pytest.raises(SegmenterError, match=r"red: \d: .*"):
        segment.run(Project(toys.root), profile(), "toys", "red")


@pytest.mark.parametrize(
    ("answer", "says"),
    [("None", r"red: 0: .*None"), ('Found("../1", size, instances=())', r"red: 0: .*'\.\./1'")],
)
def test_an_answer_that_is_none_or_of_another_picture_is_one_line(toys: Project, answer: str, says: str) -> None:
    code = toys.root / "segmenters" / "red" / "look.py"
    text = code.read_text()
    code.write_text(text[: text.index("        return Found(")] + f"        return {answer}\n")
    with pytest.raises(SegmenterError, match=says):
        segment.run(Project(toys.root), profile(), "toys", "red")


def test_a_wrong_card_is_named(toys: Project) -> None:
    path = toys.root / "segmenters" / "red" / "segmenter.yaml"
    write_card(path, SEGMENTER | {"options": {"colour": "blue"}})
    with pytest.raises(SemsrError, match=r"segmenters/red/segmenter\.yaml: options: .*colour"):
        segment.run(Project(toys.root), profile(), "toys", "red")
    write_card(path, SEGMENTER | {"classes": 80})
    with pytest.raises(
        SegmenterError, match=r"segmenters/red/segmenter\.yaml: classes: found 80; data set toys has 2 categories"
    ):
        segment.run(Project(toys.root), profile(), "toys", "red")
    write_card(path, SEGMENTER | {"gives": ["masks"]})
    with pytest.raises(CardError, match="name 'boxes', too"):
        segment.run(Project(toys.root), profile(), "toys", "red")


def test_weights_that_cannot_be_had_are_written_down(toys: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMSR_ASSETS", str(tmp_path / "assets"))
    asset = {
        "id": "red-weights",
        "file": "red.safetensors",
        "title": "Weights",
        "licence": "MIT",
        "size": 7,
        "sha256": "0" * 64,
        "source": "nowhere",
        "manual": "write to nobody",
        "mirrors": [{"kind": "file", "path": str(tmp_path / "nothing.safetensors")}],
    }
    write_card(toys.root / "segmenters" / "red" / "assets.yaml", {"assets": [asset]})
    write_card(toys.root / "segmenters" / "red" / "segmenter.yaml", SEGMENTER | {"weights": ["red-weights"]})
    fresh = Project(toys.root)
    with pytest.raises(MissingAssetsError):
        segment.run(fresh, profile(), "toys", "red")
    segment.run(fresh, profile(), "toys", "red", keep_going=True)
    judge.run(fresh, profile(), "toys")
    found = values(toys)
    assert [file.id for file in found.lacking] == ["red-weights"] and not found.of


def test_a_judge_without_masks_has_no_columns_of_them(toys: Project) -> None:
    code = toys.root / "segmenters" / "red" / "look.py"
    text = code.read_text().replace(
        "size, ids, segments, np.where(red, 0, 1).astype(np.int16), instances)", "size, instances=instances)"
    )
    code.write_text(text.replace(", shape),)", "),)"))
    write_card(toys.root / "segmenters" / "red" / "segmenter.yaml", SEGMENTER | {"gives": ["boxes"]})
    found = judged(Project(toys.root))
    assert found.columns == ("box-ap", "omission", "hallucination", "improvement")
    assert found.facts["columns_without"]["mask-ap"] == "red gives no masks"


def test_annotations_that_vanish_at_the_size_of_comparison_are_counted(toys: Project) -> None:
    path = toys.data / "toys" / "annotations" / "panoptic" / "0.png"
    ids = read_rgb(path).copy()
    ids[0, 31] = (13, 0, 0)
    write_png(path, ids)
    told = toys.data / "toys" / "annotations" / "panoptic.json"
    record = json.loads(told.read_text())
    speck = {"id": 13, "category_id": 200, "area": 1, "bbox": [31, 0, 1, 1], "iscrowd": 0}
    record["annotations"][0]["segments_info"].append(speck)
    told.write_text(json.dumps(record))
    _shrink(toys)
    assert judged(toys).facts["vanished"] == {"segments": 1, "objects": 0}


def _shrink(toys: Project) -> None:
    """Pictures half as large as their annotations."""
    prepared = open_prepared(toys, "toys")
    entries = []
    for entry in prepared.entries:
        assert entry.hr and entry.lr
        write_png(entry.hr, read_rgb(entry.hr)[::2, ::2].copy())
        write_png(entry.lr, np.zeros((4, 4, 3), np.uint8))
        entries.append(replace(entry, hr_size=(16, 16), lr_size=(4, 4)))
    write_manifest(prepared.folder, entries, dict(prepared.annotated))
    for method in METHODS:
        for picture in (toys.cell("small", "toys", method, "default") / "images").glob("*.png"):
            write_png(picture, read_rgb(picture)[::2, ::2].copy())


def rewrite(toys: Project, **changes: object) -> Project:
    """The protocol with other keys."""
    path = toys.root / "metrics" / "protocols" / "semantic.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))
    return Project(toys.root)


def test_findings_of_other_thresholds_options_or_weights_are_not_judged(toys: Project) -> None:
    judged(toys)
    says = r"red went through HR on toys with another code, weights, options or thresholds .*`semsr segment red --dataset toys`"
    with pytest.raises(SemsrError, match=says):
        judge.run(rewrite(toys, post_processing={"score": 0.5}), profile(), "toys")
    fresh = rewrite(toys, post_processing={"score": 0.25})
    judge.run(fresh, profile(), "toys")
    write_card(toys.root / "segmenters" / "red" / "segmenter.yaml", SEGMENTER | {"options": {"limit": 0.4}})
    with pytest.raises(SemsrError, match=says):
        judge.run(Project(toys.root), profile(), "toys")


def test_contributions_that_are_gone_are_made_again(toys: Project) -> None:
    first = judged(toys)
    place = row_folder(toys.judged("small", "toys", "semantic", "red"), "half", "default", 0)
    (place / "pq.parquet").unlink()
    judge.run(Project(toys.root), profile(), "toys")
    np.testing.assert_array_equal(first.of["half", "default", 0]["pq"], values(toys).of["half", "default", 0]["pq"])
    (place / "pq.parquet").write_bytes(b"damaged")
    with pytest.raises(SemsrError, match=r"pq\.parquet: not the contributions .* delete it and run `semsr judge toys`"):
        judge.run(Project(toys.root), profile(), "toys")


def test_without_zoomed_lr_what_is_lost_is_counted_and_what_is_won_is_not(toys: Project) -> None:
    shutil.rmtree(toys.cell("small", "toys", "blind", "default"))
    found = judged(toys)
    half = found.of["half", "default", 0]
    assert half["omission"][0] == 50 and np.isnan(half["improvement"]).all()
    assert found.facts["columns_without"] == {"improvement": "zoomed LR (blind/default) is not restored"}


def test_renamed_categories_are_gone_through_again(toys: Project, tmp_path: Path) -> None:
    notes = noting(toys, tmp_path)
    judged(toys)
    told = toys.data / "toys" / "annotations" / "panoptic.json"
    told.write_text(told.read_text().replace('"ground"', '"floor"'))
    segment.run(Project(toys.root), profile(), "toys", "red")
    assert len(notes.read_text().splitlines()) == 2 * PICTURES * (len(METHODS) + 1)


def test_a_judge_that_cannot_answer_costs_nothing_of_what_an_earlier_one_found(toys: Project, tmp_path: Path) -> None:
    judged(toys)
    folder = toys.segmented("small", "toys", "semantic", "red")
    before = sorted(path for path in folder.rglob("*") if path.is_file())
    noting(toys, tmp_path, broken=True)
    with pytest.raises(SegmenterError):
        segment.run(Project(toys.root), profile(), "toys", "red")
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == before


def test_annotations_are_looked_through_before_anything_is_asked(toys: Project, tmp_path: Path) -> None:
    notes = noting(toys, tmp_path)
    told = toys.data / "toys" / "annotations" / "panoptic.json"
    record = json.loads(told.read_text())
    record["annotations"][3]["segments_info"][1]["category_id"] = 8
    told.write_text(json.dumps(record))
    with pytest.raises(SemanticError, match=r"panoptic\.json: .*category_id.*8"):
        segment.run(Project(toys.root), profile(), "toys", "red")
    assert not notes.exists()


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (
            lambda toys: (toys.cell("small", "toys", "half", "default") / "run.json").write_text("{"),
            r"half/default/run\.json: damaged .*`semsr infer half --dataset toys`",
        ),
        (
            lambda toys: rewrite(toys, floor={"method": "nope"}),
            r"metrics/protocols/semantic\.yaml: floor: unknown method 'nope'",
        ),
        (
            lambda toys: rewrite(toys, columns=[{"name": "omission", "metric": "pq"}]),
            r"metrics/protocols/semantic\.yaml: .*'omission' is the name of a column that every row has",
        ),
    ],
)
def test_what_is_wrong_around_a_judge_is_one_line(toys: Project, break_it: Callable[[Project], object], says: str) -> None:
    break_it(toys)
    for stage in (lambda each: segment.run(each, profile(), "toys", "red"), lambda each: judge.run(each, profile(), "toys")):
        with pytest.raises(SemsrError, match=says):
            stage(Project(toys.root))


def test_a_profile_without_a_semantic_protocol_is_said(toys: Project) -> None:
    card = profile(tracks={"semantic": {"datasets": ["toys"], "methods": list(METHODS)}})
    with pytest.raises(SemsrError, match=r"profile small: tracks\.semantic\.protocols: found none; allowed: semantic"):
        segment.run(toys, card, "toys", "red")
