"""Methods: a card, a runner of one of three kinds, and the variants that become table rows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from semsr.cards.base import Card, Id, Paper

Trust = Literal["L0", "L1", "L2", "L3", "L4"]
"""L0 copied from a paper, L1 measured on supplied outputs, L2 restored with published weights, L3 retrained here, L4 elsewhere."""


Weights = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*(\+[a-z0-9]+([.-][a-z0-9]+)*)*$")]
"""One way to have the weights: an asset's id, or several joined by '+' where a network needs several files (the main one first)."""


class Variant(Card):
    """One row: weights (alternatives, the first that can be had is used) and the options the runner is made with.

    `training` names an entry of the method's `recipes.yaml`: the weights are trained here, and the runner is made with that
    recipe's `generator`. `part`: others are made from it (an autoencoder, a tagger); it restores nothing and is no row.
    """

    label: str
    weights: tuple[Weights, ...] = ()
    training: Id | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    trust: Trust = "L2"
    part: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> Variant:
        if self.training is not None and self.weights:
            raise ValueError("weights are either published ('weights') or trained here ('training'), not both")
        if self.training is not None and self.trust != "L3":
            raise ValueError(f"trust is {self.trust!r}; weights trained here are 'L3'")
        if self.part and self.training is None:
            raise ValueError("a part is trained here: name its recipe in 'training'")
        return self


class Resources(Card):
    """What one run needs, for planning; nothing here changes a result."""

    gpus: Annotated[int, Field(ge=0)] = 0
    memory: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)?[MGT]$")] = "2G"
    minutes_per_100_images: Annotated[float, Field(gt=0)] | None = None


class Command(Card):
    """An external program: reads a folder of LR images, writes a folder of SR images of the same names.

    `run` may use {lr}, {sr}, {scale}, {weights}, {method}, {seed}. `environment` names the Python or program folder put first on PATH.
    """

    run: Annotated[tuple[str, ...], Field(min_length=1)]
    environment: str | None = None
    variables: dict[str, str] = Field(default_factory=dict)
    time_limit_minutes: Annotated[float, Field(gt=0)] = 60.0
    repository: str | None = None
    commit: str | None = None


class Outputs(Card):
    """A folder of images someone else made; `folder` may use {dataset} and {variant}, `~` and environment variables."""

    folder: str
    made_by: str


class MethodCard(Card):
    """A method of super-resolution.

    `descriptions`: ways to put a picture into words, made by `describer`, a `semsr.restoration.describer.Describer` (tags, a caption); they
    are measured by themselves, whatever the rows of the method make of them. `sanity`: its rows (interpolations) are there to check the
    set-up; every table shows them, and none ranks them.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    title: str
    paper: Paper | None = None
    licence: str
    scale: Annotated[int, Field(ge=1)] | None = None
    runner: Literal["python", "command", "outputs"]
    entry: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    parts: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    command: Command | None = None
    outputs: Outputs | None = None
    variants: Annotated[dict[Id, Variant], Field(min_length=1)]
    describer: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    descriptions: dict[Id, Variant] = Field(default_factory=dict)
    resources: Resources = Resources()
    deterministic: bool = True
    sanity: bool = False
    checked: dict[str, str] = Field(default_factory=dict)
    notes: str = ""

    @property
    def rows(self) -> tuple[str, ...]:
        """The variants that restore, in the card's order."""
        return tuple(name for name, variant in self.variants.items() if not variant.part)

    @model_validator(mode="after")
    def _runner_has_its_key(self) -> MethodCard:
        needed = {"python": "entry", "command": "command", "outputs": "outputs"}
        for runner, key in needed.items():
            given = getattr(self, key) is not None
            if given != (runner == self.runner):
                problem = "is missing" if not given else f"belongs to runner {runner!r}"
                raise ValueError(f"runner is {self.runner!r}, but key {key!r} {problem}")
        trained = [name for name, variant in self.variants.items() if variant.training is not None]
        if trained and (self.parts is None or self.runner != "python"):
            raise ValueError(
                f"variants.{trained[0]} is trained here: that needs runner 'python' and the key 'parts' (module:Class)"
            )
        if (self.describer is None) != (not self.descriptions):
            raise ValueError("'describer' and 'descriptions' go together: give both or neither")
        for name, variant in self.variants.items():
            if self.runner == "outputs" and variant.trust not in ("L0", "L1"):
                raise ValueError(f"variants.{name}.trust is {variant.trust!r}; pictures that someone else made are 'L1'")
        return self
