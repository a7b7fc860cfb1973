"""Published values are read as printed, and nothing is silently missing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from semsr.cards import TableCard
from semsr.errors import CardError, SemsrError
from semsr.reproduction.reported import load_reported, read_reported

HEAD = "table,method,dataset,metric,value,note\n"


def _write(folder: Path, text: str) -> Path:
    path = folder / "reported.csv"
    path.write_bytes(text.encode())
    return path


def test_digits_are_kept_as_printed(tmp_path: Path) -> None:
    path = _write(tmp_path, HEAD + 'T,A,X,psnr,30.10,"slip, perhaps"\nT,B,X,psnr,30.1,\nT,C,X,psnr,,\nT,A,Y,psnr,7,\n')
    reported = read_reported(path, "r")
    assert reported.title == "T"
    assert reported.values["A", "X", "psnr"].number == Decimal("30.10")
    assert str(reported.values["A", "X", "psnr"].number) == "30.10"
    assert reported.values["A", "X", "psnr"].note == "slip, perhaps"
    assert reported.values["C", "X", "psnr"].number is None
    assert [reported.decimals("X", "psnr"), reported.decimals("Y", "psnr"), reported.decimals("Z", "psnr")] == [2, 0, None]
    assert reported.has("X", "psnr") and not reported.has("X", "ssim") and not reported.has(None, "psnr")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: found nothing"),
        ("a,b\n", "line 1"),
        (HEAD + "T,A,X,psnr,30.1\n", "line 2: 5 fields"),
        (HEAD + "T,A,X,psnr,30.1x,\n", "line 2: value: found '30.1x'"),
        (HEAD + "T,A,X,psnr,nan,\n", "line 2: value: found 'nan'"),
        (HEAD + "T,A,X,psnr,1e3,\n", "line 2: value: found '1e3'"),
        (HEAD + "T,A,X,psnr, 30.1,\n", "line 2: value"),
        (HEAD + "T,A,X,psnr,30.1,\nT,A,X,psnr,30.2,\n", "line 3: A, X, psnr stands twice"),
        (HEAD + "T,A,X,psnr,30.1,\nU,B,X,psnr,30.2,\n", "one file holds one published table"),
    ],
)
def test_a_wrong_file_is_refused_by_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CardError, match=r"^somewhere: ") as caught:
        read_reported(_write(tmp_path, text), "somewhere")
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="nowhere: no such file"):
        read_reported(tmp_path / "absent.csv", "nowhere")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("rows", [{"label": "A", "published": "A"}], "rows: 'B' of its reported.csv has no place"),
        ("rows", [{"label": n, "published": n} for n in "ABC"], "rows: published name 'C' is not in its reported.csv"),
        ("columns", ["psnr", "ssim"], "columns: published name 'ssim'"),
        ("datasets", [{"label": "Y", "published": "Y", "dataset": "y"}], "datasets: published name 'Y'"),
        ("reported", "../other.csv", "must lie in the table's own folder"),
    ],
)
def test_card_and_file_must_name_the_same_things(tmp_path: Path, key: str, value: Any, said: str) -> None:
    _write(tmp_path, HEAD + "T,A,X,psnr,30.1,\nT,B,X,psnr,30.2,\n")
    facts = yaml.safe_load(
        """
        {id: t, title: t, protocol: p, track: real, profiles: [q], reported: reported.csv, columns: [psnr],
         datasets: [{label: X, published: X, dataset: x}], rows: [{label: A, published: A}, {label: B, published: B}]}
        """
    )
    load_reported(tmp_path, TableCard.model_validate(facts), "tables/t/table.yaml")
    with pytest.raises(SemsrError, match=r"^tables/t/table\.yaml: ") as caught:
        load_reported(tmp_path, TableCard.model_validate(facts | {key: value}), "tables/t/table.yaml")
    assert said in str(caught.value)
