"""Protocols filled in, and their hash."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from semsr.errors import CardError, UnknownIdError
from semsr.evaluation.protocol import resolve
from semsr.project import Project


def test_every_option_is_filled_in(small: Project, add_protocol: Callable[..., str]) -> None:
    add_protocol("p", error="mae", cut=("mae", {"border": 4}))
    first, second = resolve(small, "p").columns
    assert dict(first.options) == {"border": 0}
    assert dict(second.options) == {"border": 4}
    assert first.key != second.key


def test_the_hash_follows_what_is_measured_and_nothing_else(small: Project, add_protocol: Callable[..., str]) -> None:
    def hash_of(**protocol: object) -> str:
        return resolve(small, add_protocol("p", **protocol)).hash

    plain = hash_of(error="mae")
    assert len(plain) == 16
    assert plain == hash_of(title="another title", error="mae")
    assert plain == hash_of(error=("mae", {"border": 0})), "an option written out is the option left at its default"
    assert hash_of(error="mae", edges="edges") == hash_of(edges="edges", error="mae")
    others = [
        hash_of(error=("mae", {"border": 4})),
        hash_of(other="mae"),
        hash_of(error="edges"),
        hash_of(error="mae", b="edges"),
    ]
    assert len({plain, *others}) == 5


def test_the_hash_is_the_documented_one(small: Project, add_protocol: Callable[..., str]) -> None:
    import hashlib

    add_protocol("p", error="mae")
    text = '{"aggregation":"mean-of-images","columns":[["error","mae",{"border":0}]]}'
    assert resolve(small, "p").hash == hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (("mae", {"bordr": 4}), "unknown option 'bordr' (value 4); metric 'mae' allows: border"),
        (("mae", {"border": "4"}), "columns.c.options.border: found '4'; allowed: any int (default 0)"),
        (("mae", {"border": True}), "found True; allowed: any int"),
        (("broken", {"gives": "peace"}), "found 'peace'; allowed: 'nan', 'inf', 'small'"),
        (("edges", {"border": 4}), "metric 'edges' allows: none"),
        ("psnrr", "columns.c.metric: found 'psnrr'; allowed: absent, broken"),
    ],
)
def test_a_wrong_column_is_named(small: Project, add_protocol: Callable[..., str], column: object, message: str) -> None:
    add_protocol("p", c=column)
    with pytest.raises(CardError) as error:
        resolve(small, "p")
    assert str(error.value).startswith("metrics/protocols/p.yaml: columns.c")
    assert message in str(error.value)


def test_an_unknown_protocol_is_named(small: Project) -> None:
    with pytest.raises(UnknownIdError, match="unknown protocol 'p'"):
        resolve(small, "p")
