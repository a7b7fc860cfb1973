"""Metrics as the harness makes them, and pictures with published values."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from semsr.assets.network import MirrorError
from semsr.assets.packages import package_archive
from semsr.assets.store import Store
from semsr.cards.asset import PypiMirror
from semsr.cards.metric import OptionValue
from semsr.errors import AssetError
from semsr.evaluation.metric import Batch, Metric, SetMetric, Workshop
from semsr.evaluation.protocol import resolve
from semsr.imaging.pictures import Rgb, decode_rgb, read_rgb
from semsr.plugins import load_plugin
from semsr.project import Project

MakeMetric = Callable[..., Metric]


@dataclass(frozen=True)
class Pair:
    """An SR picture, its HR picture and what somebody published about them."""

    name: str
    sr: Path | bytes
    hr: Path | bytes
    published: dict[str, float]

    def batches(self) -> tuple[Batch, Batch]:
        return Batch([self.name], [_picture(self.sr, self.name)]), Batch([self.name], [_picture(self.hr, self.name)])

    def value(self, metric: Metric) -> float:
        """What the metric says of this pair."""
        sr, hr = self.batches()
        reference = metric.reference(hr) if metric.workshop.card.reference == "full" else None
        (value,) = metric.measure(sr, reference)
        return float(value)


def _picture(source: Path | bytes, name: str) -> Rgb:
    return read_rgb(source) if isinstance(source, Path) else decode_rgb(source, name)


@pytest.fixture(scope="session")
def asset(project: Project) -> Callable[[str], Path]:
    """Verified files of assets; a test that needs one is skipped where it can't be had."""
    store = Store()

    def get(name: str) -> Path:
        try:
            return store.get(project.asset(name))
        except AssetError as error:
            pytest.skip(str(error))

    return get


@pytest.fixture(scope="session")
def make_metric(project: Project, asset: Callable[[str], Path]) -> MakeMetric:
    """Make a metric by its id, with some options set; the others are the card's defaults."""

    def make(name: str, **chosen: OptionValue) -> Metric | SetMetric:
        card = project.metric(name)
        assert set(chosen) <= set(card.options)
        options = {option: chosen.get(option, known.default) for option, known in card.options.items()}
        kind = load_plugin(project, "metric", project.metric_family(name), card.entry)
        return kind(Workshop(card, options, asset))

    return make


@pytest.fixture(scope="session")
def seesr_metric(project: Project, make_metric: MakeMetric) -> Callable[[str], Metric]:
    """The metric behind a column of the protocol `seesr`, with its options."""
    columns = {column.name: column for column in resolve(project, "seesr").columns}
    return lambda name: make_metric(columns[name].metric.id, **columns[name].options)


@pytest.fixture(scope="session")
def osediff(test_data: Path) -> list[Pair]:
    """OSEDiff's outputs for 50 RealSR crops with the authors' own values (pyiqa 0.1.10)."""
    folder = test_data / "realsr_crop128"
    with (folder / "osediff_metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 50
    return [
        Pair(
            row["image"],
            folder / "osediff" / row["image"],
            folder / "hr" / row["image"],
            {key: float(value) for key, value in row.items() if key != "image"},
        )
        for row in rows
    ]


# chaofengc/IQA-PyTorch@01ae427f:ResultsCalibra (PSNR of RGB, LPIPS, DISTS, and NIQE by LIVE's MATLAB and by pyiqa's authors).
# First measured for this project: PSNR of Y and LPIPS-VGG (the packages' own layers), niqe-cpu (pyiqa 0.1.16 on a CPU).
CALIBRATION = """
pair psnr-rgb psnr-y   lpips  lpips-vgg dists  niqe-live niqe-pyiqa niqe-cpu
I03  21.11    23.5922  .7237  .7614     .4742  15.7536   15.6530    15.653206
I04  20.99    57.3388  .2572  .2090     .1424  3.6549    3.6541     3.654908
I06  27.01    57.8783  .0508  .0544     .0682  3.2355    3.2343     3.234191
I08  23.30    25.0649  .0521  .0475     .0287  3.1840    3.2076     3.192150
I19  21.62    24.3368  .4253  .5971     .3123  8.6352    9.1060     9.072738
"""


@pytest.fixture(scope="session")
def calibration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Pair]]:
    """Five TID2013/Kodak pairs that ship in pyiqa's wheel. The wheel is only read as an archive; the package is not used."""
    mirror = PypiMirror(kind="pypi", package="pyiqa", version="0.1.16", path="ResultsCalibra/*")
    try:
        wheel = package_archive(mirror, Store().folder / "packages")
    except MirrorError as error:
        pytest.skip(str(error))
    header, *lines = (line.split() for line in CALIBRATION.strip().splitlines())
    with zipfile.ZipFile(wheel) as archive:
        yield [
            Pair(
                name,
                archive.read(f"ResultsCalibra/dist_dir/{name}.bmp"),
                archive.read(f"ResultsCalibra/ref_dir/{name}.bmp"),
                dict(zip(header[1:], map(float, values), strict=True)),
            )
            for name, *values in lines
        ]
