import json
import re

import pytest

from semsr.leaderboard.data import data_script, plain, script_json

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--",
    "]]>",
    "a\u2028b\u2029c",
    "'\"\\",
    "&lt;",
    "\x00\x1f",
    "é—∞",
    "semsr.add(",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_comes_back_as_it_was_and_means_nothing_to_html(text: str) -> None:
    written = script_json({"key": [text]})
    assert json.loads(written) == {"key": [text]}
    assert not re.search("[<>&\u2028\u2029\n]", written)


def test_a_script_is_one_call() -> None:
    written = data_script("a</script>", [1.5])
    assert written == 'semsr.add("a\\u003c/script\\u003e",[1.5]);\n'


def test_numbers_that_json_lacks() -> None:
    found = plain({"a": float("nan"), "b": [float("inf"), -float("inf")], 3: (1, True, None)})
    assert found == {"a": None, "b": ["Infinity", "-Infinity"], "3": [1, True, None]}


def test_what_is_no_data_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        plain({"a": object()})
