"""Four ways to put a picture into words, those of the paper's Table 1: tags, tags that bear degradation (DAPE), a class, a caption."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from semsr.cards.base import Card, parse_card
from semsr.errors import MethodError, WeightsError
from semsr.restoration.describer import Describer, Description

from .captions import Captioner, CaptionerOptions, nouns
from .options import Count, SeeSrOptions, TaggerOptions
from .tagger import Tagger, make_dape, make_tagger

Style = Literal["tags", "dape", "classification", "caption"]


class DescriberOptions(Card):
    """How pictures are put into words.

    `files`: the asset that plays each role (`tagger`, `tag-list`, `tag-thresholds`, `dape`, `captioner`, `vocabulary`); a role that is not
    named is looked for under its own name. `top`: how many classes, the likeliest first.
    """

    style: Style
    tagger: TaggerOptions = TaggerOptions()
    captioner: CaptionerOptions = CaptionerOptions()
    files: dict[str, str] = Field(default_factory=dict)
    top: Count = 1


class SeesrDescriber(Describer):
    """Tags as SeeSR's prompts get them, or what the paper compares them with.

    - "tags": the tagger's, with its own weights;
    - "dape": the same with DAPE's low-rank additions merged;
    - "classification": the likeliest class of a tagger that classifies (EfficientNet-Lite0). The paper's classifier is unknown;
    - "caption": BLIP's caption, its nouns as tags (`captions.nouns`). The paper's captioner is unknown, too.
    """

    def __init__(self, generator: Mapping[str, Any] | None = None, **options: Any) -> None:
        """Options.

        Args:
            generator: of a tagger trained here, the recipe's generator: its options hold the tagger's.
            options: see `DescriberOptions`.

        Raises:
            CardError: an unknown option or value.
        """
        super().__init__()
        self.options = parse_card(DescriberOptions, options, "options")
        self._tagger_card = self.options.tagger
        if generator is not None:
            self._tagger_card = parse_card(SeeSrOptions, generator.get("options") or {}, "generator.options").tagger
        self._say: Callable[[Tensor], list[Description]] | None = None

    def load(self, device: torch.device) -> None:
        """See `Describer.load`. Raises: WeightsError: a file is missing or of another network."""
        files = self.roles()
        style = self.options.style
        if style == "caption":
            captioner = Captioner(self.options.captioner, files).to(device)
            self._say = lambda pictures: [Description(nouns(text), text) for text in captioner.caption(pictures)]
            return
        # Freshly drawn networks are for tests of the tagger; here one would describe at random.
        for role in ("tagger", "dape") if style == "dape" else ("tagger",):
            if role not in files:
                raise WeightsError(f"style {style!r} needs a file for the role {role!r}; found: {', '.join(files) or 'none'}")
        tagger = (make_dape if style == "dape" else make_tagger)(self._tagger_card, files).to(device)
        self._say = (
            (lambda pictures: classes(tagger, pictures, self.options.top))
            if style == "classification"
            else (lambda pictures: tags(tagger, pictures))
        )

    def describe(self, pictures: Tensor) -> list[Description]:
        """See `Describer.describe`; picture by picture, since a batch changes the last bits, and with them a tag at its threshold."""
        if self._say is None:
            raise MethodError("describe() was called before load()")
        return [said for picture in pictures for said in self._say(picture[None])]

    def roles(self) -> dict[str, Path]:
        """The files by role: those that the options name, then those that are there by role; what was trained here is DAPE.

        Raises:
            WeightsError: the options name a file that is not there.
        """
        files = dict(self.files)
        if "generator" in files:
            files.setdefault("dape", files["generator"])
        for role, name in self.options.files.items():
            if name not in self.files:
                raise WeightsError(f"options.files.{role}: found {name!r}; the weights have: {', '.join(self.files) or 'none'}")
            files[role] = self.files[name]
        return files


def tags(tagger: Tagger, pictures: Tensor) -> list[Description]:
    """What a tagger says; the text is the tags in the list's order, joined by ", " as in the published prompts."""
    _, logits = tagger(pictures)
    return [Description(said, ", ".join(said)) for said in tagger.say(logits)]


def classes(tagger: Tagger, pictures: Tensor, top: int) -> list[Description]:
    """The `top` likeliest of a tagger's classes, the likeliest first; equal ones in the list's order."""
    _, logits = tagger(pictures)
    ranked = torch.sort(logits, dim=1, descending=True, stable=True).indices[:, :top].tolist()
    said = [tuple(dict.fromkeys(tagger.tags[at] for at in row)) for row in ranked]
    return [Description(names, ", ".join(names)) for names in said]
