"""Cards and plugins are found by folder, then among installed packages, and survive worker processes and pickling."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from semsr.errors import CardError, SemsrError, UnknownIdError
from semsr.plugins import forget_plugins, load_plugin
from semsr.project import ROOT_VARIABLE, Project

CARD = """
id: {id}
title: A method of this test
licence: MIT
runner: python
entry: {entry}
variants: {{default: {{label: X}}}}
"""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """An empty project in a temporary folder."""
    for folder in ("methods", "datasets", "metrics/protocols", "tables", "profiles"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    forget_plugins()
    yield Project(tmp_path)
    forget_plugins()


def _method(project: Project, name: str, entry: str = "method:Thing", code: str = "class Thing:\n    value = 1\n") -> None:
    folder = project.root / "methods" / name
    folder.mkdir()
    (folder / "method.yaml").write_text(CARD.format(id=name, entry=entry))
    (folder / "method.py").write_text(textwrap.dedent(code))


def test_every_card_of_this_project_reads(project: Project) -> None:
    assert (
        project.methods and project.datasets and project.metrics and project.protocols and project.tables and project.profiles
    )
    assert project.assets
    assert project.profile().id in project.profiles


def test_every_asset_a_card_names_exists(project: Project) -> None:
    for card in project.metrics.values():
        assert set(card.assets) <= set(project.assets), card.id
    for method in project.methods.values():
        for variant in method.variants.values():
            for weights in variant.weights:
                assert set(weights.split("+")) <= set(project.assets), method.id


def test_a_plugin_loads_with_relative_imports_and_a_dash_in_its_name(elsewhere: Project) -> None:
    _method(elsewhere, "my-method", code="from .part import Thing")
    (elsewhere.root / "methods/my-method/part.py").write_text("class Thing:\n    value = 42\n")
    thing = load_plugin(elsewhere, "method", "my-method", "method:Thing")
    assert thing.value == 42
    assert thing.__module__ == "semsr.plugins.methods.my_method.part"


def test_a_plugin_object_survives_a_new_process(elsewhere: Project) -> None:
    """What `spawn` and submitit do: the pickle arrives in a process that has imported nothing."""
    _method(elsewhere, "traveller")
    thing = load_plugin(elsewhere, "method", "traveller", "method:Thing")()
    thing.value = 7
    code = "import sys, pickle; print(pickle.load(sys.stdin.buffer).value)"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(thing), capture_output=True, check=True)
    assert done.stdout == b"7\n"


def test_the_top_level_folders_are_not_importable(project: Project) -> None:
    import importlib.util

    for name in ("methods", "metrics", "tables"):
        spec = importlib.util.find_spec(name)
        assert spec is None or str(project.root) not in str(spec.submodule_search_locations)


def test_unknown_ids_suggest_the_nearest(elsewhere: Project) -> None:
    _method(elsewhere, "bicubic")
    with pytest.raises(UnknownIdError, match="did you mean 'bicubic'"):
        elsewhere.method("bicubik")


def test_a_card_in_the_wrong_folder(elsewhere: Project) -> None:
    _method(elsewhere, "foo")
    (elsewhere.root / "methods/foo").rename(elsewhere.root / "methods/bar")
    with pytest.raises(CardError, match=r"methods/bar/method\.yaml: id: found 'foo'; must be the folder's name, 'bar'"):
        _ = elsewhere.methods


@pytest.mark.parametrize(
    ("entry", "told"), [("nowhere:Thing", "no module 'nowhere'"), ("method:Nothing", r"method\.py has no 'Nothing'")]
)
def test_a_wrong_entry(elsewhere: Project, entry: str, told: str) -> None:
    _method(elsewhere, "foo", entry)
    with pytest.raises(CardError, match=told):
        load_plugin(elsewhere, "method", "foo", entry)


def test_an_error_inside_a_plugin_is_not_hidden(elsewhere: Project) -> None:
    _method(elsewhere, "foo", code="import a_package_nobody_has")
    with pytest.raises(ModuleNotFoundError, match="a_package_nobody_has"):
        load_plugin(elsewhere, "method", "foo", "method:Thing")


def test_an_installed_package_brings_a_method(
    elsewhere: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path_factory.mktemp("site")
    package = site / "their_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "method.yaml").write_text(CARD.format(id="theirs", entry="method:Thing"))
    (package / "method.py").write_text("class Thing:\n    value = 9\n")
    info = site / "their_package-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[semsr.methods]\ntheirs = their_package\n")
    monkeypatch.syspath_prepend(str(site))
    assert elsewhere.method("theirs").id == "theirs"
    assert load_plugin(elsewhere, "method", "theirs", "method:Thing").value == 9


def test_yaml_that_is_none(elsewhere: Project) -> None:
    _method(elsewhere, "foo")
    (elsewhere.root / "methods/foo/method.yaml").write_text("id: [unclosed")
    with pytest.raises(CardError, match=r"methods/foo/method\.yaml: not valid YAML"):
        _ = elsewhere.methods


def test_the_project_is_found_from_a_folder_inside_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    assert Project.find(project.root / "metrics" / "protocols").root == project.root


def test_a_profile_in_force_that_is_gone(elsewhere: Project) -> None:
    with pytest.raises(SemsrError, match=r"params\.yaml"):
        elsewhere.profile()
