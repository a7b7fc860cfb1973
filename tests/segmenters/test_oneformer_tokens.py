"""OneFormer's task in tokens: as transformers' own processor makes them."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

import semsr.plugins  # noqa: F401 (finds plugin folders)
from semsr.errors import WeightsError


def task_tokens(*arguments: Any) -> Any:
    return importlib.import_module("semsr.plugins.segmenters.oneformer.tokens").task_tokens(*arguments)


@pytest.mark.parametrize("answer", ["panoptic", "instance", "semantic"])
def test_the_task_is_said_as_transformers_says_it(clip_files: dict[str, Path], answer: str) -> None:
    from transformers import CLIPTokenizer, OneFormerImageProcessor, OneFormerProcessor

    vocabulary, merges = clip_files["vocabulary"], clip_files["merges"]
    lines = merges.read_text().splitlines()[1:]
    tokenizer = CLIPTokenizer(vocab=json.loads(vocabulary.read_text()), merges=[tuple(line.split()) for line in lines])
    processor = OneFormerProcessor(OneFormerImageProcessor(), tokenizer)
    expected = processor._preprocess_text([f"the task is {answer}"], max_length=77)
    found = task_tokens(answer, 77, vocabulary, merges)
    assert found.shape == (1, 77) and found.tolist() == expected.tolist()


def test_tasks_differ(clip_files: dict[str, Path]) -> None:
    rows = [
        task_tokens(answer, 77, clip_files["vocabulary"], clip_files["merges"]).tolist() for answer in ("panoptic", "semantic")
    ]
    assert rows[0] != rows[1]


def test_files_that_are_no_tokenizer_are_one_line(clip_files: dict[str, Path]) -> None:
    vocabulary, merges = clip_files["vocabulary"], clip_files["merges"]
    with pytest.raises(WeightsError, match=r"the network reads 8 \(task_seq_len\)$"):
        task_tokens("panoptic", 8, vocabulary, merges)
    numbers = json.loads(vocabulary.read_text())
    vocabulary.write_text(json.dumps({sign: number for sign, number in numbers.items() if "|" not in sign}))
    with pytest.raises(WeightsError, match=r"vocab\.json: [^\n]+$"):
        task_tokens("panoptic", 77, vocabulary, merges)
    for text in ("{", "[]", "{}"):
        vocabulary.write_text(text)
        with pytest.raises(WeightsError, match=r"vocab\.json: [^\n]+$"):
            task_tokens("panoptic", 77, vocabulary, merges)
