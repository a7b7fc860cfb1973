"""Notes of cards as HTML. Cards come from anybody: their Markdown may neither bring HTML of its own nor reach into the net."""

from __future__ import annotations

from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markupsafe import Markup, escape

SCHEMES = ("http", "https")


def safe_link(address: str) -> str:
    """The address if a reader may follow it (http or https with a host); else empty."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return ""
    return address.strip() if parts.scheme.lower() in SCHEMES and parts.netloc else ""


def markdown(text: str) -> Markup:
    """Markdown as HTML, without raw HTML, pictures, or links that are not http(s); what is left out stands there as text."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    parser.validateLink = lambda url: bool(safe_link(url))  # type: ignore[method-assign]
    tokens = parser.parse(text)
    for token in tokens:
        if token.tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            token.tag = "h3"  # below the heading "Notes" of the page
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("rel", "noopener noreferrer")
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def linked(address: str, text: str | None = None) -> Markup:
    """A link to an address that may be followed; its text alone where it may not."""
    if not (safe := safe_link(address)):
        return escape(text or address)
    return Markup('<a href="{}" rel="noopener noreferrer">{}</a>').format(safe, text or address)


def coded(text: str) -> Markup:
    """Text in which what stands between backticks is code, as in the sentences around tables."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a backtick without its partner is a backtick
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts))
