"""A small project with two data sets, two methods and three metrics, to which tests give scores of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from semsr.evaluation.protocol import ResolvedProtocol, resolve
from semsr.preparation.manifest import Entry, open_prepared, write_manifest
from semsr.project import Project
from semsr.reproduction.score_files import COLUMNS

METRICS = {
    "psnr": {"direction": "higher", "unit": "dB", "decimals": 2, "reference": "full"},
    "lpips": {"direction": "lower", "decimals": 4, "reference": "full"},
    "fid": {"direction": "lower", "decimals": 2, "reference": "distribution"},
}
RECIPE = {
    "generator": {"network": "small"},
    "data": {"dataset": "alpha", "patch": 32},
    "batch": 2,
    "steps": 10,
    "losses": {"pixel": {"kind": "l1"}},
}
TRAINED = {"wide": "long", "base": "base"}
REPORTED = """table,method,dataset,metric,value,note
Paper Table 1,Old,Alpha,psnr,30.00,
Paper Table 1,New,Alpha,psnr,30.10,
Paper Table 1,Older,Alpha,psnr,30.10,a slip & 50 % of it
Paper Table 1,Old,Alpha,lpips,0.120,printed as LPPIS
Paper Table 1,New,Alpha,lpips,0.100,printed as LPPIS
Paper Table 1,Older,Alpha,lpips,,printed as LPPIS
Paper Table 1,Old,Beta,psnr,20.0,
Paper Table 1,New,Beta,psnr,21.5,
Paper Table 1,Older,Beta,psnr,19.0,
"""


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


@dataclass
class House:
    """The small project; `scores` gathers rows until `save` writes them."""

    root: Path
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def project(self) -> Project:
        return Project(self.root)

    def edit(self, path: str, **changes: Any) -> None:
        """Change keys of a card; `path` is relative to the project."""
        write(self.root / path, yaml.safe_load((self.root / path).read_text()) | changes)

    @cached_property
    def protocol(self) -> ResolvedProtocol:
        return resolve(self.project, "way")

    def prepare(self, dataset: str, names: Sequence[str], train: Sequence[str] = ()) -> None:
        folder = self.root / "data" / dataset
        entries = []
        for name in (*names, *train):
            for side in ("lr", "hr"):
                write(folder / side / f"{name}.png", "")
            split: Any = "train" if name in train else "test"
            paths = folder / "lr" / f"{name}.png", folder / "hr" / f"{name}.png"
            entries.append(Entry(name, *paths, (8, 8), (32, 32), "0" * 64, "1" * 64, split))
        write_manifest(folder, entries)

    def manifest(self, dataset: str) -> str:
        """The hash of what is prepared now."""
        return open_prepared(self.project, dataset).sha256 if (self.root / "data" / dataset).is_dir() else ""

    def score(self, dataset: str, row: str, metric: str, values: dict[str, float] | Iterable[float], **facts: Any) -> None:
        """Add scores of `row` (method, method/variant or method/variant@seed); values by image name, or of a, b, c, ... in order."""
        method, _, variant = row.partition("/")
        variant, _, seed = variant.partition("@")
        named = values if isinstance(values, dict) else dict(zip("abcdefgh", values, strict=False))
        for image, value in named.items():
            known = {"image": image, "metric": metric, "value": value, "dataset": dataset, "method": method}
            known |= {"variant": variant or "default", "seed": int(seed or 0), "protocol": "way"}
            known |= {"manifest": self.manifest(dataset), "cell": "", "picture": f"{row} {image}"}
            known |= {"metric_id": metric, "metric_version": 1, "weights": "", "unavailable": ""}
            known |= {"protocol_hash": facts.get("protocol_hash") or self.protocol.hash}
            self.rows.setdefault(dataset, []).append(known | facts)

    def save(self, profile: str) -> None:
        for dataset, rows in self.rows.items():
            path = self.root / "results" / profile / "scores" / f"{dataset}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pd.DataFrame(rows, columns=list(COLUMNS)).to_parquet(path)

    def table(self, profile: str, name: str) -> Any:
        """The assembled table, by way of the stage."""
        from semsr.stages.tabulate import tables_of

        self.save(profile)
        tables = tables_of(self.project, self.project.profile(profile))
        return next(table for table in tables if table.id == name)


@pytest.fixture
def house(tmp_path: Path) -> House:
    for name, facts in METRICS.items():
        card = {"id": name, "title": f"The {name}", **facts, "range": [None, None], "version": 1, "entry": f"{name}:Metric"}
        options = {"border": {"default": 4, "meaning": "pixels cut"}} if name == "psnr" else {}
        write(tmp_path / f"metrics/family/{name}.yaml", card | {"options": options, "licence": "none", "source": "a test"})
    columns = [{"name": name, "metric": name} for name in METRICS]
    write(
        tmp_path / "metrics/protocols/way.yaml",
        {"id": "way", "title": "The paper's way", "columns": columns, "source": "a test"},
    )
    for name in ("alpha", "photos"):
        source = {"kind": "files", "layouts": [{"hr": "hr/{name}.png", "lr": "lr/{name}.png"}]}
        card = {"id": name, "title": name, "licence": "none", "count": 3, "comparable": "same-inputs", "source": source}
        write(tmp_path / f"datasets/{name}/dataset.yaml", card)
    for name in ("plain", "network"):
        variants = {"default": {"label": name}, "wide": {"label": f"{name} wide", "trust": "L3", "training": "long"}}
        card = {"id": name, "title": name, "licence": "none", "runner": "python", "entry": "m:M", "parts": "m:Parts"}
        write(tmp_path / f"methods/{name}/method.yaml", card | {"variants": variants})
        write(tmp_path / f"methods/{name}/recipes.yaml", {"long": RECIPE})
    write(tmp_path / "tables/paper-table/reported.csv", REPORTED)
    write(
        tmp_path / "tables/paper-table/table.yaml",
        {
            "id": "paper-table",
            "title": "Paper Table 1: ×4 & more",
            "protocol": "way",
            "track": "classical",
            "profiles": ["full"],
            "reported": "reported.csv",
            "datasets": [
                {"label": "Alpha", "published": "Alpha", "dataset": "alpha"},
                {"label": "Beta", "published": "Beta", "dataset": "beta"},
            ],
            "columns": ["psnr", "lpips"],
            "rows": [
                {"label": "Old", "published": "Old", "method": "network"},
                {"label": "New", "published": "New", "method": "network", "variant": "wide"},
                {"label": "Older", "published": "Older"},
                {"label": "Bicubic", "method": "plain"},
            ],
        },
    )
    write(
        tmp_path / "tables/lite-table/table.yaml",
        {
            "id": "lite-table",
            "title": "Lite",
            "protocol": "way",
            "track": "classical",
            "profiles": ["lite"],
            "datasets": [{"label": "photos", "dataset": "photos"}],
            "columns": ["psnr", "lpips", "fid"],
            "rows": [{"label": "Plain", "method": "plain"}, {"label": "Old", "published": "Old", "method": "network"}],
            "context": {"table": "paper-table", "dataset": "Alpha", "why": "other pictures"},
            "notes": ["Nothing is a reproduction."],
        },
    )
    for name, datasets, tables in (("full", ["alpha"], ["paper-table"]), ("lite", ["photos"], ["lite-table", "paper-table"])):
        track = {"datasets": datasets, "methods": ["plain", "network"], "protocols": ["way"]}
        write(
            tmp_path / f"profiles/{name}.yaml",
            {"id": name, "title": name, "tracks": {"classical": track}, "tables": tables},
        )
    house = House(tmp_path)
    house.prepare("alpha", "abc", train="z")
    house.prepare("photos", "abc")
    return house


@pytest.fixture
def scored(house: House) -> House:
    """Both profiles scored, everything in order: the hand-computed case of several tests."""
    for dataset in ("alpha", "photos"):
        house.score(dataset, "plain", "psnr", [28, 29, 31])
        house.score(dataset, "network", "psnr", [30, 30, 30.03])
        house.score(dataset, "network/wide@1", "psnr", [30, 30.006, 30.012])
        house.score(dataset, "plain", "lpips", [0.3, 0.2, 0.1])
        house.score(dataset, "network", "lpips", [0.1196, 0.1204, 0.1203])
        house.score(dataset, "network/wide@1", "lpips", [0.1, 0.1, 0.1])
        for row in ("plain", "network", "network/wide@1"):
            house.score(dataset, row, "fid", {"*": float("nan")}, unavailable="no network weights")
    return house


@pytest.fixture
def cell() -> Callable[..., Any]:
    """Finds one cell of a table by label."""

    def find(table: Any, dataset: str, row: str, metric: str) -> Any:
        found = [
            cell
            for block, line, column, cell in table.cells()
            if (block.dataset, line.label, column.name) == (dataset, row, metric)
        ]
        assert len(found) == 1, json.dumps([dataset, row, metric])
        return found[0]

    return find


def _side(row: str) -> dict[str, str]:
    return dict(zip(("method", "variant"), row.split("/"), strict=True))


@pytest.fixture
def seeded(house: House) -> House:
    """Profile `full` with three seeds: two trained rows from one start, a row that is not trained, and one that is there but once."""
    for name in ("plain", "network"):
        start = RECIPE | {"start": {"variant": "base"}}
        write(house.root / f"methods/{name}/recipes.yaml", {"long": start, "base": RECIPE | {"once": True}})
        variants = {"default": {"label": name}}
        variants |= {row: {"label": f"{name} {row}", "trust": "L3", "training": recipe} for row, recipe in TRAINED.items()}
        house.edit(f"methods/{name}/method.yaml", variants=variants)
    house.edit("profiles/full.yaml", training={"seeds": [1, 2, 3]})
    rows = yaml.safe_load((house.root / "tables/paper-table/table.yaml").read_text())["rows"]
    rows[2] |= {"method": "plain", "variant": "wide"}
    sides = {"New over Older": ("network/wide", "plain/wide"), "New over Old": ("network/wide", "network/default")}
    comparisons = [{"label": label, "row": _side(row), "against": _side(other)} for label, (row, other) in sides.items()]
    house.edit("tables/paper-table/table.yaml", rows=rows, comparisons=comparisons)
    for seed, shift in enumerate((0.0, 0.01, 0.05), 1):
        house.score("alpha", f"network/wide@{seed}", "psnr", [30 + shift, 31 + shift, 32 + shift])
        house.score("alpha", f"network/wide@{seed}", "lpips", [0.1 + shift / 10, 0.11, 0.12])
        house.score("alpha", f"plain/wide@{seed}", "psnr", [31 + shift, 31 - shift, 31])
        house.score("alpha", f"plain/wide@{seed}", "lpips", [0.15 + shift, 0.16, 0.17 + shift])
    house.score("alpha", "network/base@1", "psnr", [30.5, 31, 31.5])
    house.score("alpha", "network/base@1", "lpips", [0.2, 0.2, 0.2])
    for row in ("network", "plain"):
        house.score("alpha", row, "psnr", [28, 29, 31])
        house.score("alpha", row, "lpips", [0.3, 0.2, 0.1])
    return house
