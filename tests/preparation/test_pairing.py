"""Pairing by name, in whatever layout, and errors that name the file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from semsr.cards.dataset import Layout
from semsr.errors import PairingError
from semsr.preparation.pairing import find_pairs, gaps

BENCHMARK = Layout(hr="HR/{name}.png", lr="LR_bicubic/X4/{name}x4.png")
PLAIN = Layout(hr="hr/{name}.png", lr="lr/{name}.png")
DEEP = Layout(hr="**/Set5/**/{name}_HR.png", lr="**/Set5/**/{name}_LR.png")


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_pairs_by_name_where_sorted_order_would_mispair(tmp_path: Path) -> None:
    """'a.png' sorts before 'a_b.png', but 'a_bx4.png' before 'ax4.png'."""
    touch(tmp_path, "HR/a.png", "HR/a_b.png", "LR_bicubic/X4/ax4.png", "LR_bicubic/X4/a_bx4.png")
    assert sorted(p.name for p in tmp_path.glob("HR/*")) == ["a.png", "a_b.png"]
    assert sorted(p.name for p in tmp_path.glob("LR_bicubic/X4/*")) == ["a_bx4.png", "ax4.png"]
    pairs = find_pairs([tmp_path], [PLAIN, BENCHMARK], dataset="x")
    assert [(p.name, p.hr.name, p.lr.name) for p in pairs if p.hr and p.lr] == [
        ("a", "a.png", "ax4.png"),
        ("a_b", "a_b.png", "a_bx4.png"),
    ]


def test_layouts_below_other_folders(tmp_path: Path) -> None:
    touch(tmp_path, "Repo-123/data/Set5/image_SRF_4/a_HR.png", "Repo-123/data/Set5/image_SRF_4/a_LR.png")
    touch(tmp_path, "Repo-123/data/Set14/image_SRF_4/a_HR.png", "Repo-123/data/Set14/image_SRF_4/a_LR.png")
    (pair,) = find_pairs([tmp_path], [DEEP], dataset="x")
    assert pair.name == "a"
    assert pair.hr is not None
    assert "Set5" in pair.hr.parts


def test_pictures_in_two_archives(tmp_path: Path) -> None:
    touch(tmp_path / "one", "hr/a.png")
    touch(tmp_path / "two", "lr/a.png")
    (pair,) = find_pairs([tmp_path / "one", tmp_path / "two"], [PLAIN], dataset="x")
    assert (pair.hr, pair.lr) == (tmp_path / "one/hr/a.png", tmp_path / "two/lr/a.png")


def test_hidden_files_do_not_count(tmp_path: Path) -> None:
    touch(tmp_path, "hr/a.png", "lr/a.png", "hr/._a.png", "__MACOSX/hr/b.png", ".cache/hr/c.png")
    everywhere = Layout(hr="**/hr/{name}.png", lr="**/lr/{name}.png")
    assert [pair.name for pair in find_pairs([tmp_path], [everywhere], dataset="x")] == ["a"]


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        (
            "hr/b.png",
            r"realsr: 2 of 3 LR pictures have an HR partner; b\.png has none in .* \(expected hr/b\.png\).*--from DIR",
        ),
        ("lr/b.png", r"realsr: 2 of 3 HR pictures have an LR partner; b\.png has none in .* \(expected lr/b\.png\)"),
    ],
)
@pytest.mark.parametrize("makes_lr", [False, True])
def test_a_missing_partner_is_named(tmp_path: Path, gone: str, message: str, makes_lr: bool) -> None:
    touch(tmp_path, *(f"{side}/{name}.png" for side in ("hr", "lr") for name in "abc"))
    (tmp_path / gone).unlink()
    with pytest.raises(PairingError, match=message):
        find_pairs([tmp_path], [PLAIN], dataset="realsr", makes_lr=makes_lr)


def test_hr_alone_only_where_lr_can_be_made(tmp_path: Path) -> None:
    touch(tmp_path, "hr/a.png")
    (pair,) = find_pairs([tmp_path], [PLAIN], dataset="x", makes_lr=True)
    assert pair.lr is None
    with pytest.raises(PairingError, match=r"0 of 1 HR pictures have an LR partner; a\.png"):
        find_pairs([tmp_path], [PLAIN], dataset="x")


def test_long_lists_are_cut(tmp_path: Path) -> None:
    touch(tmp_path, *(f"hr/{number}.png" for number in range(9)), "lr/0.png")
    with pytest.raises(PairingError, match=r"1\.png, 2\.png, 3\.png, 4\.png, 5\.png and 3 more have none"):
        find_pairs([tmp_path], [PLAIN], dataset="x")


def test_two_copies_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "one/hr/a.png", "one/lr/a.png", "two/hr/a.png")
    with pytest.raises(PairingError, match="two pictures are called 'a'"):
        find_pairs([tmp_path], [Layout(hr="**/hr/{name}.png", lr="**/lr/{name}.png")], dataset="x")


def test_an_empty_folder_and_none_at_all(tmp_path: Path) -> None:
    with pytest.raises(
        PairingError, match=r"no pictures in .* in any known layout \(tried: hr/\{name\}\.png \+ lr/\{name\}\.png"
    ):
        find_pairs([tmp_path], [PLAIN, BENCHMARK], dataset="x")
    with pytest.raises(PairingError, match="no such folder"):
        find_pairs([tmp_path / "nowhere"], [PLAIN], dataset="x")


def test_a_dot_in_a_pattern_is_only_a_dot(tmp_path: Path) -> None:
    touch(tmp_path, "hr/a_png", "lr/a.png")
    with pytest.raises(PairingError, match="HR partner"):
        find_pairs([tmp_path], [PLAIN], dataset="x")


def test_gaps_in_numbering() -> None:
    assert gaps(["Canon_001", "Canon_003", "Nikon_001", "Nikon_002", "baby"]) == ["Canon_002"]
    assert gaps(["img_002", "img_003"]) == ["img_001"]
    assert gaps(["0801", "0802", "0804"]) == ["0803"]
    assert gaps(["baby", "bird"]) == []


def test_dates_are_not_numbers_of_a_set() -> None:
    assert gaps(["20240101123456", "20240101123457", "20250101000000"]) == []


def test_linked_folders_and_capital_suffixes_count(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere", "b.png")
    touch(tmp_path / "copy", "sky/a.png", "sky/c.PNG")
    (tmp_path / "copy/water").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "copy/sky/up").symlink_to(tmp_path / "copy")
    pairs = find_pairs([tmp_path / "copy"], [Layout(hr="*/{name}.png")], dataset="x")
    assert [pair.name for pair in pairs] == ["a", "b", "c"]


def test_a_name_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    os.close(os.open(os.fsencode(tmp_path) + b"/b\xffby.png", os.O_CREAT))
    with pytest.raises(PairingError, match="is not UTF-8 and can't be recorded; rename it"):
        find_pairs([tmp_path], [Layout(hr="{name}.png")], dataset="x")


def test_both_sides_of_a_renamed_picture_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "hr/a.png", "hr/holiday.png", "lr/a.png", "lr/b.png")
    with pytest.raises(PairingError, match=r"b\.png has none .*; 1 of 2 HR pictures have an LR partner; holiday\.png has none"):
        find_pairs([tmp_path], [PLAIN], dataset="x")
