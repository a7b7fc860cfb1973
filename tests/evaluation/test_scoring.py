"""The engine: every value right, every file decoded once, nothing kept longer than needed."""

from __future__ import annotations

import gc
import threading
import weakref
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from semsr.errors import MetricError, PictureError, SizeMismatchError
from semsr.evaluation import measuring, scoring
from semsr.evaluation.metric import Batch
from semsr.evaluation.protocol import ResolvedColumn, resolve
from semsr.evaluation.scoring import Scores, Subject, score
from semsr.evaluation.workbench import Workbench, build
from semsr.imaging.pictures import read_rgb
from semsr.project import Project

SIZES = {"a1": (20, 30), "a2": (20, 30), "b": (24, 16), "c": (20, 30), "d": (9, 9)}
Pictures = Callable[..., dict[str, Path]]


@pytest.fixture
def bench(small: Project, add_protocol: Callable[..., str]) -> Callable[..., tuple[Workbench, dict[str, ResolvedColumn]]]:
    def make(has_reference: bool = True, **columns: object) -> tuple[Workbench, dict[str, ResolvedColumn]]:
        resolved = resolve(small, add_protocol("p", **columns))
        return build(small, [resolved], has_reference=has_reference), {column.name: column for column in resolved.columns}

    return make


def subject(method: str, files: dict[str, Path], columns: dict[str, ResolvedColumn]) -> Subject:
    return Subject(method, "default", files, frozenset(column.key for column in columns.values()))


def notes(path: Path) -> Counter[tuple[str, str]]:
    lines = [line.split(" ") for line in path.read_text().splitlines()]
    return Counter((what, name) for what, names in lines for name in names.split(","))


def test_values_equal_the_definition(bench: Callable, pictures: Pictures) -> None:
    made, columns = bench(mae="mae", cut=("mae", {"border": 2}), contrast="contrast", edges="edges")
    hr, sr = pictures("hr", SIZES, 0), pictures("sr", SIZES, 1)
    (found,) = score([subject("m", sr, columns)], hr, SIZES, made, threads=2)
    for name in SIZES:
        ours, theirs = (read_rgb(files[name]).astype(float) for files in (sr, hr))
        assert found.images[columns["mae"].key][name] == np.abs(ours - theirs).mean()
        assert found.images[columns["cut"].key][name] == np.abs(ours - theirs)[2:-2, 2:-2].mean()
        assert found.images[columns["contrast"].key][name] == ours.std()
        assert found.images[columns["edges"].key][name] > 0
    assert found.reasons == {}


def test_hr_is_decoded_and_prepared_once_for_all_methods(
    bench: Callable, pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, columns = bench(mae="mae", again="mae", edges="edges", contrast="contrast", colour="colour")
    hr = pictures("hr", SIZES, 0)
    methods = [subject(f"m{seed}", pictures(f"sr{seed}", SIZES, seed), columns) for seed in range(1, 6)]
    decoded: Counter[str] = Counter()
    decode = measuring.decode_rgb
    monkeypatch.setattr(measuring, "decode_rgb", lambda data, name: decoded.update([name]) or decode(data, name))
    monkeypatch.setenv("SEMSR_TEST_NOTES", str(tmp_path / "notes"))
    assert len(score(methods, hr, SIZES, made, threads=3)) == 5
    assert set(decoded.values()) == {1}
    assert len(decoded) == 6 * len(SIZES)
    counts = notes(tmp_path / "notes")
    assert {counts["hr", name] for name in SIZES} == {1}
    assert {counts["sr", name] for name in SIZES} == {5}, "two columns that are one computation are computed once"
    assert {counts["set", name] for name in SIZES} == {6}


def test_values_do_not_depend_on_threads_or_on_company(
    bench: Callable, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, columns = bench(mae="mae", edges="edges", colour="colour")
    hr = pictures("hr", SIZES, 0)
    first, second = (subject(f"m{seed}", pictures(f"sr{seed}", SIZES, seed), columns) for seed in (1, 2))

    def values(found: Scores) -> tuple[object, object]:
        return found.images, found.sets

    alone = values(score([first], hr, SIZES, made, threads=1)[0])
    assert alone == values(score([second, first], hr, SIZES, made, threads=4)[1])
    for largest in (1, 2, 8):
        monkeypatch.setitem(scoring.BATCH, "cpu", (10**9, largest))
        other = score([first], hr, SIZES, made, threads=2)[0]
        for key, images in other.images.items():
            assert images == pytest.approx(alone[0][key], rel=1e-6)  # type: ignore[index]


def test_threads_given_are_used_and_set_back(bench: Callable, pictures: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    made, columns = bench(mae="mae")
    sizes = {f"p{at}": (8, 8) for at in range(12)}
    monkeypatch.setitem(scoring.BATCH, "cpu", (64, 8))
    hr, sr = pictures("hr", sizes), pictures("sr", sizes, 1)
    seen: set[tuple[str, int]] = set()
    together = threading.Barrier(3)
    (metric,) = made.metrics.values()
    measure = metric.measure

    def watched(batch: Batch, reference: object) -> object:
        seen.add((threading.current_thread().name, torch.get_num_threads()))
        together.wait(timeout=30)  # fails unless three batches are in work at the same time
        return measure(batch, reference)

    monkeypatch.setattr(metric, "measure", watched)
    before = torch.get_num_threads()
    score([subject("m", sr, columns)], hr, sizes, made, threads=3)
    assert len({name for name, _ in seen}) == 3
    assert {inside for _, inside in seen} == {1}
    assert torch.get_num_threads() == before


def test_memory_does_not_grow_with_the_number_of_pictures(
    bench: Callable, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, columns = bench(mae="mae")
    monkeypatch.setitem(scoring.BATCH, "cpu", (64, 8))
    alive: weakref.WeakSet[Batch] = weakref.WeakSet()
    most: dict[int, int] = {}

    class Watched(Batch):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]
            alive.add(self)
            most[count] = max(most.get(count, 0), len(alive))

    monkeypatch.setattr(measuring, "Batch", Watched)
    read, ahead = scoring._read_unit, [0, 0]

    def read_unit(*given: object) -> object:
        ahead[0] += 1
        ahead[1] = max(ahead)
        return read(*given)  # type: ignore[arg-type]

    def done(pictures: int) -> None:
        ahead[0] -= 1

    monkeypatch.setattr(scoring, "_read_unit", read_unit)
    for count in (10, 40):
        sizes = {f"p{at:03}": (8, 8) for at in range(count)}
        methods = [subject(f"m{seed}", pictures(f"sr{seed}", sizes, seed), columns) for seed in (1, 2, 3)]
        score(methods, pictures("hr", sizes), sizes, made, threads=2, progress=done)
        gc.collect()
    # Two workers, each with an HR batch, an SR batch, and the one before it until that is let go.
    assert most[40] <= 6
    assert ahead == [0, 3], "two in work and one read ahead"
    assert not alive


def test_set_metric_is_of_the_whole_set(bench: Callable, pictures: Pictures) -> None:
    made, columns = bench(colour="colour")
    hr, sr = pictures("hr", SIZES, 0), pictures("sr", SIZES, 1)
    (found,) = score([subject("m", sr, columns)], hr, SIZES, made)
    means = [np.mean([read_rgb(files[name]).mean(axis=(0, 1)) for name in SIZES], axis=0) for files in (sr, hr)]
    assert found.sets[columns["colour"].key] == pytest.approx(np.square(means[0] - means[1]).sum(), rel=1e-12)


def test_without_reference(bench: Callable, pictures: Pictures) -> None:
    made, columns = bench(has_reference=False, mae="mae", colour="colour", contrast="contrast")
    assert made.unavailable == {columns["mae"].key: "no reference", columns["colour"].key: "no reference"}
    (found,) = score([subject("m", pictures("sr", SIZES, 1), columns)], None, SIZES, made)
    assert set(found.images) == {columns["contrast"].key}
    assert found.sets == {}


def test_nan_names_picture_and_metric(bench: Callable, pictures: Pictures) -> None:
    sizes = {f"p{at}": (8, 8) for at in range(5)}
    made, columns = bench(bad="broken")
    with pytest.raises(MetricError, match=r"metric 'broken': value nan for picture 'p3'; allowed: numbers from 0\.0 to 100\.0"):
        score([subject("m", pictures("sr", sizes), columns)], None, sizes, made, threads=2)


def test_infinity_only_where_the_range_allows(bench: Callable, pictures: Pictures) -> None:
    sizes = {f"p{at}": (8, 8) for at in range(5)}
    files = pictures("sr", sizes)
    made, columns = bench(bad=("endless", {"gives": "inf"}))
    (found,) = score([subject("m", files, columns)], None, sizes, made)
    assert found.images[columns["bad"].key]["p3"] == np.inf
    made, columns = bench(bad=("broken", {"gives": "inf"}))
    with pytest.raises(MetricError, match="value inf for picture 'p3'"):
        score([subject("m", files, columns)], None, sizes, made)


def test_a_metric_may_decline_pictures_with_a_reason(bench: Callable, pictures: Pictures) -> None:
    made, columns = bench(bad=("broken", {"gives": "small"}), contrast="contrast")
    (found,) = score([subject("m", pictures("sr", SIZES), columns)], None, SIZES, made)
    key = columns["bad"].key
    assert found.reasons == {(key, name): "the pictures are too small" for name in SIZES}
    assert all(np.isnan(value) for value in found.images[key].values())
    assert found.images[columns["contrast"].key]["b"] > 0


def test_a_mistake_in_a_metric_says_where(bench: Callable, pictures: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    made, columns = bench(mae="mae")
    (metric,) = made.metrics.values()
    monkeypatch.setattr(metric, "measure", lambda sr, reference: 1 / 0)
    with pytest.raises(ZeroDivisionError) as error:
        score([subject("m", pictures("sr", {"x": (8, 8)}), columns)], pictures("hr", {"x": (8, 8)}), {"x": (8, 8)}, made)
    assert error.value.__notes__ == ["while computing metric 'mae' on x"]
    monkeypatch.setattr(metric, "measure", lambda sr, reference: np.zeros(2))
    with pytest.raises(MetricError, match=r"metric 'mae': 1 pictures gave values of shape \(2,\), expected \(1,\)"):
        score([subject("m", pictures("sr", {"x": (8, 8)}), columns)], pictures("hr", {"x": (8, 8)}), {"x": (8, 8)}, made)


def test_a_truncated_picture_is_named(bench: Callable, pictures: Pictures) -> None:
    made, columns = bench(contrast="contrast")
    files = pictures("sr", SIZES)
    files["b"].write_bytes(files["b"].read_bytes()[:-60])
    with pytest.raises(PictureError, match=r"b\.png: truncated or damaged"):
        score([subject("m", files, columns)], None, SIZES, made)


def test_a_picture_of_another_size_is_named(bench: Callable, pictures: Pictures) -> None:
    made, columns = bench(contrast="contrast")
    with pytest.raises(SizeMismatchError, match=r"b\.png: 16x24 pixels \(width x height\), expected 9x9"):
        score([subject("m", pictures("sr", SIZES), columns)], None, SIZES | {"b": (9, 9)}, made)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_values(small: Project, add_protocol: Callable[..., str], pictures: Pictures) -> None:
    resolved = resolve(small, add_protocol("p", mae="mae", edges="edges", colour="colour"))
    columns = {column.name: column for column in resolved.columns}
    hr, sr = pictures("hr", SIZES, 0), pictures("sr", SIZES, 1)
    cpu, cuda = (
        score([subject("m", sr, columns)], hr, SIZES, build(small, [resolved], device=device))[0] for device in ("cpu", "cuda")
    )
    assert cpu.sets == cuda.sets
    for key, images in cpu.images.items():
        assert cuda.images[key] == pytest.approx(images, rel=1e-5)
