"""The stage: what is stale or missing is an error with the command to run, and all files are written."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np
import pytest

from semsr.errors import SemsrError
from semsr.evaluation.semantic.values import values_path
from semsr.stages.tabulate import run

AGAIN = "`semsr segment big --dataset scenes`, then `semsr judge scenes`"


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"manifest_sha256": "f" * 64}, f"data set scenes has been prepared again since; run {AGAIN}"),
        ({"protocol_hash": "0123"}, "judged by look@0123, the cards say look@"),
        ({"metric_versions": {"pq": 3}}, f"column pq was measured by pq version 3, the card says 1 now; run {AGAIN}"),
        ({"segmenter": "other"}, "it is of judge 'other', not of 'big'"),
    ],
)
def test_what_is_stale_is_an_error(judged: Any, facts: dict[str, Any], message: str) -> None:
    judged.save(**facts)
    with pytest.raises(SemsrError) as error:
        judged.table(save=False)
    path = values_path(judged.project.judged("full", "scenes", "look", "big"))
    assert str(error.value).startswith(f"{judged.project.show(path)}: ")
    assert message in str(error.value) and AGAIN in str(error.value)


def test_a_changed_threshold_makes_values_stale(judged: Any) -> None:
    judged.save()
    judged.edit("metrics/protocols/look.yaml", post_processing={"score": 0.8})
    with pytest.raises(SemsrError, match="judged by look@"):
        judged.table(save=False)


def test_a_row_that_was_gone_through_again_makes_values_stale(judged: Any) -> None:
    judged.save(found={"reference/hr": "first"})
    record = judged.project.segmented("full", "scenes", "look", "big") / "reference" / "hr" / "run.json"
    record.parent.mkdir(parents=True)
    record.write_text('{"fingerprint": "first"}')
    judged.table(save=False)
    record.write_text('{"fingerprint": "second"}')
    with pytest.raises(SemsrError, match=rf"row reference/hr was gone through again since; run {AGAIN}"):
        judged.table(save=False)


def test_a_row_that_was_restored_again_makes_values_stale(judged: Any) -> None:
    judged.save(found={"net/default": "seen"})
    record = judged.project.segmented("full", "scenes", "look", "big") / "net/default/run.json"
    record.parent.mkdir(parents=True)
    record.write_text('{"fingerprint": "seen", "pictures_made_by": "first"}')
    restored = judged.project.cell("full", "scenes", "net", "default") / "run.json"
    restored.parent.mkdir(parents=True)
    restored.write_text('{"fingerprint": "first"}')
    judged.table(save=False)
    restored.write_text('{"fingerprint": "second"}')
    with pytest.raises(SemsrError, match=rf"row net/default was restored again since; run {AGAIN}"):
        judged.table(save=False)


def test_what_is_not_judged_is_an_error_or_a_reason(judged: Any) -> None:
    del judged.seen["small"]
    with pytest.raises(SemsrError, match=r"small.*/values\.parquet: no such file; run `semsr judge scenes`"):
        judged.table()
    table = judged.table(keep_going=True)
    assert table.blocks[0].judgements[1].not_run == (
        "not judged yet; run `semsr segment small --dataset scenes`, then `semsr judge scenes`"
    )
    assert table.blocks[0].first.ran


def test_judges_must_have_drawn_the_same_pictures(judged: Any) -> None:
    judged.seen["small"] = {key: {name: draws[:50] for name, draws in row.items()} for key, row in judged.seen["small"].items()}
    for row in judged.seen["small"].values():
        for name in ("omission", "hallucination", "improvement"):
            row[name] = np.full(50, np.nan)
    with pytest.raises(SemsrError, match=r"its judges have drawn different pictures .* run `semsr judge scenes` again"):
        judged.table()


def test_all_files_are_written_and_shown(judged: Any, capsys: pytest.CaptureFixture[str]) -> None:
    judged.save()
    run(judged.project, judged.project.profile("full"))
    folder = judged.root / "results/tables"
    names = {path.name for path in folder.iterdir()}
    assert names == {f"paper-table.{suffix}" for suffix in ("csv", "tex", "md", "differences.csv", "order.csv")}
    with (folder / "paper-table.differences.csv").open() as file:
        assert [line["what"] for line in csv.DictReader(file)] == ["step", "step", "step", "step", "tau", "dissent"]
    told = capsys.readouterr().out
    assert "Recovered share" in told and "paper-table: Gan: not run: needs asset gan-weights" in told
    assert "results/tables/paper-table.{csv,tex,md}" in told
    # Another profile's run leaves no order of rows that it did not judge.
    run(judged.project, judged.project.profile("other"))
    assert not (folder / "paper-table.differences.csv").exists() and not (folder / "paper-table.order.csv").exists()


def test_an_error_leaves_the_files_of_the_last_run(judged: Any) -> None:
    judged.save()
    run(judged.project, judged.project.profile("full"))
    before = (judged.root / "results/tables/paper-table.md").read_bytes()
    values_path(judged.project.judged("full", "scenes", "look", "big")).write_bytes(b"not parquet")
    with pytest.raises(SemsrError, match="not a file of judged values"):
        run(judged.project, judged.project.profile("full"))
    assert (judged.root / "results/tables/paper-table.md").read_bytes() == before
