"""The rules of the house that import-linter can't see: what plugin folders import, and what listing must not load."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from semsr.project import Project

PLUGIN_TOPS = ("methods", "datasets", "metrics", "segmenters", "tables")


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    """(module, level) of every import in a file, in functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level


def test_the_harness_names_no_plugin_folder(project: Project) -> None:
    for path in (project.root / "semsr").rglob("*.py"):
        for module, level in _imports(path):
            assert level or module.split(".")[0] not in PLUGIN_TOPS, f"{path} imports {module}"


def test_plugins_import_only_the_harness_and_libraries(project: Project) -> None:
    files = [path for top in PLUGIN_TOPS for path in (project.root / top).rglob("*.py")]
    assert files, "no plugin code found: is the layout still methods/, metrics/, ...?"
    for path in files:
        folder = path.relative_to(project.root).parts[:2]
        for module, level in _imports(path):
            parts = module.split(".")
            if level:
                assert level <= len(path.relative_to(project.root).parts) - 2, f"{path} reaches out of {'/'.join(folder)}"
            assert level or parts[0] not in PLUGIN_TOPS, f"{path} imports {module}"
            assert parts[:2] not in (["semsr", "stages"], ["semsr", "cli"], ["semsr", "plugins"]), f"{path} imports {module}"


def test_restoring_needs_nothing_of_a_method_s_training(project: Project) -> None:
    """`training/` is no part of a cell's fingerprint, so what restores must not import it, nor the harness's own training."""
    for folder in (project.root / "methods").iterdir():
        for path in folder.glob("*.py"):
            for module, level in _imports(path):
                parts = module.split(".")
                assert not (level and parts[0] == "training"), f"{path} imports {module}"
                assert parts[:2] != ["semsr", "training"], f"{path} imports {module}"


def test_the_import_contracts_hold(project: Project) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=project.root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("what", ["methods", "datasets", "metrics", "protocols", "tables", "profiles"])
def test_listing_loads_nothing_heavy(project: Project, what: str) -> None:
    code = (
        "import sys, json; from semsr.project import Project; from semsr import listing, cli\n"
        f"text = listing.render(Project.find(), {what!r}, as_json=True)\n"
        "heavy = [m for m in ('torch', 'numpy', 'pandas', 'scipy', 'PIL', 'rich', 'spandrel') if m in sys.modules]\n"
        "print(json.dumps({'heavy': heavy, 'cards': json.loads(text)}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project.root, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["heavy"] == []
    assert told["cards"], f"no {what} listed"
