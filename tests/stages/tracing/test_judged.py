"""Numbers of judges and of describers are traced, too: over what was found in which pictures, and over what was said."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from semsr.errors import SemsrError
from semsr.files import sha256_file
from semsr.plugins import forget_plugins
from semsr.preparation.manifest import open_prepared, write_manifest
from semsr.project import Project
from semsr.stages import judge, segment, trace
from semsr.stages.tracing.link import Link

_SPEC = importlib.util.spec_from_file_location("semantic_project", Path(__file__).parents[1] / "semantic_project.py")
assert _SPEC is not None and _SPEC.loader is not None
small = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(small)

TABLE = {
    "id": "seen", "kind": "semantic", "title": "Seen", "track": "semantic", "profiles": ["small"], "protocol": "semantic",
    "judges": ["red"], "columns": ["pq", "box-ap"], "datasets": [{"label": "Toys", "dataset": "toys"}], "ceiling": {"label": "HR"},
    "floor": {"method": "blind"},
    "rows": [{"label": name, "method": name} for name in ("blind", "exact", "half")],
}  # fmt: skip


@pytest.fixture
def seen(project: Project, tmp_path: Path) -> Iterator[Project]:
    """The small project of judges, segmented and judged, with a table; its manifest has the annotations' true hashes."""
    made = small.make_project(tmp_path / "project", project)
    prepared = open_prepared(made, "toys")
    write_manifest(prepared.folder, prepared.entries, {name: sha256_file(path) for name, path in prepared.annotations.items()})
    for key, card in (
        ("profiles/small.yaml", small.profile(tables=["seen"]).model_dump(mode="json")),
        ("tables/seen/table.yaml", TABLE),
    ):
        path = made.root / key
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(card))
    forget_plugins()
    segment.run(Project(made.root), small.profile(), "toys", "red")
    judge.run(Project(made.root), small.profile(), "toys")
    yield Project(made.root)
    forget_plugins()


def _follow(project: Project, address: str, **more: bool) -> tuple[trace.Trace, dict[str, list[Link]]]:
    fresh = Project(project.root)
    found = trace.run(fresh, fresh.profile("small"), address, **more)
    named: dict[str, list[Link]] = {}
    for top in found.links:
        for link in top.walk():
            named.setdefault(link.what, []).append(link)
    return found, named


def test_a_judge_s_number_leads_over_findings_to_restored_pictures(seen: Project) -> None:
    found, named = _follow(seen, "seen:half:pq")
    assert found.address == "seen:half:toys/red/pq"
    (run,) = named["found"]
    told = json.loads((seen.segmented("small", "toys", "semantic", "red") / "half/default/run.json").read_text())
    assert run.state == "checked" and run.facts["fingerprint"] == told["fingerprint"]
    assert {named[what][0].state for what in ("protocol", "metric", "annotations", "data set")} == {"checked"}
    assert named["values"][0].facts["pictures"] == small.PICTURES and named["values"][0].facts["draws"] == 1000
    restored = next(link for link in named["run.json"] if "cells/toys/half" in link.text)
    assert restored.state == "checked" and restored.facts["fingerprint"] == "half-first"
    assert "source" in {link.what for link in found.broken}, "nothing was fetched for these pictures"
    (origin,) = named["result id"]
    again, _ = _follow(seen, origin.facts["id"])
    assert again.address == found.address


def test_objects_and_the_ceiling_have_chains_of_their_own(seen: Project) -> None:
    _, named = _follow(seen, "seen:half:omission")
    assert "metric" not in named and named["objects"][0].text.startswith("counted by ")
    _, of_hr = _follow(seen, "seen:HR:box-ap")
    assert any("HR itself" in link.text for link in of_hr["cell"])
    with pytest.raises(SemsrError, match="the ceiling has no such value; allowed: pq, box-ap"):
        _follow(seen, "seen:HR:omission")


def test_annotations_changed_by_hand_break_the_chain(seen: Project) -> None:
    path = seen.data / "toys/annotations/instances.json"
    path.write_text(path.read_text() + " ")
    found, _ = _follow(seen, "seen:half:pq")
    broken = next(link for link in found.broken if "instances.json" in link.text)
    assert "sha256: recorded " in broken.why


def test_rows_restored_again_are_no_numbers(seen: Project) -> None:
    small.restore(seen, "half", mark="second")
    with pytest.raises(SemsrError, match="row half/default was restored again since; run `semsr segment red --dataset toys`"):
        _follow(seen, "seen:half:pq")
