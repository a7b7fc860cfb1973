"""One step of the chain behind a number, and what became of checking it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from semsr.assets.verification import digest
from semsr.project import Project

State = Literal["checked", "recorded", "moved-on", "broken", "here"]
"""Computed now and equal to what is recorded; only written down; the project has another one by now, what is recorded stays true of the
number; missing, or not what is recorded; said of what is here now, with nothing recorded to hold it against."""

SAID: dict[State, str] = {
    "checked": "checked now",
    "recorded": "recorded",
    "moved-on": "recorded, has changed since",
    "broken": "broken",
    "here": "as it is here now",
}


@dataclass(frozen=True)
class Link:
    """One step.

    Attributes:
        what: its name, as "protocol".
        text: what is said of it, in one line.
        state: see `State`.
        why: of a broken link or one that has moved on, what was expected and found, and what to do.
        facts: the same for programs: plain values.
        below: what it was made from.
    """

    what: str
    text: str
    state: State = "here"
    why: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    below: tuple[Link, ...] = ()

    def walk(self) -> Iterator[Link]:
        """This link and everything below it."""
        yield self
        for link in self.below:
            yield from link.walk()

    @property
    def broken(self) -> tuple[Link, ...]:
        """The links that do not hold."""
        return tuple(link for link in self.walk() if link.state == "broken")

    def plain(self) -> dict[str, Any]:
        """As JSON has it; the schema is in docs/provenance.md."""
        found: dict[str, Any] = {"what": self.what, "text": self.text, "state": self.state}
        if self.why:
            found["why"] = self.why
        if self.facts:
            found["facts"] = dict(self.facts)
        if self.below:
            found["below"] = [link.plain() for link in self.below]
        return found


@dataclass(frozen=True)
class Depth:
    """How far a trace goes: `verify` reads every picture and weights file again, `pictures` lists each picture."""

    verify: bool = False
    pictures: bool = False


def file_link(
    what: str, project: Project, path: Path, recorded: str | None = None, *, below: Sequence[Link] = (), again: str = ""
) -> Link:
    """A file with its SHA-256 as it is now.

    Args:
        what: the link's name.
        project: says how the path is shown.
        path: the file.
        recorded: the hash that is written down; None: none is.
        below: what it was made from.
        again: what to do where it is gone or another, as "run `semsr score set5`".
    """
    shown = project.show(path)
    facts: dict[str, Any] = {"file": shown}
    try:
        found = digest(path)
    except OSError as error:
        why = "no such file" if isinstance(error, FileNotFoundError) else f"can't be read ({error.strerror})"
        return Link(what, shown, "broken", with_advice(why, again), facts, tuple(below))
    facts["sha256"] = found
    text = f"{shown}  sha256 {found[:12]}"
    if recorded is None:
        return Link(what, text, "here", facts=facts, below=tuple(below))
    if recorded != found:
        why = with_advice(f"sha256: recorded {recorded}, found {found}", again)
        return Link(what, text, "broken", why, facts | {"recorded": recorded}, tuple(below))
    return Link(what, text, "checked", facts=facts, below=tuple(below))


def with_advice(why: str, again: str) -> str:
    """A reason, and what to do about it where that is known."""
    return f"{why}; {again}" if again else why


def short(value: str | None) -> str:
    """The first twelve digits of a hash; a word where there is none."""
    return value[:12] if value else "none"


def listed(facts: Mapping[str, Any]) -> str:
    """Facts in one line, as `device cpu; packages torch 2.12.1, numpy 2.4.6`."""

    def said(value: object) -> str:
        return ", ".join(f"{name} {each}" for name, each in value.items()) if isinstance(value, Mapping) else str(value)

    return "; ".join(f"{name} {said(value)}" for name, value in facts.items())
