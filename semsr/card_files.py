"""Card files as they lie in folders: read, checked, and called by the name of their folder or file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from semsr.cards import Asset, AssetFile, Card, MetricCard, Recipe, parse_card
from semsr.cards.inheritance import inherit
from semsr.errors import CardError

C = TypeVar("C", bound=Card)
Show = Callable[[Path], str]
"""What errors call a file or folder: `semsr.project.Project.show`."""
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """Read one YAML file. Raises: CardError where it is missing, unreadable or not YAML."""
    try:
        return yaml.load(path.read_bytes(), Loader=_Loader)
    except FileNotFoundError:
        raise CardError(f"{path}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CardError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None


def read_card(path: Path, model: type[C], show: Show) -> C:
    """Read and check one card file. Raises: CardError."""
    return parse_card(model, read_yaml(path), show(path))


def folder_cards(
    folders: Mapping[str, Path],
    file: str,
    model: type[C],
    show: Show,
    models: Mapping[str, type[Card]] | None = None,
) -> dict[str, Any]:
    """The card of each folder, by the folder's name, which must be the card's id.

    Args:
        folders: by name.
        file: the card's name in its folder: `method.yaml`.
        model: of the cards.
        show: what errors call a file.
        models: those of cards whose `kind` says that they are no ordinary ones.

    Raises:
        CardError: a card is missing, does not fit its model, or has another id.
    """
    cards: dict[str, Any] = {}
    for name, folder in folders.items():
        path = folder / file
        data = read_yaml(path)
        of_kind = data.get("kind") if isinstance(data, dict) else None
        card: Card = parse_card((models or {}).get(str(of_kind), model), data, show(path))
        if getattr(card, "id", None) != name:
            raise CardError(
                f"{show(folder)}/{file}: id: found {getattr(card, 'id', None)!r}; must be the folder's name, {name!r}"
            )
        cards[name] = card
    return cards


def file_cards(
    paths: Iterable[Path], model: type[C], show: Show, models: Mapping[str, type[Card]] | None = None
) -> dict[str, Any]:
    """The cards of files, by the files' names without suffix, which must be the cards' ids; `models` as there. Raises: CardError."""
    cards: dict[str, Any] = {}
    for path in sorted(paths):
        data = read_yaml(path)
        of_kind = data.get("kind") if isinstance(data, dict) else None
        card: Card = parse_card((models or {}).get(str(of_kind), model), data, show(path))
        if getattr(card, "id", None) != path.stem:
            raise CardError(f"{show(path)}: id: found {getattr(card, 'id', None)!r}; must be the file's name, {path.stem!r}")
        cards[path.stem] = card
    return cards


def metric_cards(families: Mapping[str, Path], show: Show) -> dict[str, tuple[MetricCard, str]]:
    """Every metric's card with its family, by id; `families` are folders by name. Raises: CardError: one stands in two, too."""
    found: dict[str, tuple[MetricCard, str]] = {}
    for family, folder in families.items():
        for path in sorted(folder.glob("*.yaml")):
            if path.name == "assets.yaml":
                continue
            card = read_card(path, MetricCard, show)
            if card.id != path.stem:
                raise CardError(f"{show(path)}: id: found {card.id!r}; must be the file's name, {path.stem!r}")
            if card.id in found:
                raise CardError(f"{show(path)}: metric {card.id!r} stands in metrics/{found[card.id][1]} too; rename one")
            found[card.id] = card, family
    return found


def declared_assets(folders: Iterable[Path], show: Show) -> dict[str, Asset]:
    """Every asset by id, of the folders that have an `assets.yaml`. Raises: CardError: one is declared twice, too."""
    found: dict[str, Asset] = {}
    for folder in folders:
        path = folder / "assets.yaml"
        if not path.exists():
            continue
        for asset in read_card(path, AssetFile, show).assets:
            if asset.id in found:
                raise CardError(f"{show(path)}: asset {asset.id!r} is declared twice; refer to the other by its id")
            found[asset.id] = asset
    return found


def read_recipes(path: Path, show: Show) -> dict[str, Recipe]:
    """The recipes of a `recipes.yaml` by name; none where there is no such file. Raises: CardError."""
    if not path.exists():
        return {}
    where = show(path)
    entries = read_yaml(path)
    if not isinstance(entries, dict):
        raise CardError(f"{where}: expected recipes by name, found {type(entries).__name__}")
    # Names that begin with an underscore are only there to be extended.
    whole = {name: entry for name, entry in inherit(entries, where).items() if name[0] != "_"}
    return {name: parse_card(Recipe, entry, f"{where}: {name}") for name, entry in whole.items()}
