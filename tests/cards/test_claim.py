"""Claims that name what their table does not have are one line of error."""

from __future__ import annotations

from typing import Any

import pytest

from semsr.cards import TableCard, parse_card
from semsr.errors import CardError

PAIRS = {"id": "c", "kind": "pairs", "text": "t", "source": "s", "column": "psnr", "pairs": [{"row": "A", "against": "B"}]}
BEST = {"id": "b", "kind": "best", "text": "t", "source": "s", "row": "A", "columns": ["psnr"]}


def table(*claims: dict[str, Any]) -> TableCard:
    card = {"id": "t", "title": "T", "track": "classical", "profiles": ["p"], "protocol": "way", "columns": ["psnr"]}
    card |= {
        "datasets": [{"label": "D", "dataset": "d"}, {"label": "E", "dataset": "e"}],
        "rows": [{"label": "A"}, {"label": "B"}],
    }
    return parse_card(TableCard, card | {"claims": list(claims)}, "tables/t/table.yaml")


def test_claims_of_both_kinds_are_read() -> None:
    assert [claim.kind for claim in table(PAIRS, BEST).claims] == ["pairs", "best"]
    assert table(PAIRS | {"datasets": ["E"], "at_least": 1}).claims[0].datasets == ("E",)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ([PAIRS | {"pairs": [{"row": "A", "against": "C"}]}], "claim c: pairs: found 'C'; must be one of the table's: A, B"),
        ([PAIRS | {"column": "ssim"}], "claim c: column: found 'ssim'; must be one of the table's: psnr"),
        ([PAIRS | {"datasets": ["F"]}], "claim c: datasets: found 'F'; must be one of the table's: D, E"),
        ([PAIRS | {"at_least": 3}], "claim c: at_least: found 3; there are 2 cases at most"),
        ([PAIRS | {"pairs": [{"row": "A", "against": "A"}]}], "'A' stands on both sides of a pair"),
        ([BEST | {"row": "C"}], "claim b: row: found 'C'; must be one of the table's: A, B"),
        ([PAIRS, PAIRS], "claims: id 'c' stands twice"),
        ([PAIRS | {"kind": "order"}], "'pairs', 'best'"),
        ([BEST | {"rows": "A"}], "unknown key"),
    ],
)
def test_a_claim_that_does_not_fit_is_refused(claims: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(CardError) as caught:
        table(*claims)
    assert str(caught.value).startswith("tables/t/table.yaml: ") and said in str(caught.value)
    assert "\n" not in str(caught.value)
