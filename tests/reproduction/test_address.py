"""What one number of a table may be called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semsr.errors import SemsrError
from semsr.reproduction.address import Address, Place, ResultId, RowName, find_column, find_row, parse

ROWS = [
    RowName("RRDB+P+SeD (released)", "sed", "rrdb-p-sed"),
    RowName("DAT", "dat", "default"),
    RowName("Ours: the first", "net", "wide"),
    RowName("twice", "net", "one"),
    RowName("Twice", "net", "two"),
    RowName("run@3", "run", "default"),
    RowName("Paper's own", None, "default"),
]
DATASETS = [("lite-photos", "Photos"), ("lite-scenes", "Scenes / made")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("t:DAT:psnr", Address("t", "DAT", False, ("psnr",))),
        (" t : DAT : set5 / psnr ", Address("t", "DAT", False, ("set5", "psnr"))),
        ("t:Ours: the first:psnr", Address("t", "Ours: the first", False, ("psnr",))),
        ('t:"run@3":psnr', Address("t", "run@3", True, ("psnr",))),
        ("3F2A00bbccdd", ResultId("3f2a00bbccdd")),
    ],
)
def test_an_address_is_read(text: str, expected: Address | ResultId) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "t", "t:row", "t::psnr", ":row:psnr", "t:row:", "t:row:a//psnr", "3f2a00bbccd", 't:"":psnr']
)
def test_another_form_is_one_line(text: str) -> None:
    with pytest.raises(SemsrError, match=r"^address: found .*; must be <table>:<row>:<column>, as .* 12 hexadecimal digits$"):
        parse(text)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("rrdb+p+sed (RELEASED)", (0, None)),
        ("sed/rrdb-p-sed", (0, None)),
        ("SED/RRDB-P-SED@2", (0, 2)),
        ("dat", (1, None)),
        ("Ours: the first@1", (2, 1)),
        ("twice", (3, None)),
        ("net/two", (4, None)),
        ("run@3", (5, None)),
        ("run@3@4", (5, 4)),
        ("run@2", (5, 2)),
        ("paper's own", (6, None)),
    ],
)
def test_rows_have_labels_and_ids(row: str, expected: tuple[int, int | None]) -> None:
    assert find_row(Address("t", row, False, ("psnr",)), ROWS, "x") == expected


def test_in_quotes_a_row_is_a_label_only() -> None:
    assert find_row(Address("t", "dat", True, ("psnr",)), ROWS, "x") == (1, None)
    with pytest.raises(SemsrError, match="row: found 'sed/rrdb-p-sed'"):
        find_row(Address("t", "sed/rrdb-p-sed", True, ("psnr",)), ROWS, "x")
    with pytest.raises(SemsrError, match="row: found 'DAT@1'"):
        find_row(Address("t", "DAT@1", True, ("psnr",)), ROWS, "x")


def test_a_wrong_row_says_which_there_are() -> None:
    with pytest.raises(
        SemsrError,
        match=r"^x: row: found 'RRDB\+P\+SeD \(relesed\)'; did you mean 'RRDB\+P\+SeD \(released\)'\? allowed: .*, DAT, dat/default",
    ):
        find_row(Address("t", "RRDB+P+SeD (relesed)", False, ("psnr",)), ROWS, "x")
    with pytest.raises(SemsrError, match="x: row: 'TWICE' names 2 rows; say which by method/variant: net/one, net/two"):
        find_row(Address("t", "TWICE", False, ("psnr",)), ROWS, "x")


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (("lpips",), Place(0, 0, "lpips")),
        (("PHOTOS", "PSNR"), Place(0, 0, "psnr")),
        (("lite-scenes", "psnr"), Place(1, 0, "psnr")),
        (("lite-scenes", "boxes", "map"), Place(1, 1, "map")),
        (("boxes", "map"), Place(1, 1, "map")),
    ],
)
def test_columns_have_a_data_set_and_a_judge(column: tuple[str, ...], expected: Place) -> None:
    names = [[["psnr", "lpips"], []], [["psnr"], ["map"]]]
    assert find_column(Address("t", "r", False, column), DATASETS, names, "x", ("panoptic", "boxes")) == expected


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (("psnr",), "column: 'psnr' stands under several data sets; say which: lite-photos/psnr, lite-scenes/psnr"),
        (("psnrr",), "column: found 'psnrr'; did you mean 'psnr'? allowed: psnr, lpips"),
        (("lite-scenes", "lpips"), "column: found 'lpips'; allowed: psnr"),
        (
            ("lite-foto", "psnr"),
            "column: found 'lite-foto/psnr'; did you mean 'lite-photos/psnr'? allowed: lite-photos/psnr, lite-scenes/psnr",
        ),
    ],
)
def test_a_wrong_column_says_which_there_are(column: tuple[str, ...], said: str) -> None:
    with pytest.raises(SemsrError) as raised:
        find_column(Address("t", "r", False, column), DATASETS, [[["psnr", "lpips"]], [["psnr"]]], "x")
    assert str(raised.value) == f"x: {said}"


@given(st.text(min_size=1).filter(lambda label: label == label.strip() and '"' not in label))
def test_every_label_can_be_addressed(label: str) -> None:
    """Quoted, whatever it holds; the row above it is called almost the same."""
    address = parse(f't:"{label}":psnr')
    assert isinstance(address, Address)
    assert find_row(address, [RowName(label + "!", "a", "b"), RowName(label, "c", "d")], "x") == (1, None)
