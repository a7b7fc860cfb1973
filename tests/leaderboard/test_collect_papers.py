import itertools
import re

from semsr.cards.base import Paper
from semsr.leaderboard.collect_papers import bibliography, bibtex_of, line_of, link_of

WHOLE = Paper(title="Scenes & {Seas}: 50 % of C_1", venue="CVPR 2024", arxiv="2311.16518")


def test_an_entry_has_what_the_card_has_and_nothing_else() -> None:
    assert bibtex_of("seesr", WHOLE) == (
        "@misc{seesr,\n"
        "  title = {{Scenes \\& \\textbraceleft{}Seas\\textbraceright{}: 50 \\% of C\\_1}},\n"
        "  howpublished = {CVPR 2024},\n"
        "  year = {2024},\n"
        "  eprint = {2311.16518},\n"
        "  archiveprefix = {arXiv},\n"
        "  url = {https://arxiv.org/abs/2311.16518},\n"
        "}\n"
    )
    assert bibtex_of("x", Paper(title="T")) == "@misc{x,\n  title = {{T}},\n}\n"


def test_signs_that_latex_lacks_are_written_as_in_tables() -> None:
    assert "title = {{$\\times$4 -- ``Müller'' \\& \\texttt{U+8D85}}}" in bibtex_of("x", Paper(title="×4 – “Müller” & 超"))


def test_no_field_can_be_closed_from_inside() -> None:
    """BibTeX counts every brace, escaped or not: they must close the entry at its very end."""
    entry = bibtex_of("a}{b", Paper(title="t}\n}@evil{x", venue="v}", url="https://a.example/}{\\x y")).rstrip()
    assert entry.startswith("@misc{a--b,")
    depths = list(itertools.accumulate((sign == "{") - (sign == "}") for sign in entry))
    assert depths.index(0, len("@misc{")) == len(entry) - 1


def test_a_paper_of_several_cards_stands_there_once() -> None:
    found = bibliography({"table": WHOLE, "method": WHOLE, "other": Paper(title="Other")})
    assert re.findall(r"@misc\{(.*),", found) == ["table", "other"]


def test_lines_and_links() -> None:
    assert line_of(WHOLE) == "Scenes & {Seas}: 50 % of C_1, CVPR 2024"
    assert line_of(None) == ""
    assert link_of(Paper(title="T", arxiv="1", url="https://b.example")) == "https://b.example"
    assert link_of(Paper(title="T")) == ""
