"""A small project with two judges, whose values are means over pictures that a test gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from semsr.assets.missing import MissingFile
from semsr.cards.protocol import OBJECT_COLUMNS
from semsr.evaluation.semantic.protocol import ResolvedSemanticProtocol, resolve
from semsr.evaluation.semantic.values import (
    REFERENCE,
    JudgedValues,
    RowKey,
    values_path,
    write_values,
)
from semsr.preparation.manifest import Entry, open_prepared, write_manifest
from semsr.project import Project
from semsr.reproduction.semantic.table import Judgement, Row, SemanticTable

METRICS = ("pq", "box-ap", "miou")
PICTURES = 6
DRAWS = 200
REPORTED = """table,method,dataset,metric,value,note
Paper Table 3,GT,Scenes,pq,60.0,
Paper Table 3,Zoomed LR,Scenes,pq,20,
Paper Table 3,Sharp,Scenes,pq,50.0,a slip & 50 % of it
Paper Table 3,Later,Scenes,pq,45.5,
Paper Table 3,GT,Scenes,box_ap,50.0,
Paper Table 3,Zoomed LR,Scenes,box_ap,10,
Paper Table 3,Sharp,Scenes,box_ap,30.0,
Paper Table 3,Later,Scenes,box_ap,,
"""
GONE = MissingFile("gan-weights", "weights of Gan", "gan.pth", 5_000_000, None, "MIT", ("a mirror",), "", "give it by hand")


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def weights() -> NDArray[np.float64]:
    """(DRAWS + 1, PICTURES): the data set itself, then its draws."""
    drawn = np.random.default_rng(0).multinomial(PICTURES, np.full(PICTURES, 1 / PICTURES), size=DRAWS)
    return np.concatenate([np.ones((1, PICTURES)), drawn]) / PICTURES


def draws_of(pictures: Sequence[float]) -> NDArray[np.float64]:
    """(DRAWS + 1,): the mean over pictures of the data set and of each draw."""
    return np.asarray(weights() @ np.asarray(pictures, np.float64))


@dataclass
class House:
    """The small project; `see` gathers what judges found until `save` writes it."""

    root: Path
    seen: dict[str, dict[RowKey, dict[str, NDArray[np.float64]]]] = field(default_factory=dict)
    without: dict[str, dict[str, str]] = field(default_factory=dict)
    missing: dict[tuple[str, str], tuple[MissingFile, ...]] = field(default_factory=dict)
    lacking: dict[str, tuple[MissingFile, ...]] = field(default_factory=dict)

    @property
    def project(self) -> Project:
        return Project(self.root)

    @property
    def protocol(self) -> ResolvedSemanticProtocol:
        return resolve(self.project, "look")

    def edit(self, path: str, **changes: Any) -> None:
        """Change keys of a card; `path` is relative to the project."""
        write(self.root / path, yaml.safe_load((self.root / path).read_text()) | changes)

    def see(self, judge: str, row: str, **columns: Sequence[float] | float) -> None:
        """What a judge found in `row` (method, method/variant@seed, or hr): each picture's value by column, or one for all pictures."""
        method, _, variant = row.partition("/")
        variant, _, seed = variant.partition("@")
        key = REFERENCE if row == "hr" else (method, variant or "default", int(seed or 0))
        found = {
            name.replace("_", "-"): draws_of([each] * PICTURES if isinstance(each, float | int) else each)
            for name, each in columns.items()
        }
        self.seen.setdefault(judge, {}).setdefault(key, {}).update(found)

    def save(self, **facts: Any) -> None:
        """Write what the judges found, as `semsr judge` does."""
        manifest = open_prepared(self.project, "scenes").sha256
        for judge in sorted({*self.seen, *self.lacking}):
            rows = self.seen.get(judge, {})
            names = [name for name in (*METRICS, *OBJECT_COLUMNS) if any(name in row for row in rows.values())]
            told = {"protocol": "look", "protocol_hash": self.protocol.hash, "segmenter": judge, "manifest_sha256": manifest}
            told |= {"metric_versions": dict.fromkeys(METRICS, 1), "columns_without": self.without.get(judge, {})}
            told |= {"weights": [{"asset": f"{judge}-weights", "sha256": "ab" * 32}]}
            of: Mapping[RowKey, Mapping[str, NDArray[np.float64]]] = {
                key: {name: row.get(name, np.full(DRAWS + 1, np.nan)) for name in names} for key, row in rows.items()
            }
            values = JudgedValues(PICTURES, tuple(names), of, self.lacking.get(judge, ()), self.missing, told | facts)
            write_values(values_path(self.project.judged("full", "scenes", "look", judge)), values)

    def table(self, profile: str = "full", *, keep_going: bool = False, save: bool = True) -> SemanticTable:
        """The assembled table, by way of the stage."""
        from semsr.stages.tabulate_semantic import tables_of

        if save:
            self.save()
        (table,) = tables_of(self.project, self.project.profile(profile), keep_going=keep_going)
        return table


def row_of(said: Judgement, label: str) -> Row:
    """One row of a judge by its label."""
    (row,) = (row for row in said.rows if row.label == label)
    return row


@pytest.fixture
def house(tmp_path: Path) -> House:
    root = tmp_path / "project"
    facts = {"direction": "higher", "unit": "%", "decimals": 1, "reference": "annotations", "range": [0, 100], "version": 1}
    for name in METRICS:
        card = {"id": name, "title": f"The {name}", **facts, "entry": "m:Metric", "licence": "none", "source": "a test"}
        write(root / f"metrics/semantic/{name}.yaml", card)
    write(
        root / "metrics/protocols/look.yaml",
        {
            "id": "look",
            "kind": "semantic",
            "title": "A look",
            "annotations": "resized",
            "post_processing": {"score": 0.25},
            "floor": {"method": "zoom"},
            "columns": [{"name": name, "metric": name} for name in METRICS],
            "source": "a test",
        },
    )
    recipe = {
        "generator": {"network": "small"},
        "data": {"dataset": "scenes", "patch": 32},
        "batch": 2,
        "steps": 10,
        "losses": {"pixel": {"kind": "l1"}},
    }
    for name in ("zoom", "sharp", "gan", "extra"):
        variants: dict[str, Any] = {"default": {"label": name.title()}}
        if name == "gan":
            variants["trained"] = {"label": "Gan, trained", "trust": "L3", "training": "long"}
        card = {"id": name, "title": name, "licence": "none", "runner": "python", "entry": "m:M", "parts": "m:Parts"}
        write(root / f"methods/{name}/method.yaml", card | {"variants": variants})
        write(root / f"methods/{name}/recipes.yaml", {"long": recipe})
    for name, gives in (("big", ["panoptic", "semantic", "boxes"]), ("small", ["boxes"])):
        card = {"id": name, "title": f"The {name} judge", "licence": "none", "entry": "j:J", "gives": gives}
        write(root / f"segmenters/{name}/segmenter.yaml", card)
    source = {"kind": "files", "layouts": [{"hr": "hr/{name}.png", "lr": "lr/{name}.png"}]}
    card = {"id": "scenes", "title": "s", "licence": "none", "count": PICTURES, "comparable": "same-inputs", "source": source}
    write(root / "datasets/scenes/dataset.yaml", card)
    write(root / "tables/paper-table/reported.csv", REPORTED)
    write(
        root / "tables/paper-table/table.yaml",
        {
            "id": "paper-table",
            "kind": "semantic",
            "title": "Paper Table 3: what is seen & what is not",
            "protocol": "look",
            "track": "semantic",
            "profiles": ["full"],
            "reported": "reported.csv",
            "judges": ["big", "small"],
            "datasets": [{"label": "Scenes", "published": "Scenes", "dataset": "scenes"}],
            "columns": ["pq", "box-ap"],
            "ceiling": {"label": "HR", "published": "GT"},
            "floor": {"method": "zoom"},
            "rows": [
                {"label": "Zoom", "published": "Zoomed LR", "method": "zoom"},
                {"label": "Later", "published": "Later"},
                {"label": "Sharp", "published": "Sharp", "method": "sharp"},
                {"label": "Gan", "method": "gan"},
                {"label": "Gan, trained", "method": "gan", "variant": "trained"},
            ],
            "notes": ["The protocol is ours."],
        },
    )
    track = {"datasets": ["scenes"], "methods": ["zoom", "sharp", "gan", "extra"], "protocols": ["look"]}
    for name, judges in (("full", ["big", "small"]), ("other", ["big"])):
        write(
            root / f"profiles/{name}.yaml",
            {
                "id": name,
                "title": name,
                "tracks": {"semantic": track},
                "training": {"seeds": [1, 2]},
                "segmenters": {"judges": judges},
                "tables": ["paper-table"],
            },
        )
    folder = root / "data/scenes"
    entries = []
    for at in range(PICTURES):
        for side in ("lr", "hr"):
            write(folder / side / f"p{at}.png", "")
        paths = folder / "lr" / f"p{at}.png", folder / "hr" / f"p{at}.png"
        entries.append(Entry(f"p{at}", *paths, (8, 8), (32, 32), "0" * 64, "1" * 64, "test"))
    write_manifest(folder, entries)
    return House(root)


@pytest.fixture
def judged(house: House) -> House:
    """Two judges and every row but one, whose weights are missing; the second judge orders two rows the other way round."""
    house.see("big", "hr", pq=60, box_ap=50)
    house.see("big", "zoom", pq=20, box_ap=[10, 12, 8, 9, 11, 10], omission=80, hallucination=40)
    house.see("big", "sharp", pq=[44, 52, 47, 55, 42, 54], box_ap=[30, 34, 31, 33, 36, 28], omission=30, hallucination=20)
    house.see("big", "sharp", improvement=50)
    for seed, shift in ((1, -1.0), (2, 2.0)):
        pq = [46 + shift, 51 + shift, 48 + shift, 53 + shift, 45 + shift, 50 + shift]
        objects = {"omission": 40 + shift, "hallucination": 10.0, "improvement": 45.0}
        house.see("big", f"gan/trained@{seed}", pq=pq, box_ap=[28, 33, 30, 31, 35, 26], **objects)
    house.see("small", "hr", box_ap=25)
    house.see("small", "zoom", box_ap=5)
    house.see("small", "sharp", box_ap=[12, 11, 13, 10, 12, 11])
    for seed in (1, 2):
        house.see("small", f"gan/trained@{seed}", box_ap=[15, 13, 16, 12, 15, 13])
    house.without["small"] = {"pq": "small gives no panoptic"}
    house.missing["gan", "default"] = (GONE,)
    return house
