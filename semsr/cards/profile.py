"""Profiles: what is run. `params.yaml` is a link to the profile in force, and dvc.yaml is templated over it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

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
    """The ways super-resolution is tested: bicubic LR (SeD Table 1), real-world LR (SeeSR Table 2), what judges see in it (SeeSR Table 3).

    The protocols of `semantic` are semantic ones.
    """

    classical: Track = Track()
    real: Track = Track()
    semantic: Track = Track()

    @property
    def all(self) -> tuple[Track, ...]:
        """The three."""
        return self.classical, self.real, self.semantic


class Segmenters(Card):
    """Who judges the semantic track: segmenters by id; those of `trained` are trained in this profile first, on `datasets`."""

    judges: tuple[Id, ...] = ()
    trained: tuple[Id, ...] = ()
    datasets: tuple[Id, ...] = ()

    @model_validator(mode="after")
    def _trained_ones_judge(self) -> Segmenters:
        if len(set(self.judges)) != len(self.judges):
            raise ValueError(f"judges: one stands twice in {list(self.judges)}")
        if stray := sorted(set(self.trained) - set(self.judges)):
            raise ValueError(f"trained: {stray[0]!r} is not among the judges")
        return self


class Training(Card):
    """What the profile trains: those variants of `methods` whose recipes train on one of `datasets`, once for each of `seeds`.

    A variant whose recipe says `once` is trained with the first seed alone. `prepare` lists those data sets that no track prepares.
    """

    methods: tuple[Id, ...] = ()
    datasets: tuple[Id, ...] = ()
    prepare: tuple[Id, ...] = ()
    seeds: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (1,)


class Descriptions(Card):
    """Which methods' descriptions of pictures (tags, captions) are measured, on which data sets with HR."""

    methods: tuple[Id, ...] = ()
    datasets: tuple[Id, ...] = ()


class ProfileCard(Card):
    """One way to run the benchmark.

    `variants`: the rows of a method; a method that is not named has all that its card has. `draws`: how often a method whose weights are
    published restores each picture, with seeds 0, 1, ..., where its results are drawn at random; one that is trained here restores once a
    training.
    """

    id: Id
    title: str
    device: Literal["cpu", "cuda", "auto"] = "auto"
    threads: Annotated[int, Field(ge=1)] | None = None
    tracks: Tracks
    training: Training = Training()
    variants: dict[Id, tuple[Id, ...]] = Field(default_factory=dict)
    draws: dict[Id, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    descriptions: Descriptions = Descriptions()
    segmenters: Segmenters = Segmenters()
    tables: tuple[Id, ...] = ()
    notes: str = ""

    @model_validator(mode="after")
    def _each_prepared_once(self) -> ProfileCard:
        tested = {name for track in self.tracks.all for name in track.datasets}
        for name in self.training.datasets:
            if (name in self.training.prepare) == (name in tested):
                where = (
                    "a track and training.prepare have it" if name in tested else "no track has it: add it to training.prepare"
                )
                raise ValueError(f"training.datasets: {name!r} must be prepared by exactly one stage; {where}")
        if stray := sorted(set(self.training.prepare) - set(self.training.datasets)):
            raise ValueError(f"training.prepare: {stray[0]!r} is not in training.datasets")
        if stray := sorted(set(self.descriptions.datasets) - tested):
            raise ValueError(f"descriptions.datasets: {stray[0]!r} is in no track, so nothing prepares it")
        if stray := sorted(set(self.segmenters.datasets) - tested - set(self.training.prepare)):
            raise ValueError(f"segmenters.datasets: {stray[0]!r} is in no track, so nothing prepares it")
        for track in self.tracks.all:
            if untrained := sorted(set(track.trained) - set(self.training.methods)):
                raise ValueError(f"tracks: {untrained[0]!r} is restored as trained here, but training.methods does not have it")
        return self
