"""Errors: the line that says what is not there names only commands that show what is."""

from __future__ import annotations

import pytest

from semsr.cli.cards import Listed
from semsr.errors import LISTED, UnknownIdError


def test_what_can_be_listed_is_pointed_to() -> None:
    assert {f"{kind}s" for kind in LISTED} == {what.value for what in Listed}
    for kind in LISTED:
        assert str(UnknownIdError(kind, "y", ["x"])) == f"unknown {kind} 'y'; known: x. See `semsr list {kind}s`."


@pytest.mark.parametrize(("kind", "found"), [("variant", "toy/gam"), ("seed", "toy/gan@9")])
def test_what_a_plan_shows_is_pointed_to(kind: str, found: str) -> None:
    assert str(UnknownIdError(kind, found, ["toy/gan"])).endswith("known: toy/gan. See `semsr plan toy`.")


@pytest.mark.parametrize("kind", ["recipe", "description", "asset"])
def test_what_no_command_shows_gets_no_hint(kind: str) -> None:
    assert str(UnknownIdError(kind, "toy/y", [])) == f"unknown {kind} 'toy/y'; known: none."
