"""A table as JSON, for those who go on computing with it. The schema is in docs/leaderboard.md."""

from __future__ import annotations

import json
from dataclasses import asdict

from semsr.leaderboard.data import plain
from semsr.leaderboard.model import Site, SiteBlock, SiteCell, SiteRow, SiteTable
from semsr.reproduction.verdict import Verdict

SCHEMA = 1
"""Grows whenever a key changes its meaning or goes away."""


def json_of(site: Site, table: SiteTable) -> str:
    """The whole table: unrounded values, intervals, verdicts with their tolerances, result ids, costs, claims."""
    whole = {
        "schema": SCHEMA,
        "site": dict(site.facts),
        "id": table.id,
        "title": table.title,
        "track": table.track,
        "paper": table.paper,
        "profile": table.profile,
        "protocol": {"id": table.protocol, "hash": table.protocol_hash},
        "introduction": table.introduction,
        "notes": table.notes,
        "blocks": [_block(block) for block in table.blocks],
        "claims": [asdict(claim) for claim in table.claims],
    }
    # Without indentation: Python writes that ten times as fast.
    return json.dumps(plain(whole), ensure_ascii=False, allow_nan=False) + "\n"


def _block(block: SiteBlock) -> dict[str, object]:
    return {
        "key": block.key,
        "label": block.label,
        "dataset": block.dataset,
        "count": block.count,
        "remark": block.remark,
        "columns": [asdict(column) for column in block.columns],
        "rows": [_row(row, block) for row in block.rows],
    }


def _row(row: SiteRow, block: SiteBlock) -> dict[str, object]:
    return {
        "key": row.key,
        "label": row.label,
        "trust": row.trust,
        "licence_policy": row.licence_policy,
        "sanity": row.sanity,
        "seeds": row.seeds,
        "not_run": row.not_run,
        "warnings": row.warnings,
        "cost": asdict(row.cost),
        "cells": {column.key: _cell(cell) for column, cell in zip(block.columns, row.cells, strict=True)},
    }


def _cell(cell: SiteCell) -> dict[str, object]:
    verdict = cell.verdict
    return {
        "value": cell.value,
        "text": cell.text,
        "published": cell.published,
        "published_is_elsewhere": cell.published_is_elsewhere,
        "interval": None if cell.low is None else [cell.low, cell.high],
        "interval_over": cell.interval_over,
        "best": cell.best,
        "tied": cell.tied,
        "groups": cell.groups,
        "status": cell.status,
        "why": cell.why,
        "more": cell.more,
        "verdict": verdict and _verdict(verdict),
        "result_id": cell.result_id,
    }


def _verdict(verdict: Verdict) -> dict[str, object]:
    tolerance = verdict.tolerance
    parts = [{"name": part.name, "size": part.size, "source": part.source} for part in tolerance.parts] if tolerance else []
    return {
        "kind": verdict.kind,
        "why": verdict.why,
        "explained_by": verdict.explained_by,
        "tolerance": tolerance and {"whole": tolerance.whole, "parts": parts},
    }
