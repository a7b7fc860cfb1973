"""Templates of the pages: what they are given is escaped, and what they are not given is an error."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment() -> Environment:
    """A fresh environment over `semsr/reporting/templates`; a page adds its filters."""
    return Environment(
        loader=PackageLoader("semsr.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
