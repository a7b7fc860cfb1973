"""Papers as cards name them, in a line and as BibTeX. Nothing is added: a card that names no authors gives an entry without authors."""

from __future__ import annotations

import re
from collections.abc import Mapping

from semsr.cards.base import Paper
from semsr.reproduction import latex

_YEAR = re.compile(r"\b(19|20)\d\d\b")


def link_of(paper: Paper) -> str:
    """Where the paper is; empty where the card does not say."""
    return paper.url or (f"https://arxiv.org/abs/{paper.arxiv}" if paper.arxiv else "")


def line_of(paper: Paper | None) -> str:
    """Title and venue; empty without a paper."""
    if paper is None:
        return ""
    return f"{paper.title}, {paper.venue}" if paper.venue else paper.title


def bibtex_of(key: str, paper: Paper) -> str:
    """An entry of a paper.

    Args:
        key: of the entry: a card's id.
        paper: as the card has it.
    """
    fields = {"title": f"{{{_tex(paper.title)}}}"}
    if paper.venue:
        fields["howpublished"] = _tex(paper.venue)
        if year := _YEAR.search(paper.venue):
            fields["year"] = year[0]
    if paper.arxiv:
        fields |= {"eprint": _tex(paper.arxiv), "archiveprefix": "arXiv"}
    if link := link_of(paper):
        fields["url"] = _url(link)
    lines = "".join(f"  {name} = {{{text}}},\n" for name, text in fields.items())
    return f"@misc{{{re.sub(r'[^A-Za-z0-9:.-]', '-', key)},\n{lines}}}\n"


def bibliography(papers: Mapping[str, Paper]) -> str:
    """One entry a paper, in order; a paper that several cards name stands there once."""
    once: dict[tuple[str, str | None], str] = {}
    for key, paper in papers.items():
        once.setdefault((paper.title.casefold(), paper.arxiv), bibtex_of(key, paper))
    return "\n".join(once.values())


def _tex(text: str) -> str:
    """In LaTeX, with braces by their names: BibTeX counts them, whether a backslash stands before them or not."""
    found = latex.literal(" ".join(text.split()))
    return found.replace(r"\{", r"\textbraceleft{}").replace(r"\}", r"\textbraceright{}")


def _url(address: str) -> str:
    """An address in braces, whatever it holds."""
    return re.sub(r"[{}\\\s]", lambda sign: f"%{ord(sign[0]):02X}", address)
