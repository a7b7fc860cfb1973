"""Words as the diffusion model gets them: by Stable Diffusion 2's text encoder, or by a smaller one in its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...options import TextOptions
from .encoder import TextEncoder


def make_text_encoder(card: TextOptions, files: Mapping[str, Path]) -> TextEncoder:
    """Make the text encoder that the card names; its module is imported only now.

    Args:
        card: kind and sizes.
        files: by role. "clip": "text-encoder" (freshly drawn without it), "vocabulary" and "merges", or "tokenizer" (tokenizer.json).
            "minilm": "text-encoder" and "tokenizer". "hashed": none.

    Returns:
        frozen, in evaluation mode, float32, on the CPU.

    Raises:
        WeightsError: a file is missing, damaged, or does not fit strictly.
    """
    if card.kind == "clip":
        from .clip import ClipText

        return ClipText(card, files)
    if card.kind == "minilm":
        from .minilm import MiniLmText

        return MiniLmText(card, files)
    from .hashed import HashedText

    return HashedText(card)


__all__ = ["TextEncoder", "make_text_encoder"]
