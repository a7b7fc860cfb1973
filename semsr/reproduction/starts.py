"""What the seeds of a row have in common: weights that all of them start from."""

from __future__ import annotations

from collections.abc import Iterable

from semsr.cards import ProfileCard
from semsr.planning import seeds_of
from semsr.project import Project
from semsr.reproduction.table import Block


def shared_starts(project: Project, profile: ProfileCard, blocks: Iterable[Block]) -> tuple[str, ...]:
    """A note for each start that all seeds of some rows share, so that nobody takes their spread for that of whole trainings.

    Args:
        project: where the recipes are.
        profile: says with which seeds a start is trained.
        blocks: of the table; rows with a mean over several seeds count.
    """
    rows = {
        (row.method, row.variant): row.label
        for block in blocks
        for row in block.rows
        if row.method is not None and any(cell.result.spread is not None for cell in row.cells)
    }
    labels: dict[str, list[str]] = {}
    for (method, variant), label in rows.items():
        if project.method(method).variants[variant].training is None:
            continue  # drawn several times with weights that exist
        if (start := project.recipe(method, variant).start) is None:
            continue
        if start.variant is None:
            labels.setdefault(" or ".join(start.weights), []).append(label)
        elif len(seeds_of(project, profile, method, start.variant)) == 1:
            labels.setdefault(project.method(method).variants[start.variant].label, []).append(label)
    return tuple(
        f"All seeds of {', '.join(found)} start from the same weights ({start}): their spread is that of this training, not of the start."
        for start, found in labels.items()
    )
