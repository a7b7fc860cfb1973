"""The profile in force: it names only what there is, and its mistakes name the file that they can be mended in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from semsr.errors import SemsrError
from semsr.planning import chosen_profile, use
from semsr.project import Project

PROFILE: dict[str, Any] = {
    "id": "own",
    "title": "A profile of this test",
    "tracks": {"real": {"datasets": ["lite-photos-real"], "methods": ["bicubic", "seesr"], "protocols": ["seesr"]}},
    "training": {"methods": ["sed"], "datasets": ["lite-photos"], "prepare": ["lite-photos"]},
    "descriptions": {"methods": ["seesr"], "datasets": ["lite-photos-real"]},
    "variants": {"seesr": ["published"]},
    "draws": {"seesr": 3},
    "tables": ["seesr-table2"],
}


@pytest.fixture
def place(project: Project, tmp_path: Path) -> Project:
    """This project's cards with a profile of its own, which is in force."""
    for name in ("methods", "datasets", "metrics", "tables"):
        (tmp_path / name).symlink_to(project.root / name)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "params.yaml").symlink_to("profiles/own.yaml")
    _write(tmp_path, PROFILE)
    return Project(tmp_path)


def _write(root: Path, card: dict[str, Any]) -> None:
    (root / "profiles" / f"{card['id']}.yaml").write_text(yaml.safe_dump(card))


def _refused(place: Project, name: str | None = None) -> str:
    with pytest.raises(SemsrError) as error:
        chosen_profile(Project(place.root), name)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"draws": {"nosuch": 3}}, "draws: unknown method 'nosuch'; known: bicubic, "),
        ({"variants": {"nosuch": ["published"]}}, "variants: unknown method 'nosuch'"),
        ({"variants": {"seesr": ["nosuch"]}}, "variants.seesr: unknown variant 'seesr/nosuch'"),
        ({"variants": {"seesr": ["tiny-dape"]}}, "variants.seesr: unknown variant 'seesr/tiny-dape'"),
        ({"tables": ["nosuch"]}, "tables: unknown table 'nosuch'"),
        ({"descriptions": {"methods": ["nosuch"]}}, "descriptions.methods: unknown method 'nosuch'"),
        (
            {"descriptions": {"methods": ["dat"]}},
            "descriptions.methods: found 'dat', which puts nothing into words; allowed: seesr",
        ),
        ({"training": {"methods": ["nosuch"]}}, "training.methods: unknown method 'nosuch'"),
        ({"training": {"datasets": ["nosuch"], "prepare": ["nosuch"]}}, "training.datasets: unknown dataset 'nosuch'"),
        ({"tracks": {"real": {"datasets": ["nosuch"]}}, "descriptions": {}}, "tracks.real.datasets: unknown dataset 'nosuch'"),
        ({"tracks": {"real": {"methods": ["nosuch"]}}, "descriptions": {}}, "tracks.real.methods: unknown method 'nosuch'"),
        (
            {"tracks": {"classical": {"protocols": ["nosuch"]}}, "descriptions": {}},
            "tracks.classical.protocols: unknown protocol",
        ),
        (
            {"tracks": {"real": {"trained": ["nosuch"]}}, "training": {"methods": ["nosuch"]}, "descriptions": {}},
            "tracks.real.trained: unknown method 'nosuch'",
        ),
    ],
)
def test_an_id_without_a_card_is_one_line(place: Project, change: dict[str, Any], message: str) -> None:
    assert chosen_profile(place).id == chosen_profile(place, "own").id == "own"
    _write(place.root, PROFILE | change)
    said = _refused(place)
    assert said.startswith(f"profiles/own.yaml: {message}")
    assert _refused(place, "own") == said


def test_switching_to_a_wrong_profile_leaves_the_one_in_force(place: Project) -> None:
    _write(place.root, PROFILE | {"id": "other", "tables": ["nosuch"]})
    with pytest.raises(SemsrError, match=r"^profiles/other\.yaml: tables: unknown table 'nosuch'"):
        use(Project(place.root), "other")
    assert (place.root / "params.yaml").readlink() == Path("profiles/own.yaml")
    assert not (place.root / "results").exists()


def test_a_wrong_key_of_the_profile_in_force_names_the_file_behind_the_link(place: Project) -> None:
    _write(place.root, PROFILE | {"thread": 2})
    assert _refused(place).startswith("profiles/own.yaml: unknown key 'thread'")
    # A profile that is no link is mended where it stands.
    text = (place.root / "profiles/own.yaml").read_text()
    (place.root / "params.yaml").unlink()
    (place.root / "params.yaml").write_text(text)
    assert _refused(place).startswith("params.yaml: unknown key 'thread'")
