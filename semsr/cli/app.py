"""The command itself, its groups of verbs and what all verbs share."""

from __future__ import annotations

import logging
import sys
from typing import Annotated, Any

import typer
import typer.core

app = typer.Typer(
    name="semsr",
    help="Does a published super-resolution result hold, and how does a method compare under exactly the same rules?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
new_app = typer.Typer(no_args_is_help=True, help="Start something new from a template.", rich_markup_mode=None)
app.add_typer(new_app, name="new")
data_app = typer.Typer(no_args_is_help=True, help="Look at the data sets on this machine.", rich_markup_mode=None)
app.add_typer(data_app, name="data")


class _MethodByDefault(typer.core.TyperGroup):
    """`semsr check NAME` is short for `semsr check method NAME`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ["method", *args] if args and args[0] not in (*self.commands, "--help") else args)


check_app = typer.Typer(
    cls=_MethodByDefault,
    no_args_is_help=True,
    help="Check a method against its contract, or a data set's card. `check NAME` is short for `check method NAME`.",
    rich_markup_mode=None,
)
app.add_typer(check_app, name="check")


@app.callback()
def _options(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
) -> None:
    # Only our own loggers speak: libraries (pip, httpx, PIL) log every request they make.
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("semsr").setLevel(logging.DEBUG if verbose else logging.INFO)
