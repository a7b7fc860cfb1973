"""Claims: what is said of a table's values, as data that can be checked against the printed values and against ours."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from semsr.cards.base import Card, Id

_Words = Annotated[str, StringConstraints(min_length=1)]
_Count = Annotated[int, Field(ge=1)]


class _AnyClaim(Card):
    """What every claim has.

    Attributes:
        id: unique in its table.
        text: the claim in words.
        source: who says it, or what it is counted from.
        datasets: labels of the table's data sets that it is about; None: all of them.
        at_least: in how many of the cases it must be so; None: in all of them. A case is a pair of rows on a data set, or a column of one.
    """

    id: Id
    text: _Words
    source: _Words
    datasets: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    at_least: _Count | None = None


class RowPair(Card):
    """Two rows of the table by their labels: `row` is said to be better than `against`."""

    row: str
    against: str


class PairsClaim(_AnyClaim):
    """In one column, the first row of each pair is better than the second; the cases are pairs × data sets."""

    kind: Literal["pairs"]
    column: Id
    pairs: Annotated[tuple[RowPair, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _two_rows(self) -> PairsClaim:
        if same := [pair.row for pair in self.pairs if pair.row == pair.against]:
            raise ValueError(f"claim {self.id}: pairs: {same[0]!r} stands on both sides of a pair")
        return self


class BestClaim(_AnyClaim):
    """One row is the best of all published rows; the cases are columns × data sets that have them."""

    kind: Literal["best"]
    row: str
    columns: Annotated[tuple[Id, ...], Field(min_length=1)]


Claim = Annotated[PairsClaim | BestClaim, Field(discriminator="kind")]


def check_claims(
    claims: Sequence[PairsClaim | BestClaim], rows: Collection[str], columns: Collection[str], datasets: Collection[str]
) -> None:
    """See that claims name what their table has.

    Args:
        claims: the card's.
        rows, columns, datasets: labels of rows, ids of columns, labels of data sets of the table.

    Raises:
        ValueError: an unknown name, an id that stands twice, a count that no number of cases can reach.
    """
    ids: set[str] = set()
    for claim in claims:
        if claim.id in ids:
            raise ValueError(f"claims: id {claim.id!r} stands twice")
        ids.add(claim.id)
        if isinstance(claim, PairsClaim):
            named = [("pairs", name) for pair in claim.pairs for name in (pair.row, pair.against)]
            columns_named, per_dataset = [("column", claim.column)], len(claim.pairs)
        else:
            named = [("row", claim.row)]
            columns_named, per_dataset = [("columns", name) for name in claim.columns], len(claim.columns)
        _known(claim.id, named, rows)
        _known(claim.id, columns_named, columns)
        _known(claim.id, [("datasets", name) for name in claim.datasets or ()], datasets)
        most = per_dataset * len(claim.datasets or datasets)
        if claim.at_least is not None and claim.at_least > most:
            raise ValueError(f"claim {claim.id}: at_least: found {claim.at_least}; there are {most} cases at most")


def _known(claim: str, named: Sequence[tuple[str, str]], known: Collection[str]) -> None:
    for key, name in named:
        if name not in known:
            raise ValueError(f"claim {claim}: {key}: found {name!r}; must be one of the table's: {', '.join(known)}")
