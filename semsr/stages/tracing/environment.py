"""The link of the environment as it is here: the lock of all packages, this package's version, the commit."""

from __future__ import annotations

import platform

import semsr
from semsr.project import Project
from semsr.stages.commit import git_commit
from semsr.stages.tracing.link import Link, file_link


def environment_link(project: Project) -> Link:
    """What is here now; what was there when pictures were made stands in the `run.json` of their cells."""
    commit = git_commit(project.root)
    facts = {"semsr": semsr.__version__, "python": platform.python_version(), "commit": commit}
    text = f"semsr {semsr.__version__}, Python {facts['python']}, commit {commit or 'none'}"
    return Link("environment", text, "here", facts=facts, below=(file_link("lock", project, project.lock),))
