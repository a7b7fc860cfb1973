import re
from html.parser import HTMLParser

import pytest

from semsr.leaderboard.pages_notes import coded, linked, markdown, safe_link

HOSTILE = (
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD4=)",
    "[click](file:///etc/passwd)",
    "[click](//evil.example/x)",
    "![picture](https://evil.example/pixel.png)",
    "<https://ok.example> <javascript:alert(1)>",
    '[a](https://ok.example "onmouseover=alert(1)")',
    "[a]: javascript:alert(1)\n\n[a]",
    "<svg/onload=alert(1)>",
    '<a href="https://x.example" onclick="alert(1)">x</a>',
)


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    seen = Seen()
    seen.feed(html)
    return seen.tags


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_notes_do_nothing(text: str) -> None:
    for tag, attributes in tags(str(markdown(text))):
        assert tag in ("p", "a")
        assert set(attributes) <= {"href", "rel", "title"}
        if tag == "a":
            assert attributes["href"].startswith("https://") and attributes["rel"] == "noopener noreferrer"


def test_a_script_is_seen_as_text() -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in markdown("<script>alert(1)</script>")


def test_markdown_that_is_meant() -> None:
    html = str(
        markdown("# Traps\n\n**bold**, `code` and [a paper](https://arxiv.org/abs/1)\n\n- one\n- two\n\n| a |\n|---|\n| b |")
    )
    found = [tag for tag, _ in tags(html)]
    assert found[:2] == ["h3", "p"] and {"strong", "code", "a", "ul", "li", "table"} <= set(found)
    assert html.count("</h3>") == 1


@pytest.mark.parametrize(
    "address, allowed",
    [
        ("https://a.example/b?c=d&e", True),
        ("http://a.example", True),
        (" HTTPS://a.example ", True),
        ("javascript:alert(1)", False),
        ("https:/a", False),
        ("", False),
        ("//a.example", False),
        ("http://[bad", False),
    ],
)
def test_which_links_may_be_followed(address: str, allowed: bool) -> None:
    assert bool(safe_link(address)) is allowed


def test_a_link_that_may_not_be_followed_is_text() -> None:
    assert linked("javascript:alert(1)", "<b>paper</b>") == "&lt;b&gt;paper&lt;/b&gt;"
    assert re.fullmatch(
        r'<a href="https://a.example/\?&#34;" rel="noopener noreferrer">x</a>', linked('https://a.example/?"', "x")
    )


def test_code_between_backticks() -> None:
    assert coded("run `semsr use <x>` & `dvc repro`") == "run <code>semsr use &lt;x&gt;</code> &amp; <code>dvc repro</code>"
    assert coded("5` and <b>") == "5` and &lt;b&gt;"
