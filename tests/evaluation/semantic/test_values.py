"""What judging leaves for tables, where the file is none."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from semsr.errors import SemsrError
from semsr.evaluation.semantic.values import read_values


@pytest.mark.parametrize("facts", ["{", "[]", "{}", "[" * 100_000])
def test_facts_of_another_kind_are_one_line(tmp_path: Path, facts: str) -> None:
    path = tmp_path / "values.parquet"
    pq.write_table(pa.table({"method": pa.array([], pa.string())}).replace_schema_metadata({"semsr.judged": facts}), path)
    with pytest.raises(SemsrError, match=r"^values: not a file of judged values .*; delete it and run `semsr judge x`$"):
        read_values(path, "values", "semsr judge x")
