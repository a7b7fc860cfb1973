"""Files of scores that can't be read, or are another's, end in one line that says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from semsr.errors import SemsrError
from semsr.reproduction.score_files import COLUMNS, read_scores


def test_unreadable_scores_say_what_to_do(house: Any, tmp_path: Path) -> None:
    path = tmp_path / "alpha.parquet"
    with pytest.raises(SemsrError, match="has not been scored; run `semsr score alpha`"):
        read_scores(path, "s", "alpha")
    path.mkdir()
    with pytest.raises(SemsrError, match="s: a folder stands where the file of scores belongs; move it away and run"):
        read_scores(path, "s", "alpha")
    path.rmdir()
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(SemsrError, match=r"s: not a readable parquet file .*; delete it and run `semsr score alpha`"):
        read_scores(path, "s", "alpha")
    path.write_bytes(b"")
    with pytest.raises(SemsrError, match="not a readable parquet file"):
        read_scores(path, "s", "alpha")
    house.score("alpha", "plain", "psnr", [28, 29, 31])
    frame = pd.DataFrame(house.rows["alpha"], columns=list(COLUMNS))
    frame.drop(columns=["protocol_hash", "weights"]).to_parquet(path)
    with pytest.raises(SemsrError, match="no column protocol_hash, weights"):
        read_scores(path, "s", "alpha")
    frame.drop(columns=["seed"]).to_parquet(path)
    with pytest.raises(
        SemsrError, match="made by another version of semsr: no column seed; delete it and run `semsr score alpha`"
    ):
        read_scores(path, "s", "alpha")
    frame.to_parquet(path)
    with pytest.raises(SemsrError, match="dataset: found alpha; must be beta"):
        read_scores(path, "s", "beta")
    assert len(read_scores(path, "s", "alpha")) == 3
