"""Weights that were trained here lead to their recipe, start, data and log, as far down as there is anything."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import Any

import pytest

from semsr.preparation.manifest import Entry, write_manifest
from semsr.project import Project
from semsr.stages.tracing.link import Depth, Link
from semsr.stages.tracing.weights import metric_weights, weights_links

DEEP = Depth(verify=True)


def _trained(project: Project, variant: str, **facts: Any) -> dict[str, str]:
    """What a training of the real card leaves, with weights of a few bytes; returns how a record names it."""
    folder = project.trained("lite", "sed", variant, 1)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "generator.safetensors").write_bytes(variant.encode())
    (folder / "log.csv").write_text("step\n1\n")
    sha256 = hashlib.sha256(variant.encode()).hexdigest()
    recipe = project.recipe("sed", variant).model_dump(mode="json")
    told = {
        "seed": 1,
        "steps": 80,
        "device": "cpu",
        "generator_sha256": sha256,
        "recipe": recipe,
        "fingerprint": "f",
        "created": "then",
    }
    (folder / "train.json").write_text(json.dumps(told | facts))
    return {"asset": f"trained:sed/{variant}@1", "sha256": sha256}


@pytest.fixture
def sed(project: Project, workspace: Project) -> Project:
    """A project with the cards of method SeD and of its metrics."""
    shutil.copytree(project.root / "methods" / "sed", workspace.root / "methods" / "sed")
    shutil.copytree(project.root / "metrics" / "perceptual", workspace.root / "metrics" / "perceptual")
    return Project(workspace.root)


@pytest.fixture
def chain(sed: Project) -> dict[str, str]:
    """A row that started from another one's weights, both trained on one data set."""
    folder = sed.data / "lite-photos"
    write_manifest(folder, [Entry("a", None, folder / "hr" / "a.png", None, (8, 8), None, "1" * 64, "train")])
    from semsr.preparation.manifest import read_manifest

    data = {"lite-photos": read_manifest(sed.datasets["lite-photos"], folder).sha256}
    start = _trained(sed, "tiny-psnr", data=data)
    return _trained(sed, "tiny-p", data=data, start=[start])


def _named(links: tuple[Link, ...]) -> dict[str, list[Link]]:
    found: dict[str, list[Link]] = {}
    for top in links:
        for link in top.walk():
            found.setdefault(link.what, []).append(link)
    return found


def test_a_training_leads_down_to_what_it_started_from(sed: Project, chain: dict[str, str]) -> None:
    (top,) = weights_links(sed, "lite", [chain], DEEP)
    named = _named((top,))
    assert top.broken == () and top.state == "checked" and "sed/tiny-p@1" in top.text
    assert "adversarial" in named["recipe"][0].text and "adversarial" not in named["recipe"][1].text, (
        "the start has no discriminator"
    )
    assert named["recipe"][0].facts["recipe"]["steps"] == sed.recipe("sed", "tiny-p").steps
    assert named["start"][0].state == "checked" and "sed/tiny-psnr@1" in named["start"][0].text
    assert [link.state for link in named["trained on"]] == ["checked", "checked"]
    assert [link.state for link in named["weights"]] == ["checked", "checked"], "their files were read again"
    assert all("log.csv" in link.text for link in named["log"])


def test_weights_trained_again_break_the_chain_where_they_are_used(sed: Project, chain: dict[str, str]) -> None:
    _trained(sed, "tiny-psnr", generator_sha256="ab" * 32)
    found = [link for top in weights_links(sed, "lite", [chain], Depth()) for link in top.broken]
    assert [link.what for link in found] == ["start"]
    assert "it has been trained again since; run `semsr train sed --variant tiny-psnr --seed 1`" in found[0].why


def test_harmed_weights_are_found_when_they_are_read(sed: Project, chain: dict[str, str]) -> None:
    (sed.trained("lite", "sed", "tiny-p", 1) / "generator.safetensors").write_bytes(b"harmed")
    assert not [link for top in weights_links(sed, "lite", [chain], Depth()) for link in top.broken]
    found = [link for top in weights_links(sed, "lite", [chain], DEEP) for link in top.broken]
    assert [link.what for link in found] == ["weights"] and chain["sha256"] in found[0].why


def test_data_prepared_otherwise_since_is_said_and_breaks_nothing(sed: Project, chain: dict[str, str]) -> None:
    folder = sed.data / "lite-photos"
    write_manifest(folder, [Entry("b", None, folder / "hr" / "b.png", None, (8, 8), None, "2" * 64, "train")])
    named = _named(weights_links(sed, "lite", [chain], Depth()))
    assert {link.state for link in named["trained on"]} == {"moved-on"}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("trained:sed/tiny-u@1", "no such file; run `semsr train sed --variant tiny-u --seed 1`"),
        ("trained:sed/no-such-row@1", "no-such-row"),
        ("trained:no-such-judge", "no-such-judge"),
        ("no-such-asset", "no assets.yaml has an asset of this id any more"),
    ],
)
def test_what_is_gone_is_a_broken_link(sed: Project, name: str, why: str) -> None:
    (link,) = weights_links(sed, "lite", [{"asset": name, "sha256": "0" * 64}], DEEP)
    assert link.state == "broken" and why in link.why


def test_a_card_with_another_checksum_breaks_the_link(sed: Project) -> None:
    (link,) = weights_links(sed, "lite", [{"asset": "alexnet-imagenet", "sha256": "0" * 64}], Depth())
    known = sed.asset("alexnet-imagenet").sha256
    assert link.state == "broken" and f"recorded {'0' * 64}, its card says {known}" in link.why


def test_each_file_of_a_metric_is_found_by_its_hash(sed: Project) -> None:
    names = sed.metric("lpips").assets[:2]
    hashes = [sed.asset(name).sha256 or "" for name in names]
    links = metric_weights(sed, "lpips", "+".join(hashes), Depth())
    assert [link.facts["asset"] for link in links] == list(names)
    assert all(link.facts["licence"] and link.facts["mirrors"] for link in links)
    (other,) = metric_weights(sed, "lpips", "ab" * 32, Depth())
    assert other.state == "broken" and "no asset of the metric's card has this hash" in other.why
    assert metric_weights(sed, "lpips", "", Depth()) == ()
