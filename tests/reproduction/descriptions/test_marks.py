"""The paper's marks: read as printed, refused where they are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from semsr.errors import CardError
from semsr.project import Project
from semsr.reproduction.descriptions.marks import load_marks, read_marks

LINES = """table,method,dataset,metric,value,note
T,Tags,,rich_objects,"yes, strongly",
T,Tags,,concise_description,yes,
T,Tags,,degradation_aware,no,
"""


def _file(tmp_path: Path, text: str) -> Path:
    (tmp_path / "reported.csv").write_text(text)
    return tmp_path / "reported.csv"


def test_marks_are_read_as_printed(tmp_path: Path) -> None:
    title, marks = read_marks(_file(tmp_path, LINES), "r")
    assert title == "T"
    assert marks == {"Tags": {"rich_objects": "yes, strongly", "concise_description": "yes", "degradation_aware": "no"}}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",no,", ",maybe,", "line 4: value: found 'maybe'; allowed: no; yes; yes, strongly"),
        ("degradation_aware", "psnr", "line 4: metric: found 'psnr'; allowed: rich_objects"),
        ("T,Tags,,degradation_aware,no,\n", "", "Tags: no line for degradation_aware"),
        ("degradation_aware,no", "rich_objects,no", "line 4: Tags, , rich_objects stands twice"),
    ],
)
def test_what_is_no_mark_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(CardError, match=said):
        read_marks(_file(tmp_path, LINES.replace(old, new)), "r")


def test_the_marks_of_table_1_are_those_that_were_handed_over(project: Project) -> None:
    """Read from the paper's table by hand, for each style: rich objects, concise description, degradation aware."""
    title, marks = load_marks(project, project.table("seesr-table1"))
    assert title == "SeeSR Table 1"
    assert {row: tuple(found.values()) for row, found in marks.items()} == {
        "Classification-style": ("no", "yes", "yes"),
        "Caption-style": ("yes", "no", "no"),
        "Tag-style": ("yes, strongly", "yes", "no"),
        "DAPE": ("yes, strongly", "yes", "yes"),
    }


def test_the_lite_table_borrows_the_marks(project: Project) -> None:
    assert load_marks(project, project.table("lite-seesr-table1")) == load_marks(project, project.table("seesr-table1"))


def test_rows_and_marks_must_fit_each_other(project: Project) -> None:
    card = project.table("seesr-table1")
    renamed = card.rows[0].model_copy(update={"published": "Class"})
    with pytest.raises(CardError, match="published name 'Class' has no marks"):
        load_marks(project, card.model_copy(update={"rows": (renamed, *card.rows[1:])}))
    with pytest.raises(CardError, match=r"'DAPE' of its reported\.csv has no place"):
        load_marks(project, card.model_copy(update={"rows": card.rows[:3]}))
