"""What names the things in a picture, and its low-rank additions that make it robust to degradation (DAPE)."""

from .contract import Tagger
from .lora import add_lora, load_lora, lora_state, merge_lora
from .making import make_dape, make_tagger, start_dape

__all__ = ["Tagger", "add_lora", "load_lora", "lora_state", "make_dape", "make_tagger", "merge_lora", "start_dape"]
