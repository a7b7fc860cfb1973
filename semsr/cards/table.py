"""Tables: the rows and columns of a published table, and which of our rows stands beside which published one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from semsr.cards.base import Card, Id, Paper
from semsr.cards.claim import Claim, check_claims
from semsr.cards.protocol import RowName


class TableRow(Card):
    """One row: the name as published (empty for a row of ours alone) and the method and variant that reproduce it, if any."""

    label: str
    published: str | None = None
    method: Id | None = None
    variant: Id = "default"


class TableDataset(Card):
    """One data set of the table: its published name, and the id of ours."""

    label: str
    published: str | None = None
    dataset: Id


class Comparison(Card):
    """Two rows of the table whose difference is of interest: `row` minus `against`, over the seeds of both.

    `fixed`: `against` is one thing and no sample, as the start that all seeds of `row` share: what is said holds for this start alone.
    """

    label: str
    row: RowName
    against: RowName
    fixed: bool = False


class Context(Card):
    """Published values of another data set shown for orientation, never as a reproduction."""

    table: Id
    dataset: str
    why: str


class AnyTable(Card):
    """What every table says. `profiles` are those whose results may stand beside the published values as a reproduction."""

    id: Id
    title: str
    paper: Paper | None = None
    track: Literal["classical", "real", "semantic"]
    profiles: Annotated[tuple[Id, ...], Field(min_length=1)]
    reported: str | None = None
    datasets: Annotated[tuple[TableDataset, ...], Field(min_length=1)]
    notes: tuple[str, ...] = ()


class TableCard(AnyTable):
    """A table of scores."""

    kind: Literal["scores"] = "scores"
    protocol: Id
    columns: Annotated[tuple[Id, ...], Field(min_length=1)]
    rows: Annotated[tuple[TableRow, ...], Field(min_length=1)]
    comparisons: tuple[Comparison, ...] = ()
    claims: tuple[Claim, ...] = ()
    context: Context | None = None

    @model_validator(mode="after")
    def _claims_what_it_shows(self) -> TableCard:
        labels = [row.label for row in self.rows]
        check_claims(self.claims, labels, self.columns, [entry.label for entry in self.datasets])
        return self

    @model_validator(mode="after")
    def _compares_its_own_rows(self) -> TableCard:
        known = {(row.method, row.variant) for row in self.rows if row.method is not None}
        for at, comparison in enumerate(self.comparisons):
            for key, name in (("row", comparison.row), ("against", comparison.against)):
                if (name.method, name.variant) not in known:
                    raise ValueError(
                        f"comparisons.{at}.{key}: found {name.method}/{name.variant}; must be one of the table's rows: "
                        f"{', '.join(sorted(f'{method}/{variant}' for method, variant in known)) or 'none has a method'}"
                    )
            if comparison.row == comparison.against:
                raise ValueError(f"comparisons.{at}: {comparison.label!r} compares a row with itself")
        return self


class DescriptionRow(Card):
    """One way to put pictures into words: its published name, if any, and the entry of the method's `descriptions` that is measured."""

    label: str
    published: str | None = None
    description: Id


class MarksElsewhere(Card):
    """The marks of another table, of a paper's own describers and pictures, shown for orientation only."""

    table: Id
    why: str


class DescriptionTableCard(AnyTable):
    """A table of how well pictures are put into words by the describers of one method.

    `reference`: the description whose tags on clean pictures are what the others' tags on degraded ones are compared with, besides each
    one's own. The columns are always the same: `semsr.reproduction.descriptions.measures`.
    """

    kind: Literal["descriptions"]
    method: Id
    reference: Id
    rows: Annotated[tuple[DescriptionRow, ...], Field(min_length=1)]
    context: MarksElsewhere | None = None

    @model_validator(mode="after")
    def _marks_of_one_origin(self) -> DescriptionTableCard:
        if self.reported is not None and self.context is not None:
            raise ValueError("'reported' is for marks of its own, 'context' for those of another table; give one")
        return self


class Ceiling(Card):
    """The row of the judge on HR itself: its label, and its name as published, if any."""

    label: str
    published: str | None = None


class SemanticTableCard(AnyTable):
    """A table of how much meaning restorations keep: what a judge (a segmenter, a detector) finds in them.

    Attributes:
        protocol: a semantic protocol's id.
        judges: segmenters by id. The first one's numbers are the table's; the others say whether the rows' order depends on the judge.
        columns: of the protocol.
        ceiling: the judge on HR.
        floor: which of `rows` is zoomed LR; shares recovered are counted between it and the ceiling.
        claims: what is said of the values, by the table's judge.
    """

    kind: Literal["semantic"]
    protocol: Id
    judges: Annotated[tuple[Id, ...], Field(min_length=1)]
    columns: Annotated[tuple[Id, ...], Field(min_length=1)]
    ceiling: Ceiling
    floor: RowName
    rows: Annotated[tuple[TableRow, ...], Field(min_length=1)]
    claims: tuple[Claim, ...] = ()

    @model_validator(mode="after")
    def _claims_what_it_shows(self) -> SemanticTableCard:
        labels = [row.label for row in self.rows]
        check_claims(self.claims, labels, self.columns, [entry.label for entry in self.datasets])
        return self

    @model_validator(mode="after")
    def _floor_is_a_row(self) -> SemanticTableCard:
        if len(set(self.judges)) != len(self.judges):
            raise ValueError(f"judges: one stands twice in {list(self.judges)}")
        known = {(row.method, row.variant) for row in self.rows if row.method is not None}
        if (self.floor.method, self.floor.variant) not in known:
            raise ValueError(
                f"floor: found {self.floor.method}/{self.floor.variant}; must be one of the table's rows: "
                f"{', '.join(sorted(f'{method}/{variant}' for method, variant in known)) or 'none has a method'}"
            )
        return self
