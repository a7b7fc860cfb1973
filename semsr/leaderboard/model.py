"""Everything the site shows, as pure data: made of tables, scores and cards by `collect`, written by `build`.

No text in it is HTML: whatever is written into a page is escaped there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from semsr.reproduction.claim import ClaimResult
from semsr.reproduction.verdict import Verdict

Kind = Literal["method", "dataset", "metric", "protocol"]
JUDGED_BY = " · "
"""Stands between data set and judge in the label of a block that a judge has filled."""


@dataclass(frozen=True)
class SiteColumn:
    """A column. `key` is unique in its table, `name` as in scores; `page` is the id of its metric's page; `how` says how it is measured."""

    key: str
    name: str
    title: str
    direction: Literal["higher", "lower"]
    unit: str
    page: str
    version: int
    how: str
    decimals: int


@dataclass(frozen=True)
class SiteCell:
    """One value of ours beside a published one.

    Attributes:
        value: ours, unrounded; None without one (`why` says why not). May be infinite.
        text: ours as printed, with its spread over seeds; empty without one.
        published: as printed; empty where there is none.
        published_is_elsewhere: the published value is of other pictures, for orientation only.
        low, high: the 95 % interval of ours; None where there is none.
        interval_over: what the interval is over, as "100 images" or "1000 draws of 16 pictures".
        best, tied, groups: as in `semsr.reproduction.statistics.order.Standing`.
        verdict: None where nothing is published.
        result_id: for `semsr trace`.
        status: as of the table's cell.
        more: further sentences on it, as the share of what judges see on HR that it recovers.
    """

    value: float | None
    text: str = ""
    published: str = ""
    published_is_elsewhere: bool = False
    low: float | None = None
    high: float | None = None
    interval_over: str = ""
    best: bool = False
    tied: bool = False
    groups: str = ""
    verdict: Verdict | None = None
    result_id: str = ""
    status: str = "not-run"
    why: str = ""
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cost:
    """What a row costs to run; None where it is not known. `seconds`: a picture, on `device`, as the cell's run.json has it."""

    seconds: float | None = None
    device: str = ""
    parameters: int | None = None
    memory_gib: float | None = None


NO_COST = Cost()


@dataclass(frozen=True)
class SiteRow:
    """A row. `key` is `method/variant`, or `published/<name>` for a row that only the paper has; `page` is its method's id or empty.

    `licence_policy`: "open" (may be used commercially), "non-commercial", "unknown"; of the method's code and weights.
    `not_run`: why it has no value of ours; `warnings`: what was noticed in its outputs.
    """

    key: str
    label: str
    page: str
    trust: str
    licence_policy: str
    sanity: bool
    seeds: int
    cells: tuple[SiteCell, ...]
    cost: Cost = NO_COST
    not_run: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class SiteBlock:
    """One data set of a table. `key` is unique in the table; `viewer`: the id under which its pictures can be looked at, or empty."""

    key: str
    label: str
    dataset: str
    count: int | None
    columns: tuple[SiteColumn, ...]
    rows: tuple[SiteRow, ...]
    remark: str = ""
    viewer: str = ""


@dataclass(frozen=True)
class SiteTable:
    """A table. `downloads`: file name -> text (CSV, LaTeX, Markdown, BibTeX); the site adds JSON of its own."""

    id: str
    title: str
    track: str
    paper: str
    profile: str
    protocol: str
    protocol_hash: str
    introduction: str
    blocks: tuple[SiteBlock, ...]
    claims: tuple[ClaimResult, ...] = ()
    notes: tuple[str, ...] = ()
    downloads: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SitePage:
    """A page about a method, a data set, a metric or a protocol: facts in order, notes in Markdown (of cards: not trusted).

    `sections`: further facts under headings of their own, as a metric's options; `link`: where the paper is, or empty.
    """

    kind: Kind
    id: str
    title: str
    facts: tuple[tuple[str, str], ...]
    notes: str = ""
    paper: str = ""
    bibtex: str = ""
    sections: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    link: str = ""


@dataclass(frozen=True)
class PerImage:
    """Per-image values of one data set under one protocol.

    `values[column][row key]`: one value an image (NaN: none), in the order of `images`.
    """

    dataset: str
    protocol: str
    images: tuple[str, ...]
    columns: tuple[SiteColumn, ...]
    values: Mapping[str, Mapping[str, tuple[float, ...]]]


@dataclass(frozen=True)
class Viewable:
    """Pictures of a data set that can be looked at: for each image, LR, HR (None: there is none) and each row's restoration."""

    id: str
    dataset: str
    scale: int
    images: tuple[str, ...]
    lr: Mapping[str, Path]
    hr: Mapping[str, Path] | None
    rows: Mapping[str, tuple[str, Mapping[str, Path]]]
    of: int
    """How many images the data set has; `images` may be the first ones only."""


@dataclass(frozen=True)
class Site:
    """The whole site.

    `facts`: what stands at the foot of every page (version, commit, profile, date, passport of the machine); `warning`: what stands at
    the top of every page, as that nothing of this profile is a reproduction; empty where nothing must be said.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[SiteTable, ...]
    pages: tuple[SitePage, ...]
    per_image: tuple[PerImage, ...] = ()
    viewables: tuple[Viewable, ...] = ()
    warning: str = ""
