"""The base of every card, and errors a person can act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from semsr.errors import CardError

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$")]
"""Lower-case letters, digits, '-' and '.': an id is also a folder name, a stage name and a part of a module name."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Card(BaseModel):
    """A frozen model that refuses keys it does not know, and numbers that are not finite."""

    # Building a schema takes 10-30 ms a class; `semsr list methods` needs one of them, so each is built when first used.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class Paper(Card):
    """Where a method, metric, data set or table was published."""

    title: str
    venue: str | None = None
    arxiv: str | None = None
    url: str | None = None


C = TypeVar("C", bound=Card)


def parse_card(model: type[C], data: object, source: str) -> C:
    """Check `data` (what a YAML file held) against `model`.

    Args:
        model: the card's class.
        data: a mapping, as read.
        source: the file's name, for errors.

    Raises:
        CardError: one line; the first thing that is wrong, with key, value found and values allowed.
    """
    if not isinstance(data, Mapping):
        raise CardError(
            f"{source}: expected keys and values, found {_short(data)}; see docs/architecture.md for the card's keys"
        )
    try:
        return model.model_validate(data)
    except ValidationError as error:
        # A misspelt key is reported before the key it leaves missing.
        details = sorted(error.errors(), key=lambda detail: detail["type"] != "extra_forbidden")
        more = f" ({len(details) - 1} more after this one)" if len(details) > 1 else ""
        raise CardError(f"{source}: {_explain(model, details[0])}{more}") from None


def _explain(model: type[BaseModel], detail: ErrorDetails) -> str:
    location, kind = detail["loc"], detail["type"]
    key = ".".join(str(part) for part in location) or "(the whole card)"
    if kind == "extra_forbidden":
        allowed = _keys_at(model, location[:-1])
        hint = f"; allowed here: {', '.join(allowed)}" if allowed else ""
        return f"unknown key {key!r} (value {_short(detail['input'])}){hint}"
    if kind == "missing":
        return f"key {key!r} is missing"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{key}: found {_short(detail['input'])}; {message[0].lower()}{message[1:]}"


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that the nested model at `location` knows, as far as the annotations tell."""
    current: Any = model
    for part in location:
        if isinstance(part, int) or not _is_model(current):
            continue
        field = current.model_fields.get(part)
        current = _model_in(field.annotation) if field else None
        if current is None:
            return []
    return list(current.model_fields) if _is_model(current) else []


def _model_in(annotation: Any) -> Any:
    if _is_model(annotation):
        return annotation
    models = [found for part in getattr(annotation, "__args__", ()) if (found := _model_in(part)) is not None]
    return models[0] if len(models) == 1 else None


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
