"""Profiles: what is run. `params.yaml` is a link to the profile in force, and dvc.yaml is templated over it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from semsr.cards.base import Card, Id


class Track(Card):
    """A group of cells: every method on every data set, scored by every protocol.

    `methods` restore with weights that exist; `trained` are trained in this profile first.
    """

    datasets: tuple[Id, ...] = ()
    methods: tuple[Id, ...] = ()
    trained: tuple[Id, ...] = ()
    protocols: tuple[Id, ...] = ()

    @property
    def entrants(self) -> tuple[str, ...]:
        """All methods of the track."""
        return tuple(dict.fromkeys((*self.methods, *self.trained)))


class Tracks(Card):
    """The two ways super-resolution is tested: bicubic LR (SeD Table 1) and real-world LR (SeeSR Table 2)."""

    classical: Track = Track()
    real: Track = Track()


class Training(Card):
    """What the profile trains: `methods` on the data sets of their recipes, which `datasets` lists, once for each of `seeds`.

    A variant whose recipe says `once` is trained with the first seed alone.
    """

    methods: tuple[Id, ...] = ()
    datasets: tuple[Id, ...] = ()
    seeds: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (1,)


class ProfileCard(Card):
    """One way to run the benchmark."""

    id: Id
    title: str
    device: Literal["cpu", "cuda", "auto"] = "auto"
    threads: Annotated[int, Field(ge=1)] | None = None
    tracks: Tracks
    training: Training = Training()
    variants: dict[Id, tuple[Id, ...]] = Field(default_factory=dict)
    tables: tuple[Id, ...] = ()
    notes: str = ""
