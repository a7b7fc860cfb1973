"""New: write a plugin folder that works at once, for its author to fill."""

from __future__ import annotations

import logging
import re
import shutil
import uuid
from pathlib import Path
from string import Template

from semsr.errors import SemsrError
from semsr.files import storage_errors
from semsr.project import Project

log = logging.getLogger(__name__)

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
RESERVED = {"new", "method", "methods", "default"}
TEMPLATES = Path(__file__).with_name("templates") / "method"


def method(project: Project, name: str) -> Path:
    """Write `methods/<name>/` with a card, a working restorer to replace, and a README with the checklist.

    Returns:
        the new folder.

    Raises:
        SemsrError: the name is taken or not allowed.
        StorageError: the folder can't be written.
    """
    if not NAME.fullmatch(name) or name in RESERVED:
        raise SemsrError(
            f"{name!r} can't be a method's name; use lower-case letters, digits and '-' between them (real-esrgan), "
            f"and none of: {', '.join(sorted(RESERVED))}"
        )
    taken = {known.replace("-", "_"): known for known in project.folders("method")}
    folder = project.root / "methods" / name
    if folder.exists() or name.replace("-", "_") in taken:
        raise SemsrError(
            f"methods/{taken.get(name.replace('-', '_'), name)} exists already; choose another name, or edit what is there"
        )
    words = {"name": name, "title": name.replace("-", " ").capitalize(), "klass": class_name(name)}
    draft = folder.with_name(f".{name}.{uuid.uuid4().hex[:8]}")
    try:
        with storage_errors(folder):
            draft.mkdir(parents=True)
            for template in sorted(TEMPLATES.glob("*.template")):
                text = Template(template.read_text(encoding="utf-8")).substitute(words)
                (draft / template.stem).write_text(text, encoding="utf-8")
            draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    log.info("wrote %s; next: semsr check %s, then add it to a profile's methods", project.show(folder), name)
    return folder


def class_name(name: str) -> str:
    """`real-esrgan` -> `RealEsrgan`; a leading digit gets a letter before it."""
    joined = "".join(part.capitalize() for part in name.split("-"))
    return f"M{joined}" if joined[0].isdigit() else joined
