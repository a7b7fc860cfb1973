"""Plugin folders as Python packages under a name of their own: `semsr.plugins.<kind>s.<folder>`.

The folders `methods/`, `datasets/` and `metrics/` are not importable themselves (a top-level `datasets` would shadow a well-known
library). Importing `semsr.plugins` installs a finder that maps `semsr.plugins.methods.real_esrgan.method` to
`methods/real-esrgan/method.py`. Because the name starts with this real package, a worker process that unpickles a plugin's object
imports the finder first, and so finds the plugin again; the project's root travels in `$SEMSR_PROJECT`.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, cast

from semsr.errors import CardError
from semsr.project import ROOT_VARIABLE, Kind, Project

_KINDS = {"methods": "method", "datasets": "dataset", "metrics": "metric", "segmenters": "segmenter"}


class _PluginFinder(MetaPathFinder):
    """Finds the two levels that are not on any path: `semsr.plugins.<kind>s` and the plugin folder below it."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        parts = name.split(".")
        if parts[:2] != ["semsr", "plugins"] or len(parts) not in (3, 4) or parts[2] not in _KINDS:
            return None
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = []
        if len(parts) == 4:
            folders = Project.find().folders(cast(Kind, _KINDS[parts[2]]))
            folder = {_module_name(folder): path for folder, path in folders.items()}.get(parts[3])
            if folder is None:
                return None
            spec.submodule_search_locations = [str(folder)]
        return spec


def load_plugin(project: Project, kind: Kind, folder: str, entry: str) -> Any:
    """The object that a card's `entry` ("module:name") names in a plugin folder.

    Raises:
        CardError: the module or the name does not exist; an error inside the plugin's own code is not hidden.
    """
    os.environ[ROOT_VARIABLE] = str(project.root)
    module, _, name = entry.partition(":")
    full = f"semsr.plugins.{kind}s.{_module_name(folder)}.{module}"
    where = project.show(project.folders(kind)[folder])
    try:
        loaded = importlib.import_module(full)
    except ModuleNotFoundError as error:
        if error.name is None or not full.startswith(error.name):
            raise
        raise CardError(f"{where}: entry {entry!r}: there is no module {module!r} ({where}/{module}.py)") from None
    if not hasattr(loaded, name):
        raise CardError(f"{where}: entry {entry!r}: {module}.py has no {name!r}")
    return getattr(loaded, name)


def forget_plugins() -> None:
    """Drop loaded plugins, so that another project's folders are found (tests build projects in temporary folders)."""
    for name in [name for name in sys.modules if name.startswith("semsr.plugins.")]:
        del sys.modules[name]


def _module_name(folder: str) -> str:
    return folder.replace("-", "_")


if not any(isinstance(finder, _PluginFinder) for finder in sys.meta_path):
    sys.meta_path.insert(0, _PluginFinder())
