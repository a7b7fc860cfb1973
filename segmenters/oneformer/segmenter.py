"""OneFormer through transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from semsr.errors import SegmenterError
from semsr.segmentation.mask_classification import MaskClassification

from .tokens import task_tokens

VOCABULARY, MERGES = "vocab.json", "merges.txt"
EACH = ("panoptic", "instance", "semantic")


class OneFormer(MaskClassification):
    """One transformer, told its task in words (Jain et al. 2023).

    `task`: "each" runs the network once an answer, told "panoptic", "instance" and "semantic", as its published values of PQ, AP and
    mIoU were each measured (from memory); one of these three makes every answer of one pass.
    """

    kind = "oneformer"

    def __init__(
        self,
        *,
        task: str = "each",
        config: Mapping[str, Any] | None = None,
        input: dict[str, Any] | None = None,
        panoptic: str = "published",
    ) -> None:
        super().__init__(config=config, input=input, panoptic=panoptic)
        if task not in ("each", *EACH):
            raise SegmenterError(f"options: task: found {task!r}; allowed: each, {', '.join(EACH)}")
        self.task = task
        self.tokens: dict[str, Tensor] = {}

    def classes(self) -> tuple[Any, Any]:
        """See `MaskClassification.classes`."""
        from transformers import OneFormerConfig, OneFormerForUniversalSegmentation

        return OneFormerConfig, OneFormerForUniversalSegmentation

    def processor(self) -> Any:
        """See `MaskClassification.processor`."""
        from transformers import OneFormerImageProcessor

        return OneFormerImageProcessor()

    def tasks(self) -> tuple[str, str, str]:
        """See `MaskClassification.tasks`."""
        first, second, third = EACH if self.task == "each" else (self.task,) * 3
        return first, second, third

    def load(self, device: torch.device) -> None:
        """See `Segmenter.load`; needs CLIP's vocab.json and merges.txt besides."""
        vocabulary, merges = self.file(VOCABULARY), self.file(MERGES)
        if vocabulary is None or merges is None:
            raise SegmenterError(f"oneformer: no {VOCABULARY} and {MERGES} among its files ({', '.join(self.files) or 'none'})")
        super().load(device)
        length = self.network.config.task_seq_len  # type: ignore[union-attr]
        self.tokens = {task: task_tokens(task, length, vocabulary, merges).to(device) for task in set(self.tasks())}

    def outputs(self, pixels: Tensor, answer: str) -> Any:
        """See `MaskClassification.outputs`."""
        return self.network(pixel_values=pixels, task_inputs=self.tokens[answer])
