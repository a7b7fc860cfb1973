"""Puts the page together from facts, contact sheets and the comparison: one HTML file that needs nothing but its folder of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from semsr import __version__
from semsr.reporting import looks, wording
from semsr.reporting.collect import Facts
from semsr.reporting.comparison import Comparison
from semsr.reporting.contact_sheet import Sheet
from semsr.reporting.storage import Size
from semsr.reporting.templating import environment


@dataclass(frozen=True)
class Section:
    """All that the page says of one data set.

    Attributes:
        facts: what there is.
        sheet: its small pictures.
        grey: how many pictures are grey.
    """

    facts: Facts
    sheet: Sheet
    grey: int

    @property
    def downloads(self) -> Size:
        """What the assets take up."""
        return sum((asset.downloaded for asset in self.facts.assets), Size())

    @property
    def unpacked(self) -> Size:
        """What the unpacked archives take up."""
        return sum((asset.unpacked for asset in self.facts.assets), Size())


def render(
    sections: Sequence[Section], comparison: Comparison, others: Sequence[Facts] = (), *, pictures: str, made: str
) -> str:
    """The page as HTML. All text from cards, file names and errors is escaped.

    Args:
        sections: the data sets, in the page's order.
        comparison: training against test pictures.
        others: data sets without a section that those of the page are made from.
        pictures: name of the folder of pictures beside the page.
        made: when, in words.
    """
    templates = environment()
    shown = [section.facts for section in sections]
    everything = {facts.card.id: facts for facts in (*others, *shown)}
    templates.filters.update(
        size=wording.size,
        number=lambda count: f"{count:,}",
        sides=lambda pair: f"{pair[1]} × {pair[0]}",
        src=lambda shown: quote(f"{pictures}/{shown.file}"),
    )
    todo = {facts.card.id: found for facts in shown if (found := wording.to_do(facts, everything)) is not None}
    return templates.get_template("data.html").render(
        sections=sections,
        comparison=comparison,
        todo=todo,
        wording=wording,
        looks=looks,
        made=made,
        version=__version__,
    )
