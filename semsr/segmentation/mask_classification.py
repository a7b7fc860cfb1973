"""What segmenters that classify masks have in common (Mask2Former, OneFormer): a picture in, queries out, every answer made of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from semsr.errors import SegmenterError
from semsr.segmentation.checkpoint import draw_network, load_network, make_config, read_config
from semsr.segmentation.classes import require_classes
from semsr.segmentation.contract import Segmenter
from semsr.segmentation.found import Found, Ids, Segment
from semsr.segmentation.mask_queries import Queries, bring, class_names, instances, panoptic, semantic
from semsr.segmentation.sizing import Sizing, sizing_of

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")


class MaskClassification(Segmenter):
    """A network of transformers with class and mask logits for each query.

    Files are told apart by their names: config.json and model.safetensors or pytorch_model.bin; preprocessor_config.json where pictures
    are to be sized as it says.

    Attributes:
        kind: `model_type` of its config.json.
    """

    kind: ClassVar[str]

    def __init__(
        self,
        *,
        config: Mapping[str, Any] | None = None,
        input: dict[str, Any] | None = None,
        panoptic: str = "published",
    ) -> None:
        """Make it.

        Args:
            config: the configuration in the place of a config.json, and weights drawn at random where no file of them is given: for tests.
            input: {shortest, longest, multiple}: how pictures are sized; else as preprocessor_config.json says, else 800, 1333, 32.
            panoptic: "published": the authors' rule (`semsr.segmentation.mask_queries`); "transformers": that library's.
        """
        super().__init__()
        if panoptic not in ("published", "transformers"):
            raise SegmenterError(f"options: panoptic: found {panoptic!r}; allowed: published, transformers")
        self.config, self.input, self.rule = config, input, panoptic
        self.sizing = Sizing()

    @abstractmethod
    def classes(self) -> tuple[Any, Any]:
        """transformers' classes: of the configuration and of the network."""

    @abstractmethod
    def processor(self) -> Any:
        """transformers' image processor, for its post-processing."""

    @abstractmethod
    def outputs(self, pixels: Tensor, answer: str) -> Any:
        """transformers' outputs: class_queries_logits (1, Q, K + 1), masks_queries_logits (1, Q, h, w).

        Args:
            pixels: (1, 3, H, W), normalised.
            answer: "panoptic", "instance" or "semantic", for networks that are told what is wanted.
        """

    def tasks(self) -> tuple[str, str, str]:
        """The `answer` of the outputs that the panoptic map, objects and classes are made of; equal ones cost one pass."""
        return ("panoptic", "panoptic", "panoptic")

    def file(self, *names: str) -> Path | None:
        """The first of the files in use that is called so."""
        by_name = {path.name: path for path in self.files.values()}
        return next((by_name[name] for name in names if name in by_name), None)

    def load(self, device: torch.device) -> None:
        """See `Segmenter.load`."""
        make_configuration, make_network = self.classes()
        path, weights = self.file(CONFIG), self.file(*WEIGHTS)
        if self.config is None and path is None:
            raise SegmenterError(
                f"{self.kind}: no {CONFIG} among its files ({', '.join(self.files) or 'none'}); see its assets.yaml"
            )
        where = "options: config" if path is None or self.config is not None else str(path)
        if path is None or self.config is not None:
            told: Mapping[str, Any] = self.config or {}
        else:
            told = read_config(path, self.kind)
        config = make_config(make_configuration, told, where)
        require_classes(where, config.num_labels, class_names(config.id2label), self.categories)
        if weights is None and self.config is None:
            raise SegmenterError(f"{self.kind}: none of {', '.join(WEIGHTS)} among its files ({', '.join(self.files)})")
        self.sizing = sizing_of(self.input, self.file(PREPROCESSOR), self.kind)
        made = draw_network(make_network, config, where) if weights is None else load_network(make_network, config, weights)
        self.network: nn.Module = made.to(device)

    @torch.inference_mode()
    def segment(self, name: str, picture: Tensor, size: tuple[int, int]) -> Found:
        """See `Segmenter.segment`."""
        pixels, inside = self.sizing.prepare(picture)
        looked_at = (int(pixels.shape[-2]), int(pixels.shape[-1]))
        of: dict[str, tuple[Any, Queries]] = {}
        for task in dict.fromkeys(self.tasks()):
            raw = self.outputs(pixels, task)
            masks = bring(raw.masks_queries_logits[0], looked_at, inside, size)
            of[task] = raw, Queries(raw.class_queries_logits[0], masks)
        for_map, for_objects, for_classes = (of[task] for task in self.tasks())
        if not all(
            bool(torch.isfinite(value).all()) for _, queries in of.values() for value in (queries.classes, queries.masks)
        ):
            raise SegmenterError(f"{self.kind}: {name}: values that are not finite; is the file of weights the right one?")
        if self.rule == "transformers":
            ids, segments = self._by_transformers(for_map[0], looked_at, inside, size)
        else:
            ids, segments = panoptic(for_map[1], self.categories, self.post_processing)
        return Found(
            name,
            size,
            panoptic=ids,
            segments=segments,
            classes=semantic(for_classes[1]),
            instances=instances(for_objects[1], self.categories, self.post_processing),
        )

    def _by_transformers(
        self, raw: Any, looked_at: tuple[int, int], inside: tuple[int, int], size: tuple[int, int]
    ) -> tuple[Ids, tuple[Segment, ...]]:
        """The library's map; stuff is fused here, since there a segment after a fused one may get an id that is taken."""
        if looked_at != inside:  # it knows of no padding
            raw.masks_queries_logits = bring(raw.masks_queries_logits[0], looked_at, inside, inside)[None]
        rule = self.post_processing
        told = self.processor().post_process_panoptic_segmentation(
            raw,
            threshold=rule.score,
            mask_threshold=rule.mask,
            overlap_mask_area_threshold=rule.overlap,
            label_ids_to_fuse=set(),
            target_sizes=[size],
        )[0]
        theirs = told["segmentation"].cpu().numpy()
        ids = np.zeros(size, dtype=np.int32)
        segments: list[Segment] = []
        stuff: dict[int, int] = {}
        for entry in told["segments_info"]:
            category, score = self.categories[entry["label_id"]], float(entry["score"])
            number = len(segments) + 1
            if category.id in stuff:
                number = stuff[category.id]
                segments[number - 1] = Segment(number, category.id, max(segments[number - 1].score or 0.0, score))
            else:
                segments.append(Segment(number, category.id, score))
                if not category.thing:
                    stuff[category.id] = number
            ids[theirs == entry["id"]] = number
        return ids, tuple(segments)
