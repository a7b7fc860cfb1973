"""A number is traced to the end, and whatever changes behind it makes it stale and breaks the chain where it changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from semsr.cli import app
from semsr.errors import SemsrError
from semsr.files import sha256_file
from semsr.imaging.pictures import read_rgb, write_png
from semsr.project import ROOT_VARIABLE, Project
from semsr.stages import tabulate, trace
from semsr.stages.tracing.link import Link

ADDRESS = "paper:theirs: new:error"
Edit = Callable[..., None]


def follow(root: Path, address: str = ADDRESS, **more: bool) -> trace.Trace:
    project = Project(root)
    return trace.run(project, project.profile("small"), address, **more)


def links(found: trace.Trace) -> dict[str, list[Link]]:
    """Every link by its name."""
    named: dict[str, list[Link]] = {}
    for top in found.links:
        for link in top.walk():
            named.setdefault(link.what, []).append(link)
    return named


def cell(root: Path, column: str = "error") -> Any:
    project = Project(root)
    (table,) = tabulate.tables_of(project, project.profile("small"))
    return next(cell for _, row, its, cell in table.cells() if (row.label, its.name) == ("Theirs: new", column))


def test_the_chain_goes_down_to_files_and_hashes(traced: Path) -> None:
    found = follow(traced, verify=True, pictures=True)
    assert found.broken == () and found.address == "paper:Theirs: new:toys/error"
    named = links(found)
    errors = [
        np.abs(read_rgb(traced / f"outputs/{name}.png").astype(float) - read_rgb(traced / f"copy/hr/{name}.png")).mean()
        for name in "abc"
    ]
    assert named["value"][0].facts["value"] == pytest.approx(np.mean(errors), rel=1e-12)
    assert named["result id"][0].facts["id"] == cell(traced).result_id
    assert "tables/paper/reported.csv, line 2" in named["published"][0].text and named["published"][0].text.startswith("64.0 ")
    verdict = cell(traced).verdict
    assert named["verdict"][0].facts["kind"] == verdict.kind == "not-reproduced", (
        "64.0 is printed, noise against noise is about 85"
    )
    scores = traced / "results/small/scores/toys.parquet"
    assert named["scores"][0].facts["sha256"] == sha256_file(scores)
    (run,) = named["run.json"]
    told = json.loads((traced / "results/small/cells/toys/theirs/default/run.json").read_text())
    assert run.state == "checked" and run.facts["fingerprint"] == told["fingerprint"]
    pictures = [link for link in named["picture"] if link.facts["file"].startswith("results/")]
    assert [link.facts["sha256"] for link in pictures] == [
        sha256_file(traced / f"results/small/cells/toys/theirs/default/images/{name}.png") for name in "abc"
    ]
    assert {link.state for link in pictures} == {link.state for name in "abc" for link in named[name]} == {"checked"}
    assert {link.state for link in named["code"]} == {"checked"}, "that of the method and that of the metric"
    assert named["machine"][0].state == "checked" and named["machine"][0].facts["passport"] == told["passport"]
    states = {what: named[what][0].state for what in ("protocol", "metric", "data set")}
    assert set(states.values()) == {"checked"}


def test_an_id_leads_to_the_same_chain(traced: Path) -> None:
    found = follow(traced, cell(traced, "weighted").result_id.upper())
    assert found.address == "paper:Theirs: new:toys/weighted"
    (weights,) = links(found)["weights"]
    assert weights.facts["asset"] == "factor" and weights.facts["licence"] == "CC0-1.0"
    assert weights.state == "recorded"
    assert links(follow(traced, found.address, verify=True))["weights"][0].state == "checked"
    with pytest.raises(SemsrError, match="0123456789ab: no number of profile small has this id as its results are now"):
        follow(traced, "0123456789ab")


def again(root: Path) -> None:
    """Makes the pictures of the method's folder others."""
    for name in "abc":
        write_png(root / f"outputs/{name}.png", np.zeros((16, 24, 3), np.uint8))


def other_data(root: Path) -> None:
    write_png(root / "copy/lr/b.png", np.full((4, 6, 3), 7, np.uint8))


@pytest.mark.parametrize(
    ("change", "stages", "column", "said", "link"),
    [
        (other_data, ("prepare",), "error", "measured on another revision of data set toys", "data set"),
        (other_data, ("prepare", "score"), "error", "were restored from another revision of data set toys", "run.json"),
        (again, ("infer",), "error", "measured on other pictures of theirs/default than are there now", "run.json"),
        ("version", (), "error", "measured by error version 1, the cards say error version 2 now", "metric"),
        ("protocol", (), "error", "measured by way@", "protocol"),
        ("weights", (), "weighted", "measured with other weights of metric weighted", "weights"),
    ],
)
def test_what_changes_behind_a_number_makes_it_stale_and_is_named(
    traced: Path, run_stages: Edit, edit_card: Edit, change: Any, stages: tuple[str, ...], column: str, said: str, link: str
) -> None:
    before = cell(traced, column).result_id
    if change == "version":
        edit_card("metrics/simple/error.yaml", version=2)
    elif change == "protocol":
        edit_card("metrics/protocols/way.yaml", columns=[{"name": name, "metric": "error"} for name in ("error", "weighted")])
    elif change == "weights":
        asset = (traced / "metrics/simple/assets.yaml").read_text()
        (traced / "metrics/simple/assets.yaml").write_text(asset.replace(sha256_file(traced / "factor.bin"), "ab" * 32))
    else:
        change(traced)
    if stages:
        run_stages(*stages)
    stale = cell(traced, column)
    assert (stale.result.status, stale.text, stale.result_id) == ("stale", "", "") and said in stale.result.reason
    found = follow(traced, f"paper:theirs:{column}")
    assert {"value", link} <= {broken.what for broken in found.broken}
    assert all(broken.why for broken in found.broken)
    with pytest.raises(SemsrError, match="has changed since"):
        follow(traced, before)


def test_after_the_stages_ran_again_the_chain_holds_and_the_id_is_another(traced: Path, run_stages: Edit) -> None:
    before = cell(traced).result_id
    other_data(traced)
    run_stages()
    assert follow(traced, verify=True).broken == ()
    assert cell(traced).result_id != before


def test_a_picture_changed_by_hand_is_found_when_all_are_read(traced: Path) -> None:
    """Nothing that is written down has changed: only reading the pictures tells."""
    path = traced / "results/small/cells/toys/theirs/default/images/b.png"
    write_png(path, np.zeros((16, 24, 3), np.uint8))
    assert follow(traced).broken == ()
    (broken,) = follow(traced, verify=True).broken
    assert broken.what == "picture" and "b.png" in broken.text and "changed after it was measured" in broken.why
    path.unlink()
    (broken,) = follow(traced).broken
    assert broken.what == "pictures" and "b.png: no such file; run `semsr infer theirs --dataset toys`" in broken.why


def test_data_changed_by_hand_is_found_when_all_are_read(traced: Path) -> None:
    write_png(traced / "data/toys/hr/c.png", np.zeros((16, 24, 3), np.uint8))
    (broken,) = follow(traced, verify=True).broken
    assert broken.what == "c" and "data/toys/hr/c.png: pixels: recorded " in broken.why


@pytest.mark.parametrize(
    ("file", "link", "said"),
    [
        (
            "results/small/cells/toys/theirs/default/run.json",
            "run.json",
            "no such file; run `semsr infer theirs --dataset toys`",
        ),
        ("data/fetched/toys/record.json", "source", "no such file; run `semsr fetch toys`"),
        ("requirements/lock.txt", "lock", "no such file"),
    ],
)
def test_a_missing_link_is_said(traced: Path, file: str, link: str, said: str) -> None:
    (traced / file).unlink()
    assert cell(traced).result.status == "reproduced", "what can't be checked is not stale"
    assert [(broken.what, said in broken.why) for broken in follow(traced).broken] == [(link, True)]


@pytest.mark.parametrize(
    ("change", "link", "said"),
    [
        ({"weights": "x"}, "weights", "found 'x'; must be a list of files with 'asset' and 'sha256'"),
        ({"weights": [{"asset": 3}]}, "file from outside", "no assets.yaml has an asset of this id"),
        ({"passport": "x"}, "machine", "passport: found 'x'; must be 12 hexadecimal digits"),
    ],
)
def test_a_damaged_record_is_a_broken_link(traced: Path, change: dict[str, Any], link: str, said: str) -> None:
    path = traced / "results/small/cells/toys/theirs/default/run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"options": [], "packages": 3} | change))
    assert [(broken.what, said in broken.why) for broken in follow(traced).broken] == [(link, True)]


def test_what_the_code_has_become_since_is_said_and_breaks_nothing(traced: Path) -> None:
    (traced / "metrics/simple/simple.py").write_text((traced / "metrics/simple/simple.py").read_text() + "\n# changed\n")
    found = follow(traced)
    assert found.broken == ()
    moved = [link for link in links(found)["code"] if link.state == "moved-on"]
    assert len(moved) == 1 and "`semsr score toys` would measure again" in moved[0].why


def test_a_row_of_the_paper_alone_has_its_source_line_and_no_value(traced: Path) -> None:
    found = follow(traced, "paper:Older:error")
    named = links(found)
    assert "line 4" in named["published"][0].text
    assert [link.what for link in found.broken] == ["value"]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("papers:Older:error", "unknown table 'papers'; did you mean 'paper'?"),
        ("paper:Oldest:error", "row: found 'Oldest'; did you mean 'Older'? allowed: Theirs: new, theirs/default"),
        ("paper:Older:eror", "column: found 'eror'; did you mean 'error'? allowed: error, weighted"),
        ("paper:Older", "address: found 'paper:Older'; must be <table>:<row>:<column>"),
        ("paper:theirs@2:error", ""),
    ],
)
def test_a_wrong_address_is_one_line(traced: Path, address: str, said: str) -> None:
    if not said:
        assert "value" in {link.what for link in follow(traced, address).broken}, "there is no such seed"
        return
    with pytest.raises(SemsrError) as raised:
        follow(traced, address)
    assert said in str(raised.value) and "\n" not in str(raised.value)


def test_the_command_prints_a_tree_or_json_and_exits_by_what_it_found(traced: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(traced))
    (traced / "params.yaml").symlink_to("profiles/small.yaml")
    whole = CliRunner().invoke(app, ["trace", ADDRESS, "--verify"])
    assert whole.exit_code == 0 and "The chain holds." in whole.output
    told = json.loads(CliRunner().invoke(app, ["trace", ADDRESS, "--json"]).output)
    assert told["holds"] is True and told["chain"][0]["what"] == "table"
    (traced / "data/fetched/toys/record.json").unlink()
    broken = CliRunner().invoke(app, ["trace", ADDRESS])
    assert broken.exit_code == 1 and "The chain is broken at 1 place:" in broken.output
