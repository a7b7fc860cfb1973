"""What is said of files that can't be had, and that nobody is asked twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from semsr.assets.missing import MissingFile, from_plain, missing_file, summary, to_plain
from semsr.assets.sizes import show_size
from semsr.assets.store import Store
from semsr.cards import Asset
from semsr.errors import MissingAssetsError


def asset(name: str = "big", **keys: Any) -> Asset:
    plain: dict[str, Any] = {
        "id": name,
        "file": f"{name}.bin",
        "title": f"The {name} file",
        "licence": "MIT",
        "unpinned": "nobody says",
        "source": "a test",
        "manual": "Set SEMSR_TEST_FILES to a folder\n with it.",
        "mirrors": [{"kind": "file", "path": f"$SEMSR_TEST_FILES/{name}.bin"}],
    }
    return Asset.model_validate(plain | keys)


def test_a_line_has_everything_a_person_needs() -> None:
    line = missing_file(asset(about=4_500_000_000), "(1) file: no such file").line()
    for text in (
        "big: The big file",
        "big.bin",
        "about 4.5 GB",
        "licence MIT",
        "no such file",
        "Set SEMSR_TEST_FILES to a folder with it.",
    ):
        assert text in line
    assert "\n" not in line
    untried = missing_file(asset(), "").line()
    assert "size not known" in untried and "file $SEMSR_TEST_FILES/big.bin (not asked for)" in untried


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([{"size": 1000}], "asset a (1.0 kB)"),
        ([{"size": 1000}, {"size": 2000}], "asset a (1.0 kB) and 1 more file, 3.0 kB together"),
        ([{"size": 1000}, {"about": 2000}, {"size": 1}], "asset a (1.0 kB) and 2 more files, about 3.0 kB together"),
        ([{"about": 1000}, {}], "asset a (about 1.0 kB) and 1 more file, more than 1.0 kB together"),
        ([{}, {}], "asset a (size not known) and 1 more file"),
    ],
)
def test_summary(sizes: list[dict[str, int]], expected: str) -> None:
    files = [missing_file(asset(name, **keys), "") for name, keys in zip("abc", sizes, strict=False)]
    assert summary(files) == expected


def test_there_and_back_through_json() -> None:
    files = (missing_file(asset("a", size=3), "gone"), missing_file(asset("b"), ""))
    assert from_plain(json.loads(json.dumps(to_plain(files)))) == files
    assert all(isinstance(file, MissingFile) for file in files)
    assert from_plain(None) == from_plain([{"id": "a"}, "b"]) == ()


def test_a_size_is_known_or_guessed_not_both() -> None:
    with pytest.raises(ValidationError, match="'about' is for a file whose 'size' is not known"):
        asset(size=1, about=1)
    assert show_size(None, None) == "not known"
    assert show_size(2000, None) == "2.0 kB"


def test_what_failed_is_asked_for_once(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from semsr.assets import store as module

    asked = []
    bring = module.bring
    monkeypatch.setattr(module, "bring", lambda mirror, order: (asked.append(order.asset.id), bring(mirror, order))[1])
    store = Store(tmp_path, ask_once=True)
    with pytest.raises(MissingAssetsError) as first:
        store.get(asset())
    assert first.value.reasons == {"big": "(1) file $SEMSR_TEST_FILES/big.bin: the environment variable in its path is not set"}
    with pytest.raises(MissingAssetsError) as second:
        store.get(asset())
    assert str(second.value) == str(first.value)
    with pytest.raises(MissingAssetsError):
        store.get(asset("other"))
    assert asked == ["big", "other"]
    # Another store, and what lies there by now, are looked at again.
    with pytest.raises(MissingAssetsError):
        Store(tmp_path, ask_once=True).get(asset())
    assert asked == ["big", "other", "big"]
    store.path(asset()).parent.mkdir(parents=True, exist_ok=True)
    store.path(asset()).write_bytes(b"by hand")
    assert store.get(asset()).read_bytes() == b"by hand"


def test_a_busy_server_is_waited_for_once_not_for_each_file(server: Any, store: Store, make_asset: Any) -> None:
    for name in ("one", "two"):
        server.troubles[f"/{name}.bin"] = [(503, {})] * 20
    cards = [
        make_asset(b"data", {"kind": "https", "url": f"{server.url}/{name}.bin"}).model_copy(update={"id": name})
        for name in ("one", "two")
    ]
    with pytest.raises(MissingAssetsError, match="HTTP 503"):
        store.get(cards[0])
    asked = len(server.gets())
    assert asked > 1, "a busy server is given time"
    with pytest.raises(MissingAssetsError, match="HTTP 503"):
        store.get(cards[1])
    assert len(server.gets()) == asked, "but its other files are not waited for, too"
