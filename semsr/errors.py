"""Errors a user can cause. Each is one line that says what was found, what is allowed and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager


class SemsrError(Exception):
    """A user's mistake or a state of the machine, said in one clear line; the command line prints it and exits with `exit_code`."""

    exit_code = 2


class CardError(SemsrError):
    """A card (YAML file) is wrong: names file, key, value found and values allowed."""


LISTED = frozenset({"method", "dataset", "metric", "protocol", "table", "profile", "segmenter"})
"""Kinds that `semsr list` lists."""

PLANNED = frozenset({"variant", "seed"})
"""Kinds that `semsr plan METHOD` shows; they are called `<method>/<variant>` and `<method>/<variant>@<seed>`."""


class UnknownIdError(SemsrError):
    """Something was asked for by a name that no card has.

    The line ends with the command that shows what there is, for kinds that have one; the names known stand in it anyway.
    """

    def __init__(self, kind: str, found: str, known: Iterable[str]) -> None:
        known = sorted(known)
        near = difflib.get_close_matches(found, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        where = f" See `semsr list {kind}s`." if kind in LISTED else ""
        if kind in PLANNED:
            where = f" See `semsr plan {found.partition('/')[0]}`."
        super().__init__(f"unknown {kind} {found!r}; {hint}known: {', '.join(known) or 'none'}.{where}")


class PictureError(SemsrError):
    """An image file can't be used: truncated, not 8-bit RGB, wrong size."""


class SizeMismatchError(PictureError):
    """Two pictures that must have the same size (or a fixed ratio) do not."""


class PairingError(SemsrError):
    """Files that belong together by name do not match up."""


class AssetError(SemsrError):
    """An asset could not be had, or is not what its card says."""


class MissingAssetsError(AssetError):
    """Files from outside that can't be had here and now; a later attempt may succeed.

    `reasons`: why, by asset id; "" for one that was not asked for, since another of the same set was missing already.
    """

    def __init__(self, message: str, reasons: Mapping[str, str]) -> None:
        super().__init__(message)
        self.reasons = dict(reasons)


class WeightsError(SemsrError):
    """A weights file does not hold what the network expects, or holds more than plain arrays."""


class MethodError(SemsrError):
    """A method broke its contract: wrong size, values that are not finite, a failed external program."""


class MetricUnavailableError(SemsrError):
    """A metric can't be computed here; the text after `not available, because` says why."""


class MetricError(SemsrError):
    """A metric broke its contract: a value that is not a number, or the wrong count of values."""


class SegmenterError(SemsrError):
    """A segmenter can't run here, or broke its contract: another size, an unknown class, values that are not finite."""


class SemanticError(SemsrError):
    """What was found in pictures, or what is annotated of them, is not what it must be: size, category, ids, files."""


class StorageError(SemsrError):
    """A file or folder could not be written: disk full, read-only, no permission."""


_OF_FILES = (AssetError, PictureError, PairingError, StorageError)
"""Errors that are about files, and name them."""


@contextmanager
def located(where: str, *others: str) -> Iterator[None]:
    """Let errors of what is made from a card's entry begin with the card's file and the entry, once.

    A method's own code knows the keys of its options, but not which file and which of its entries they stand in.

    Args:
        where: such as `methods/sed/recipes.yaml: tiny-p`.
        others: errors that begin with one of these say enough, and pass as they are, like those about pictures, assets and the disk.
    """
    try:
        yield
    except SemsrError as error:
        if not isinstance(error, _OF_FILES) and not str(error).startswith((where, *others)):
            # The error itself, so that its kind and what else it carries stay.
            error.args = (f"{where}: {error}",)
        raise
