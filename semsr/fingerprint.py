"""What a result depends on, as one hash: a killed run may be continued only where this has not changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from semsr.files import sha256_tree
from semsr.project import Project


def fingerprint(project: Project, code: Iterable[Path], **facts: object) -> str:
    """SHA-256 over source files and folders, the lock of all packages, and plain facts (ids, hashes, options).

    Args:
        project: the project; its lock always counts.
        code: files and folders whose bytes decide the result; paths outside the project count by their own parent folder.
        facts: anything JSON can hold.
    """
    trees = {}
    for path in (*code, project.lock):
        root = project.root if path.is_relative_to(project.root) else path.parent
        trees[path.relative_to(root).as_posix()] = sha256_tree([path], root)
    text = json.dumps({"trees": trees, "facts": facts}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
