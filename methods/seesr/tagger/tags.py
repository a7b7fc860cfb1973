"""Lists of tags and of their thresholds, as files that RAM comes with: one entry a line."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from semsr.errors import WeightsError


def read_tags(path: Path, count: int) -> tuple[str, ...]:
    """The tags, in the order of the logits. The last line of the published list does not end in a line break.

    Raises:
        WeightsError: another number of them than `count`, an empty line, or no text.
    """
    tags = tuple(line.strip() for line in _lines(path))
    if len(tags) != count:
        raise WeightsError(f"{path}: a tag list of {len(tags)} lines; the tagger has {count} tags (option tagger.tags)")
    if "" in tags:
        raise WeightsError(f"{path}:{tags.index('') + 1}: an empty tag; fetch the list again")
    return tags


def read_thresholds(path: Path, count: int) -> Tensor:
    """Probabilities that tags must exceed, (count,) float32.

    Raises:
        WeightsError: another number of them than `count`, or a line that is no number from 0 to 1.
    """
    values = []
    for number, line in enumerate(_lines(path), start=1):
        try:
            value = float(line)
        except ValueError:
            value = float("nan")
        if not 0 <= value <= 1:
            raise WeightsError(f"{path}:{number}: threshold: found {line.strip()[:40]!r}; allowed: a number from 0 to 1")
        values.append(value)
    if len(values) != count:
        raise WeightsError(f"{path}: {len(values)} thresholds; the tagger has {count} tags (option tagger.tags)")
    return torch.tensor(values)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise WeightsError(f"{path}: not a list in UTF-8 ({error.reason} at byte {error.start}); fetch it again") from None
