"""Profiles: what is run. `params.yaml` is a link to the profile in force, and dvc.yaml is templated over it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from semsr.cards.base import Card, Id


class Track(Card):
    """A group of cells: every method on every data set, scored by every protocol."""

    datasets: tuple[Id, ...] = ()
    methods: tuple[Id, ...] = ()
    protocols: tuple[Id, ...] = ()


class Tracks(Card):
    """The two ways super-resolution is tested: bicubic LR (SeD Table 1) and real-world LR (SeeSR Table 2)."""

    classical: Track = Track()
    real: Track = Track()


class ProfileCard(Card):
    """One way to run the benchmark."""

    id: Id
    title: str
    device: Literal["cpu", "cuda", "auto"] = "auto"
    threads: Annotated[int, Field(ge=1)] | None = None
    tracks: Tracks
    variants: dict[Id, tuple[Id, ...]] = Field(default_factory=dict)
    tables: tuple[Id, ...] = ()
    notes: str = ""
