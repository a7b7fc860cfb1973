"""SeeSR's files and variants as the cards have them: nothing invented, everything supplied by hand, every option known."""

from __future__ import annotations

import re
from typing import Any

import pytest

from semsr.cards.asset import FileMirror, HfMirror
from semsr.cards.base import parse_card
from semsr.plugins import load_plugin
from semsr.project import Project

FOLDER = "seesr"
PUBLISHED = ("published", "turbo", "no-prompt", "tags-only", "soft-only", "caption", "classification", "no-lr-embedding", "matched-noise",
             "wavelet", "published-randomness", "word-none")  # fmt: skip


def own(project: Project) -> Any:
    from semsr.cards import AssetFile

    return project.read(project.folders("method")[FOLDER] / "assets.yaml", AssetFile).assets


def test_files_of_hubs_are_not_pinned_and_say_so(project: Project) -> None:
    hub = [asset for asset in own(project) if any(isinstance(mirror, HfMirror) for mirror in asset.mirrors)]
    assert len(hub) == 12
    for asset in hub:
        assert asset.sha256 is None and asset.md5 is None and asset.size is None and asset.unpinned, asset.id
        assert {mirror.revision for mirror in asset.mirrors if isinstance(mirror, HfMirror)} == {"main"}, asset.id


def test_every_file_that_no_package_has_can_be_given_by_hand(project: Project) -> None:
    for asset in own(project):
        if asset.sha256 is not None:
            continue
        first = asset.mirrors[0]
        assert isinstance(first, FileMirror), f"{asset.id}: the user's own copy comes first"
        variable = re.match(r"\$(SEMSR_[A-Z0-9_]+)/", first.path)
        assert variable and variable[1] in asset.manual, asset.id
        assert first.path.rpartition("/")[2] in asset.manual or "unet" in asset.id, asset.id


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("seesr-unet", 1_126_760_324 * 4),
        ("seesr-controlnet", 489_031_440 * 4),
        ("seesr-dape", 1_777_664 * 4),
        ("sd2-base-unet", 865_910_724 * 4),
        ("sd2-base-vae", 83_653_863 * 4),
        ("sd2-base-text-encoder", 340_387_840 * 4),
        ("sd-turbo-unet", 865_910_724 * 4),
    ],
)
def test_sizes_fit_the_parameters(project: Project, name: str, about: int) -> None:
    assert project.asset(name).about == pytest.approx(about, rel=0.02)


def test_every_variant_of_the_published_weights_gives_each_role_a_file(project: Project) -> None:
    card = project.method(FOLDER)
    assert tuple(name for name, row in card.variants.items() if row.weights) == PUBLISHED
    roles = {
        "unet",
        "controlnet",
        "dape",
        "tagger",
        "tag-list",
        "tag-thresholds",
        "autoencoder",
        "text-encoder",
        "vocabulary",
        "merges",
    }
    for name in PUBLISHED:
        row = card.variants[name]
        (way,) = row.weights
        ids = way.split("+")
        assert len(ids) == len(set(ids)) and all(project.asset(each) for each in ids)
        files = row.options["files"]
        assert set(files) - {"image-attentions"} == roles and set(files.values()) <= set(ids), name
        named = {*files.values(), *row.options.get("describer", {}).get("files", {}).values()}
        assert named == set(ids), f"{name}: what is fetched is used"
        assert row.trust == "L2"


def test_the_ablations_differ_from_the_published_variant_in_one_thing(project: Project) -> None:
    card = project.method(FOLDER)
    changed = {}
    for name in PUBLISHED:
        options = dict(card.variants[name].options)
        del options["files"]
        options.pop("describer", None)
        changed[name] = options
    assert changed["published"] == {}
    assert changed.pop("turbo") == {
        "generator": {"network": "controlled-diffusion", "options": {"scheduler": {"spacing": "trailing"}}},
        "steps": 2, "guidance": 1.0, "overlap": 32,
    }  # fmt: skip
    assert changed["no-prompt"] == {"words": "none", "image_tokens": False}
    assert changed["tags-only"] == {"image_tokens": False} and changed["soft-only"] == {"words": "none"}
    assert all(len(options) == 1 for name, options in changed.items() if name not in ("published", "no-prompt"))


def test_every_option_is_known_and_defaults_are_the_published_ones(project: Project) -> None:
    load_plugin(project, "method", FOLDER, "sampling:SamplingOptions")
    from semsr.plugins.methods.seesr.options import SeeSrOptions  # type: ignore[import-not-found,unused-ignore]
    from semsr.plugins.methods.seesr.sampling import SamplingOptions  # type: ignore[import-not-found,unused-ignore]

    for name, row in project.method(FOLDER).variants.items():
        options = {key: value for key, value in row.options.items() if key not in ("files", "generator")}
        parse_card(SamplingOptions, options, name)
        parse_card(SeeSrOptions, row.options.get("generator", {}).get("options", {}), name)
    made = SamplingOptions()
    assert (made.steps, made.guidance, made.start, made.colour, made.tile, made.overlap) == (
        50,
        5.5,
        "published",
        "adain",
        96,
        4,
    )


def test_what_is_trained_has_a_recipe_and_parts_are_no_rows(project: Project) -> None:
    card = project.method(FOLDER)
    recipes = project.recipes(FOLDER)
    trained = {name: row.training for name, row in card.variants.items() if row.training}
    assert set(trained.values()) <= set(recipes)
    assert [name for name in trained if card.variants[name].part] == [
        "dape",
        "dape-config",
        "tiny-autoencoder",
        "tiny-dape",
        "tiny-base",
    ]
    for recipe in recipes.values():
        for way in (way for ways in recipe.assets.values() for way in ways):
            assert all(project.asset(each) for each in way.split("+"))
