r"""The pieces of LaTeX that every table is made of: text taken literally, a file that compiles as it stands, floats."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from semsr.reproduction.table import Place

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "`": r"\textasciigrave{}",
    "–": "--",
    "—": "---",
    "−": "$-$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "→": r"$\rightarrow$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "↔": r"$\leftrightarrow$",
    "✓": r"$\surd$",
    "✗": r"$\times$",
    "∞": r"$\infty$",
    "°": r"$^{\circ}$",
    "²": r"$^{2}$",
    "³": r"$^{3}$",
    "µ": r"$\mu$",
    "μ": r"$\mu$",
    "σ": r"$\sigma$",
    "τ": r"$\tau$",
    "λ": r"$\lambda$",
    "Δ": r"$\Delta$",
    "…": r"\ldots{}",
    "“": "``",
    "”": "''",
    "‘": "`",
    "’": "'",
    "\u00a0": "~",
}
_PREAMBLE = r"""% {title}
% {subtitle}
% Compile it as it stands, or \input it into a document that loads booktabs and graphicx.
\expandafter\ifx\csname @nodocument\endcsname\relax
  \def\semsrbegin{{}}\def\semsrend{{}}
\else
  \def\semsrbegin{{\documentclass[10pt]{{article}}\usepackage[T1]{{fontenc}}%
    \usepackage[a4paper,landscape,margin=12mm]{{geometry}}\usepackage{{booktabs}}\usepackage{{graphicx}}%
    \pagestyle{{empty}}\begin{{document}}}}
  \def\semsrend{{\end{{document}}}}
\fi
\semsrbegin
"""


def escape(text: str) -> str:
    """Plain text that LaTeX takes literally (`literal`), `commands` in typewriter."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a lone backtick quotes nothing
        return literal(text)
    return "".join(rf"\texttt{{{literal(part)}}}" if at % 2 else literal(part) for at, part in enumerate(parts))


def preamble(title: str, subtitle: str) -> str:
    """What a file begins with so that it compiles as it stands and may be read into a document; it ends with `\\semsrend`."""
    return _PREAMBLE.format(title=plain(title), subtitle=plain(subtitle))


def wide_float(label: str, caption: str, body: Sequence[str], notes: Sequence[str]) -> str:
    """A float over the whole width.

    Args:
        label: without its `tab:`.
        caption: plain text.
        body: grids, in LaTeX.
        notes: what stands below them in small type, in LaTeX.
    """
    below = [r"\begin{minipage}{\textwidth}\scriptsize\raggedright", *(f"{note}\\par" for note in notes), r"\end{minipage}"]
    return "\n".join(
        [
            r"\begin{table*}[htbp]",
            r"\centering",
            rf"\caption{{{escape(caption)}}}",
            rf"\label{{tab:{label}}}",
            r"\medskip\footnotesize",
            *body,
            *(below if notes else []),
            r"\end{table*}",
        ]
    )


def fitted(grid: str) -> str:
    """Shrunk where it is wider than the page, never enlarged."""
    fit = r"\ifdim\wd0>\textwidth\resizebox{\textwidth}{!}{\usebox0}\else\usebox0\fi"
    return f"\\sbox0{{%\n{grid}\n}}%\n{fit}\n\\par\\medskip"


def placed(text: str, place: Place) -> str:
    """The best in bold, the second best underlined."""
    return {0: text, 1: rf"\textbf{{{text}}}", 2: rf"\underline{{{text}}}"}[place]


def plain(text: str) -> str:
    """One line, as a comment needs it."""
    return re.sub(r"\s+", " ", text)


def literal(text: str) -> str:
    """Plain text that LaTeX takes literally; a character that the usual fonts lack is named by its code instead of vanishing."""
    return "".join(_LATEX.get(character) or _other(character) for character in text)


def _other(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() else " "
    if ord(character) < 0x180 and unicodedata.category(character).startswith("L"):
        return character  # accented Latin letters, which T1 fonts have
    return rf"\texttt{{U+{ord(character):04X}}}"
