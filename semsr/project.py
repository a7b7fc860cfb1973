"""The project with its cards and its plugins: folders of the project first, then installed entry points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeVar

from semsr.card_files import declared_assets, file_cards, folder_cards, metric_cards, read_card, read_recipes
from semsr.cards import (
    AnyTable,
    Asset,
    Card,
    DatasetCard,
    DescriptionTableCard,
    MethodCard,
    MetricCard,
    ProfileCard,
    ProtocolCard,
    Recipe,
    SegmenterCard,
    SemanticProtocolCard,
    SemanticTableCard,
    TableCard,
)
from semsr.errors import UnknownIdError
from semsr.places import ROOT_VARIABLE, Places, seeded

__all__ = ["DISCRIMINATOR", "GENERATOR", "ROOT_VARIABLE", "TRAINED", "Kind", "Project", "seeded"]

Kind = Literal["method", "dataset", "metric", "table", "segmenter"]
GENERATOR, DISCRIMINATOR, TRAINED = "generator.safetensors", "discriminator.safetensors", "train.json"
"""What a finished training leaves in its folder (`Project.trained`), besides logs; the record is there only when it is finished."""
C = TypeVar("C", bound=Card)


@dataclass(frozen=True)
class Project(Places):
    """A project's folder, and the cards in it."""

    # What only cards can tell of where things lie.

    def trained(self, profile: str, method: str, variant: str, seed: int) -> Path:
        """What training one variant with one seed left: `generator.safetensors`, `train.json`, logs."""
        dataset = self.recipe(method, variant).data.dataset
        return self.results(profile) / "trained" / method / dataset / seeded(variant, seed)

    def trained_segmenter(self, profile: str, segmenter: str) -> Path:
        """What training a segmenter left: `generator.safetensors`, `train.json`, logs."""
        return self.results(profile) / "segmenters" / self.segmenter_recipe(segmenter).data.dataset / segmenter

    def entry(self, method: str, file: str, name: str) -> str:
        """What errors call an entry of a method's file: `methods/sed/recipes.yaml: tiny-p`."""
        return f"{self.show(self.folders('method')[method] / file)}: {name}"

    # Plugin folders.

    def folders(self, kind: Kind) -> dict[str, Path]:
        """Plugin folders by name: those of the project, then those of installed packages (entry-point group `semsr.<kind>s`)."""
        top = self.root / f"{kind}s"
        found = {path.parent.name: path.parent for path in sorted(top.glob(f"*/{kind}.yaml"))} if kind != "metric" else {}
        if kind == "metric":
            found = {path.name: path for path in sorted(top.iterdir()) if path.is_dir() and path.name[0] not in "._"}
            found.pop("protocols", None)
        for entry in entry_points(group=f"semsr.{kind}s"):
            spec = find_spec(entry.value)
            if spec is not None and spec.submodule_search_locations:
                found.setdefault(entry.name, Path(next(iter(spec.submodule_search_locations))))
        return found

    # Cards.

    def read(self, path: Path, model: type[C]) -> C:
        """Read and check one card file."""
        return read_card(path, model, self.show)

    @cached_property
    def methods(self) -> dict[str, MethodCard]:
        """All method cards by id."""
        return folder_cards(self.folders("method"), "method.yaml", MethodCard, self.show)

    @cached_property
    def datasets(self) -> dict[str, DatasetCard]:
        """All data set cards by id."""
        return folder_cards(self.folders("dataset"), "dataset.yaml", DatasetCard, self.show)

    @cached_property
    def tables(self) -> dict[str, AnyTable]:
        """All table cards by id: of scores, of descriptions, and of what judges see (`kind`)."""
        kinds: dict[str, type[Card]] = {"descriptions": DescriptionTableCard, "semantic": SemanticTableCard}
        return folder_cards(self.folders("table"), "table.yaml", TableCard, self.show, kinds)

    @cached_property
    def segmenters(self) -> dict[str, SegmenterCard]:
        """All segmenter cards by id."""
        return folder_cards(self.folders("segmenter"), "segmenter.yaml", SegmenterCard, self.show)

    @cached_property
    def _protocols(self) -> dict[str, ProtocolCard | SemanticProtocolCard]:
        files = self.root.glob("metrics/protocols/*.yaml")
        return file_cards(files, ProtocolCard, self.show, {"semantic": SemanticProtocolCard})

    @cached_property
    def protocols(self) -> dict[str, ProtocolCard]:
        """The cards of protocols that measure pictures, by id."""
        return {name: card for name, card in self._protocols.items() if isinstance(card, ProtocolCard)}

    @cached_property
    def semantic_protocols(self) -> dict[str, SemanticProtocolCard]:
        """The cards of protocols that measure what segmenters find in pictures, by id."""
        return {name: card for name, card in self._protocols.items() if isinstance(card, SemanticProtocolCard)}

    @cached_property
    def profiles(self) -> dict[str, ProfileCard]:
        """All profile cards by id."""
        return file_cards(self.root.glob("profiles/*.yaml"), ProfileCard, self.show)

    @cached_property
    def _metrics(self) -> dict[str, tuple[MetricCard, str]]:
        return metric_cards(self.folders("metric"), self.show)

    @cached_property
    def metrics(self) -> dict[str, MetricCard]:
        """All metric cards by id."""
        return {name: card for name, (card, _) in self._metrics.items()}

    def metric_family(self, metric: str) -> str:
        """The folder below `metrics/` that a metric's code lives in."""
        return self._metrics[metric][1]

    @cached_property
    def assets(self) -> dict[str, Asset]:
        """Every asset by id, from the `assets.yaml` beside the card that uses it."""
        kinds: tuple[Kind, ...] = ("method", "dataset", "metric", "segmenter")
        return declared_assets((folder for kind in kinds for folder in self.folders(kind).values()), self.show)

    def recipes(self, method: str) -> dict[str, Recipe]:
        """A method's recipes by name; none where it has no `recipes.yaml`. Raises: CardError."""
        return read_recipes(self.folders("method")[method] / "recipes.yaml", self.show)

    # One card by its name.

    def method(self, name: str) -> MethodCard:
        """Raises: UnknownIdError."""
        return _get("method", name, self.methods)

    def dataset(self, name: str) -> DatasetCard:
        """Raises: UnknownIdError."""
        return _get("dataset", name, self.datasets)

    def metric(self, name: str) -> MetricCard:
        """Raises: UnknownIdError."""
        return _get("metric", name, self.metrics)

    def protocol(self, name: str) -> ProtocolCard:
        """Raises: UnknownIdError."""
        return _get("protocol", name, self.protocols)

    def semantic_protocol(self, name: str) -> SemanticProtocolCard:
        """Raises: UnknownIdError."""
        return _get("semantic protocol", name, self.semantic_protocols)

    def segmenter(self, name: str) -> SegmenterCard:
        """Raises: UnknownIdError."""
        return _get("segmenter", name, self.segmenters)

    def segmenter_recipe(self, name: str) -> Recipe:
        """How a segmenter is trained. Raises: UnknownIdError: it is not, or by a recipe that is not there."""
        wanted = self.segmenter(name).training
        recipes = read_recipes(self.folders("segmenter")[name] / "recipes.yaml", self.show)
        if wanted is None or wanted not in recipes:
            raise UnknownIdError("recipe", f"{name}/{wanted}", [f"{name}/{known}" for known in recipes])
        return recipes[wanted]

    def table(self, name: str) -> AnyTable:
        """Raises: UnknownIdError."""
        return _get("table", name, self.tables)

    def profile(self, name: str | None = None) -> ProfileCard:
        """A profile by name; without one, the profile in force (`params.yaml`). Raises: UnknownIdError, CardError."""
        if name is None:
            return self.read(self._in_force, ProfileCard)
        return _get("profile", name, self.profiles)

    def profile_file(self, name: str | None = None) -> str:
        """What errors call the file of a profile; without a name, of the one in force."""
        return self.show(self._in_force) if name is None else f"profiles/{name}.yaml"

    @property
    def _in_force(self) -> Path:
        """What `params.yaml` is a link to, since that is where a mistake can be mended; itself where it is none, or leads nowhere."""
        link = self.root / "params.yaml"
        found, root = link.resolve(), self.root.resolve()
        return self.root / found.relative_to(root) if found.is_file() and found.is_relative_to(root) else link

    def recipe(self, method: str, variant: str) -> Recipe:
        """How a variant is trained. Raises: UnknownIdError: it is not, or by a recipe that is not there."""
        name = self.method(method).variants[variant].training
        recipes = self.recipes(method)
        if name is None or name not in recipes:
            raise UnknownIdError("recipe", f"{method}/{name}", [f"{method}/{known}" for known in recipes])
        return recipes[name]

    def asset(self, name: str) -> Asset:
        """Raises: UnknownIdError."""
        return _get("asset", name, self.assets)


def _get(kind: str, name: str, cards: dict[str, C]) -> C:
    if name not in cards:
        raise UnknownIdError(kind, name, cards)
    return cards[name]
