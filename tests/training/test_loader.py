"""Real DataLoaders: the same samples whatever the workers, batches and interruptions."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from semsr.errors import SemsrError
from semsr.imaging.degradation.parameters import FULL
from semsr.imaging.degradation.recipe import Recipe
from semsr.preparation.manifest import Prepared
from semsr.training.crops import Patch
from semsr.training.index import Source
from semsr.training.loader import Loader
from semsr.training.lowres import DegradedLr, PairedLr
from semsr.training.patches import TrainingPictures
from semsr.training.sampler import EpochSampler

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")  # more workers than cores, on purpose

Key = tuple[str, bytes, bytes]


def pictures(data: Prepared, seed: int = 0) -> TrainingPictures:
    return TrainingPictures([Source(data)], Patch(16), lr=DegradedLr(Recipe(FULL, shared_choices=3)), seed=seed)


def keys(batches: Any) -> list[Key]:
    """Name and pixels of every sample, in the order they came."""
    return [
        (name, hr.numpy().tobytes(), lr.numpy().tobytes())
        for batch in batches
        for name, hr, lr in zip(batch["name"], batch["hr"], batch["lr"], strict=True)
    ]


def epochs(data: Prepared, count: int = 2, **options: Any) -> list[Key]:
    loader = Loader(pictures(data), EpochSampler(9), drop_last=False, **{"batch": 1, **options})
    return [key for _ in range(count) for key in keys(loader)]


@pytest.fixture(scope="module")
def plain(lasting_demo: Prepared) -> list[Key]:
    """Two epochs in this process, sample by sample, without any DataLoader."""
    dataset, sampler, found = pictures(lasting_demo), EpochSampler(9), []
    for epoch in range(2):
        sampler.epoch = epoch
        for key in sampler:
            sample = dataset[key]
            found.append((sample["name"], sample["hr"].numpy().tobytes(), sample["lr"].numpy().tobytes()))
    return found


@pytest.mark.parametrize("options", [
    {"batch": 4}, {"batch": 1, "workers": 1}, {"batch": 2, "workers": 2, "prefetch": 1}, {"batch": 4, "workers": 3, "prefetch": 4},
    {"batch": 3, "workers": 2, "start": "fork"}, {"batch": 2, "workers": 2, "start": "spawn"},
    pytest.param({"batch": 3, "workers": 3, "start": "forkserver"}, marks=pytest.mark.slow),
])  # fmt: skip
def test_workers_and_batches_change_nothing(lasting_demo: Prepared, plain: list[Key], options: dict[str, Any]) -> None:
    """Two epochs with the same worker processes, which live on: each epoch has its own order, patches and degradations."""
    assert epochs(lasting_demo, **options) == plain
    assert len(set(plain)) == 18 and {name for name, *_ in plain[:9]} == {name for name, *_ in plain[9:]}
    assert [name for name, *_ in plain[:9]] != [name for name, *_ in plain[9:]]


def test_the_global_generator_is_left_alone(lasting_demo: Prepared) -> None:
    """A training's own draws must not depend on when its data were interrupted."""
    torch.manual_seed(5)
    before = torch.get_rng_state()
    epochs(lasting_demo, batch=3, workers=2)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("endless", [False, True])
@pytest.mark.parametrize("stop", [1, 2, 3, 4, 7])
def test_taken_up_again_in_mid_epoch(lasting_demo: Prepared, workers: int, endless: bool, stop: int) -> None:
    """Batches of 2 out of 9: four an epoch, or one after the other over its end. The state goes through JSON, into a new loader."""

    data = TrainingPictures([Source(lasting_demo)], Patch(32), lr=PairedLr())

    def loader() -> Loader:
        return Loader(data, EpochSampler(9, endless=endless), batch=2, workers=workers, prefetch=4)

    def run(loader: Loader, count: int) -> list[Key]:
        endlessly = itertools.chain.from_iterable(iter(loader) for _ in itertools.count())
        return keys(itertools.islice(endlessly, count))

    whole = run(loader(), 10)
    first = loader()
    found = run(first, stop)
    state = json.loads(json.dumps(first.state_dict()))
    second = loader()
    second.load_state_dict(state)
    assert found + run(second, 10 - stop) == whole


def test_a_loop_that_was_left_goes_on_with_the_next_batch(lasting_demo: Prepared) -> None:
    loader = Loader(pictures(lasting_demo), EpochSampler(9), batch=2, workers=2)
    found = []
    for _ in range(4):
        for batch in loader:
            found.append(batch)
            break
    assert keys(found) == keys(Loader(pictures(lasting_demo), EpochSampler(9), batch=2))


def test_a_state_saved_at_the_end_of_an_epoch_begins_the_next(lasting_demo: Prepared) -> None:
    loader = Loader(pictures(lasting_demo), EpochSampler(9), batch=2)
    states = [loader.state_dict() for _ in loader]
    assert [(state["epoch"], state["position"]) for state in states] == [(0, 2), (0, 4), (0, 6), (1, 0)]
    assert len(loader) == 4 and len(keys(loader)) == 8


def test_ranks_share_an_epoch(lasting_demo: Prepared) -> None:
    """Three processes of a GPU each, two workers each: together one epoch, every sample once."""
    parts = [
        keys(Loader(pictures(lasting_demo), EpochSampler(9, rank=rank, ranks=3), batch=2, workers=2, drop_last=False))
        for rank in range(3)
    ]
    assert [len(part) for part in parts] == [3, 3, 3]
    assert Counter(itertools.chain(*parts)) == Counter(keys(Loader(pictures(lasting_demo), EpochSampler(9), batch=1)))


def test_batches_that_can_t_be(lasting_demo: Prepared) -> None:
    for batch in (0, 10):
        with pytest.raises(SemsrError, match="allowed: 1 to 9"):
            Loader(pictures(lasting_demo), EpochSampler(9), batch=batch)
    assert len(keys(itertools.islice(Loader(pictures(lasting_demo), EpochSampler(9, endless=True), batch=10), 2))) == 20


def test_a_state_of_another_run_is_refused(lasting_demo: Prepared, tmp_path: Path) -> None:
    loader = Loader(pictures(lasting_demo), EpochSampler(9), batch=2)
    for state, words in (
        ({"seed": 1, "length": 9, "epoch": 0, "position": 0}, "seed is 1, but this run has 0"),
        ({"seed": 0, "length": 8, "epoch": 0, "position": 0}, "length is 8, but this run has 9"),
        ({"seed": 0, "length": 9, "epoch": 0}, "position None"),
        ({"seed": 0, "length": 9, "epoch": 0, "position": 40}, "position 40"),
    ):
        with pytest.raises(SemsrError, match=words):
            loader.load_state_dict(state)  # type: ignore[arg-type]
