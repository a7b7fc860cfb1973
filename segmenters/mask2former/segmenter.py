"""Mask2Former through transformers."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from semsr.segmentation.mask_classification import MaskClassification


class Mask2Former(MaskClassification):
    """Masked-attention mask transformer (Cheng et al. 2022): one set of queries gives all four answers."""

    kind = "mask2former"

    def classes(self) -> tuple[Any, Any]:
        """See `MaskClassification.classes`."""
        from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation

        return Mask2FormerConfig, Mask2FormerForUniversalSegmentation

    def processor(self) -> Any:
        """See `MaskClassification.processor`."""
        from transformers import Mask2FormerImageProcessor

        return Mask2FormerImageProcessor()

    def outputs(self, pixels: Tensor, answer: str) -> Any:
        """See `MaskClassification.outputs`; the network is not told what is wanted."""
        return self.network(pixel_values=pixels)
