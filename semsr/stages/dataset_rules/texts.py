"""Rules of what a card tells a reader: README, licence, paper, what was checked."""

from __future__ import annotations

import re

from semsr.stages.dataset_rules.subject import Subject, Verdict, says_nothing

SECTIONS = ("Paper", "Official source", "Your own copy", "Licence", "Compare with")


def readme(it: Subject) -> Verdict:
    """The README beside the card has the sections that those of the other data sets have."""
    path = it.folder / "README.md"
    if not path.is_file():
        return ["write README.md beside the card: " + ", ".join(SECTIONS) + ", Checklist"], None
    text = path.read_text(encoding="utf-8", errors="replace")
    sections = SECTIONS if not it.of_photographs else ("Licence", "Compare with")
    wanted = {f"**{name}": name for name in sections} | {"\nChecklist:": "Checklist"}
    problems = [f"no {name!r} in README.md" for mark, name in wanted.items() if mark not in text]
    if not text.startswith("# "):
        problems.append("README.md must begin with a heading, '# ...'")
    return problems, f"{len(wanted)} sections"


def licence(it: Subject) -> Verdict:
    """Card and assets say what is stated, even where that is 'not stated'."""
    said = {"the card": it.card.licence} | {f"asset {asset.id!r}": asset.licence for asset in it.declared}
    problems = [
        f"{who}: licence {text!r} says nothing; write what is stated, or 'not stated' and by whom"
        for who, text in said.items()
        if says_nothing(text)
    ]
    return problems, it.card.licence


def paper(it: Subject) -> Verdict:
    """There is a paper that can be found, or a reason."""
    paper = it.card.paper
    if paper is None:
        if it.of_photographs or it.card.checked.get("paper", "").strip():
            return [], None
        return ["no 'paper': add it, or the reason why there is none as 'paper' under 'checked'"], None
    problems = []
    if not paper.title.strip():
        problems.append("the paper has no title")
    if not (paper.venue or paper.arxiv or paper.url):
        problems.append("the paper needs 'venue', 'arxiv' or 'url', one at least")
    if paper.arxiv is not None and not re.fullmatch(r"\d{4}\.\d{4,5}", paper.arxiv):
        problems.append(f"arxiv {paper.arxiv!r} is no number like 2311.16518")
    return problems, ", ".join(filter(None, [paper.venue, paper.arxiv and f"arXiv {paper.arxiv}"])) or paper.url


def checked(it: Subject) -> Verdict:
    """The card says what was verified and what was not."""
    said = {key: text for key, text in it.card.checked.items() if text.strip()}
    if len(said) < len(it.card.checked) or not said:
        return ["say under 'checked' what was verified and what was not"], None
    return [], ", ".join(said)
