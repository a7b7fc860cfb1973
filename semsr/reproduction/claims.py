"""What is left of a table's claims: each checked against the printed values, and against ours by paired tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from semsr.cards.claim import BestClaim, PairsClaim
from semsr.reproduction.claim import ClaimResult, ClaimStanding
from semsr.reproduction.semantic.table import Row as JudgedRow
from semsr.reproduction.statistics.order import ColumnOrder, Pair
from semsr.reproduction.table import Block, Row

Said = Literal["yes", "no", "open", "missing"]
"""Of one case by our values: it is so; it is the other way round; the pictures or seeds do not tell; not everything was run."""

_NAMED = 3
"""Rows that are named where they stand in the way of a claim."""


@dataclass(frozen=True)
class Entry:
    """One row under one column of a data set.

    Attributes:
        published_as: the paper's name of the row; None for a row of ours alone. Rows that share it are the same row made twice.
        published: as printed; None where there is none, or where it is of other pictures.
        measured: whether there is a value of ours.
        at: its position in the column's order.
        competes: it is neither a ceiling nor there to check the set-up.
    """

    label: str
    published_as: str | None
    published: Decimal | None
    measured: bool
    at: int
    competes: bool = True


@dataclass(frozen=True)
class Ground:
    """One column of a data set: what a claim's cases are decided on."""

    dataset: str
    column: str
    heading: str
    higher: bool
    entries: tuple[Entry, ...]
    order: ColumnOrder | None

    def entry(self, label: str) -> Entry | None:
        """The row of that label; of several, the first."""
        return next((entry for entry in self.entries if entry.label == label), None)

    def pair(self, first: Entry, second: Entry) -> Pair | None:
        """What the paired test says of two rows."""
        if self.order is None:
            return None
        return next((pair for pair in self.order.pairs if {pair.upper, pair.lower} == {first.at, second.at}), None)

    def better(self, first: Decimal, second: Decimal) -> bool:
        """Whether a printed value is better than another one; equal ones are not."""
        return first > second if self.higher else first < second


@dataclass(frozen=True)
class Case:
    """One case of a claim: by the printed values (None: they do not say), by ours, and in words."""

    printed: bool | None
    said: Said
    detail: str


def check_all(claims: Sequence[PairsClaim | BestClaim], grounds: Sequence[Ground]) -> tuple[ClaimResult, ...]:
    """Check every claim of a table; `grounds`: every column of every data set."""
    return tuple(check(claim, grounds) for claim in claims)


def grounds_of(blocks: Sequence[Block], *, comparable: bool) -> tuple[Ground, ...]:
    """What the claims of a table of scores are decided on; `comparable`: its published values are of the table's own pictures."""
    found = []
    for block in blocks:
        for at, column in enumerate(block.columns):
            cells = [row.cells[at] for row in block.rows]
            printed = [cell.published.number if cell.published and comparable else None for cell in cells]
            known = [cell.result.value is not None for cell in cells]
            entries = entries_of(block.rows, printed, known)
            order = block.orders.get(column.name)
            found.append(Ground(block.label, column.name, column.title, column.direction == "higher", entries, order))
    return tuple(found)


def entries_of(rows: Sequence[Row | JudgedRow], printed: Sequence[Decimal | None], known: Sequence[bool]) -> tuple[Entry, ...]:
    """The rows under one column of a data set's block; `known`: whether ours has a value there."""
    each = enumerate(zip(rows, printed, known, strict=True))
    return tuple(
        Entry(row.label, row.published_as, value, ours, at, competes=not row.sanity) for at, (row, value, ours) in each
    )


def check(claim: PairsClaim | BestClaim, grounds: Sequence[Ground]) -> ClaimResult:
    """Check one claim.

    Of the printed values it is asked whether they bear it out at all, which checks their transcription too. Of ours, a case counts only
    where the paired test tells the rows apart. The claim holds where enough cases do, fails where enough no longer can, and is open
    otherwise: not run where cases lack values, else not resolved.

    Args:
        claim: of the table's card.
        grounds: every column of every data set of the table.
    """
    wanted = [ground for ground in grounds if claim.datasets is None or ground.dataset in claim.datasets]
    if isinstance(claim, PairsClaim):
        cases, what = list(_pairs(claim, wanted)), "pairs"
    else:
        cases, what = list(_best(claim, wanted)), "columns"
    need = claim.at_least or len(cases)
    known = [case for case in cases if case.printed is not None]
    borne_out = sum(bool(case.printed) for case in known)
    printed_need = claim.at_least or len(known)
    return ClaimResult(
        id=claim.id,
        text=claim.text,
        printed=borne_out >= printed_need if known else None,
        printed_why=f"{borne_out} of {len(known)} {what}" if known else "no printed values",
        standing=_standing(cases, need),
        why=_count(cases, what),
        details=tuple(case.detail for case in cases if case.said != "missing" or case.printed is False),
    )


def _pairs(claim: PairsClaim, grounds: Sequence[Ground]) -> Iterator[Case]:
    for ground in grounds:
        if ground.column != claim.column:
            continue
        for pair in claim.pairs:
            first, second = ground.entry(pair.row), ground.entry(pair.against)
            if first is None or second is None:
                continue
            printed = _printed(ground, first, second)
            said, why = _compared(ground, first, second)
            beside = "" if printed is None else f"; printed: {'yes' if printed else 'no'}"
            yield Case(printed, said, f"{ground.dataset}, {first.label} better than {second.label}: {why}{beside}")


def _best(claim: BestClaim, grounds: Sequence[Ground]) -> Iterator[Case]:
    for ground in grounds:
        row = ground.entry(claim.row)
        if ground.column not in claim.columns or row is None:
            continue
        others = [entry for entry in ground.entries if entry.competes and entry.at != row.at]
        others = [entry for entry in others if entry.published_as is None or entry.published_as != row.published_as]
        # Of a paper's table, the paper's rows; rows of ours beside them are none that the claim is about.
        rivals = [entry for entry in others if entry.published is not None] or [entry for entry in others if entry.measured]
        ahead = [rival for rival in rivals if _printed(ground, row, rival) is False]
        ahead.sort(key=lambda rival: rival.published or 0, reverse=ground.higher)
        printed = None if row.published is None else not ahead
        said, why = _best_said(ground, row, rivals)
        beside = "" if printed is None else f"; printed: {'yes' if printed else _ahead(ahead, row)}"
        yield Case(printed, said, f"{ground.dataset}, {ground.heading}: {why}{beside}")


def _best_said(ground: Ground, row: Entry, rivals: Sequence[Entry]) -> tuple[Said, str]:
    """One rival that is told apart and better is enough to say no; to say yes, every published rival must be measured and beaten."""
    found = {rival.label: _compared(ground, row, rival)[0] for rival in rivals}
    by: dict[Said, list[str]] = {
        said: [label for label, its in found.items() if its == said] for said in ("no", "missing", "open")
    }
    if not row.measured or by["no"]:
        return ("no", f"worse than {', '.join(by['no'])}") if by["no"] else ("missing", f"no value of {row.label}")
    if by["missing"]:
        return "missing", f"no value of {', '.join(by['missing'])}"
    if by["open"]:
        return "open", f"not told apart from {', '.join(by['open'])}"
    return ("yes", "best") if found else ("missing", "nothing to compare with")


def _ahead(ahead: Sequence[Entry], row: Entry) -> str:
    listed = ", ".join(f"{rival.label} {rival.published}" for rival in ahead[:_NAMED])
    more = f" and {len(ahead) - _NAMED} more" if len(ahead) > _NAMED else ""
    return f"no, {listed}{more} beside {row.published}"


def _printed(ground: Ground, first: Entry, second: Entry) -> bool | None:
    if first.published is None or second.published is None:
        return None
    return ground.better(first.published, second.published)


def _compared(ground: Ground, first: Entry, second: Entry) -> tuple[Said, str]:
    if gone := [entry.label for entry in (first, second) if not entry.measured]:
        return "missing", f"no value of {' and '.join(gone)}"
    pair = ground.pair(first, second)
    if pair is None or not pair.apart:
        return "open", f"not told apart{f' ({pair.why})' if pair is not None and pair.why else ''}"
    return ("yes", "yes") if pair.upper == first.at else ("no", "no, worse")


def _standing(cases: Sequence[Case], need: int) -> ClaimStanding:
    count = Counter(case.said for case in cases)
    if cases and count["yes"] >= need:
        return "holds"
    if count["yes"] + count["open"] + count["missing"] < need:
        return "fails"
    return "not-run" if count["missing"] or not cases else "not-resolved"


def _count(cases: Sequence[Case], what: str) -> str:
    count: Mapping[Said, int] = Counter(case.said for case in cases)
    if not cases:
        return "no case of it is in this table"
    words: dict[Said, str] = {"no": "the other way round", "open": "not told apart", "missing": "not run"}
    others = [f"{count[said]} {word}" for said, word in words.items() if count[said]]
    return ", ".join([f"{count['yes']} of {len(cases)} {what}", *others])
