"""What looking into discriminators found, as the page needs it; no torch here."""

from __future__ import annotations

from dataclasses import dataclass, field

from semsr.reporting.contact_sheet import Shown
from semsr.reporting.training.separation import Separation

UNTRAINED = "untrained"


@dataclass(frozen=True)
class Panel:
    """t-SNE of one discriminator, as inline SVG."""

    label: str
    who: str
    svg: str


@dataclass(frozen=True)
class Row:
    """How far one kind of features falls into classes.

    Attributes:
        label: whose features.
        who: "seed 1", "untrained", or nothing for features that no discriminator has.
        layer: where they were taken, in words.
        width: how many features.
        found: the numbers.
    """

    label: str
    who: str
    layer: str
    width: int
    found: Separation


@dataclass
class Classes:
    """Features by class.

    Attributes:
        rows, panels: numbers and pictures.
        controls: numbers of what the discriminators are given: colours, and the semantic extractors' features.
        problems: what could not be looked at and why, a line each.
    """

    rows: list[Row] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    controls: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def spread(self) -> list[tuple[str, list[Separation]]]:
        """(label, numbers of each seed) of each variant with more than one trained seed."""
        found = []
        for label in dict.fromkeys(row.label for row in self.rows):
            mine = [row.found for row in self.rows if row.label == label and row.who != UNTRAINED]
            if len(mine) > 1:
                found.append((label, mine))
        return found


@dataclass
class Looks:
    """What the semantic tokens of one variant's discriminators attend to.

    Attributes:
        label: the variant's.
        numbers: of every block and discriminator.
        maps: of the first seed.
        even: blocks whose maps would show nothing and are not drawn.
        problems: what could not be looked at and why, a line each.
    """

    label: str
    numbers: list[BlockNumbers] = field(default_factory=list)
    maps: list[BlockMaps] = field(default_factory=list)
    even: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class BlockNumbers:
    """One cross-attention of one discriminator, over all patches.

    Attributes:
        who: "seed 1", or "untrained".
        block: its name.
        tokens, pixels: how many there are of each, for one patch.
        entropy_hr, entropy_sr: mean over tokens and patches, as a share of the largest; 1: every pixel alike.
        apart: mean total variation between the maps of two tokens of one HR patch, 0 to 1; 0: all tokens look at the same pixels.
        moved: mean total variation between a token's maps on HR and on SR, 0 to 1.
        error: largest difference from the module's own output, as a share of the largest output.
    """

    who: str
    block: str
    tokens: int
    pixels: int
    entropy_hr: float
    entropy_sr: float
    apart: float
    moved: float
    error: float


@dataclass(frozen=True)
class BlockMaps:
    """The heat maps of one block for one patch.

    Attributes:
        block: its name.
        picture: the photograph's name.
        shown: one picture; columns are tokens, rows are the token's place, its map on HR, its map on SR.
        tokens: (row, column) of each column's token on the semantic grid.
        entropies: (HR, SR) of each.
        chosen: how many of the first columns stand on a grid; the rest are those whose entropies differ most.
        peak: the weight that has full colour, times the number of pixels: 1 is what every pixel has when all are alike.
    """

    block: str
    picture: str
    shown: Shown
    tokens: tuple[tuple[int, int], ...]
    entropies: tuple[tuple[float, float], ...]
    chosen: int
    peak: float
