"""Panoptic FPN of Detectron2's model zoo."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from semsr.assets.pickles import load_numpy_pickle
from semsr.errors import SegmenterError, WeightsError
from semsr.segmentation.classes import require_classes
from semsr.segmentation.contract import Segmenter
from semsr.segmentation.found import Found, Instance, Segment
from semsr.segmentation.mask_queries import best_first
from semsr.segmentation.masks import clipped_box, encode
from semsr.segmentation.sizing import Sizing, sizing_of

CONFIG = "COCO-PanopticSegmentation/panoptic_fpn_R_101_3x.yaml"
METADATA = "coco_2017_val_panoptic_separated"
INSTALL = "pip install 'git+https://github.com/facebookresearch/detectron2'"
MASK = 0.5
"""Where Detectron2 cuts the masks of objects; it can't be set."""


class PanopticFpn(Segmenter):
    """Kirillov et al. 2019: objects of Mask R-CNN laid over the stuff of a semantic branch.

    How the protocol's thresholds are Detectron2's: `score` is INSTANCES_CONFIDENCE_THRESH; an object stays where its covered share is
    at most OVERLAP_THRESH = 1 - `overlap`; `detections` is DETECTIONS_PER_IMAGE; `mask` must be 0.5. Objects for AP go down to the
    configuration's own SCORE_THRESH_TEST (0.05), as they were measured; stuff smaller than STUFF_AREA_LIMIT (4096 pixels of the answer)
    is left out of the map, as there.
    """

    def __init__(self, *, config: str = CONFIG, input: dict[str, Any] | None = None, random: bool = False) -> None:
        """Make it.

        Args:
            config: of the model zoo.
            input: {shortest, longest}: how pictures are sized; else 800 and 1333.
            random: weights as Detectron2 draws them, where no file is given, for tests.
        """
        super().__init__()
        self.config, self.random = config, random
        self.sizing: Sizing = sizing_of(input, None, "detectron2-panoptic-fpn")
        self.things: Mapping[int, int] = {}
        self.stuff: Mapping[int, int] = {}

    def load(self, device: torch.device) -> None:
        """See `Segmenter.load`."""
        zoo, modeling, data = (_module(name) for name in ("model_zoo", "modeling", "data"))
        rule = self.post_processing
        if rule.mask != MASK:
            raise SegmenterError(
                f"detectron2-panoptic-fpn: post_processing.mask: found {rule.mask}, allowed: {MASK}, where Detectron2 cuts masks; "
                "judge by another segmenter, or under another protocol"
            )
        self._match(data.MetadataCatalog.get(METADATA))
        settings = zoo.get_config(self.config)
        settings.MODEL.DEVICE, settings.MODEL.WEIGHTS = str(device), ""
        settings.MODEL.PANOPTIC_FPN.COMBINE.INSTANCES_CONFIDENCE_THRESH = rule.score
        settings.MODEL.PANOPTIC_FPN.COMBINE.OVERLAP_THRESH = 1.0 - rule.overlap
        settings.TEST.DETECTIONS_PER_IMAGE = rule.detections
        self.order = settings.INPUT.FORMAT
        if self.order not in ("BGR", "RGB"):
            raise SegmenterError(
                f"detectron2-panoptic-fpn: INPUT.FORMAT of {self.config}: found {self.order!r}, allowed: BGR, RGB"
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = modeling.build_model(settings)
        path = next(iter(self.files.values()), None)
        if path is not None:
            _fill(network, path)
        elif not self.random:
            raise SegmenterError(
                "detectron2-panoptic-fpn: no file of weights; see segmenters/detectron2-panoptic-fpn/assets.yaml"
            )
        self.network = network.eval()

    def _match(self, metadata: Any) -> None:
        """Its things 0 to 79 and its stuff 1 to 53 (0 are all things together) as ids of the data set's categories."""
        things = sorted((k, dataset) for dataset, k in metadata.thing_dataset_id_to_contiguous_id.items())
        separate = metadata.stuff_dataset_id_to_contiguous_id.items()
        stuff = sorted((k, dataset) for dataset, k in separate if k != 0)
        names = {dataset: metadata.thing_classes[k] for k, dataset in things}
        names |= {dataset: metadata.stuff_classes[k] for k, dataset in stuff}
        ordered = sorted(names)
        require_classes("detectron2-panoptic-fpn", len(ordered), [names[number] for number in ordered], self.categories)
        ids = dict(zip(ordered, (category.id for category in self.categories), strict=True))
        self.things = {k: ids[dataset] for k, dataset in things}
        self.stuff = {k: ids[dataset] for k, dataset in stuff}

    @torch.inference_mode()
    def segment(self, name: str, picture: Tensor, size: tuple[int, int]) -> Found:
        """See `Segmenter.segment`."""
        pixels = (self.sizing.resize(picture)[0] * 255).round()
        if self.order == "BGR":
            pixels = pixels.flip(0)
        told = self.network([{"image": pixels, "height": size[0], "width": size[1]}])[0]
        ids, infos = told["panoptic_seg"]
        segments = tuple(self._segment(name, info) for info in infos)
        ids = np.array(ids.cpu().numpy(), dtype=np.int32)
        # What covers a segment later may leave nothing of it.
        there = set(np.unique(ids).tolist())
        return Found(
            name,
            size,
            panoptic=ids,
            segments=tuple(segment for segment in segments if segment.id in there),
            instances=self._instances(told["instances"], size),
        )

    def _segment(self, name: str, info: Mapping[str, Any]) -> Segment:
        table = self.things if info["isthing"] else self.stuff
        if info["category_id"] not in table:
            raise SegmenterError(
                f"detectron2-panoptic-fpn: {name}: unknown {'thing' if info['isthing'] else 'stuff'} class {info['category_id']}; "
                f"known: {min(table)} to {max(table)}"
            )
        score = info.get("score")
        return Segment(int(info["id"]), table[info["category_id"]], None if score is None else float(score))

    def _instances(self, found: Any, size: tuple[int, int]) -> tuple[Instance, ...]:
        found = found.to("cpu")
        result = []
        for corners, score, label, mask in zip(
            found.pred_boxes.tensor.tolist(), found.scores.tolist(), found.pred_classes.tolist(), found.pred_masks, strict=True
        ):
            box = clipped_box(tuple(corners), size)
            if box is not None:
                result.append(Instance(self.things[label], score, box, encode(mask.numpy())))
        return best_first(result)[: self.post_processing.detections]


def _module(name: str) -> Any:
    try:
        return importlib.import_module(f"detectron2.{name}")
    except ImportError as error:
        raise SegmenterError(
            f"detectron2-panoptic-fpn: Detectron2 is not installed ({error}); where its repository can be reached: {INSTALL}"
        ) from None


def _fill(network: Any, path: Path) -> None:
    """The model zoo's pickle of arrays, read without running anything of it. Raises: WeightsError."""
    told = load_numpy_pickle(path)
    arrays = told.get("model") if isinstance(told, dict) else None
    if not isinstance(arrays, dict) or not all(isinstance(value, np.ndarray) for value in arrays.values()):
        raise WeightsError(f"{path}: no arrays by name under 'model', as the model zoo's files have; fetch it again")
    state = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in arrays.items()}
    expected = network.state_dict()
    # Means of pixels and anchors' cells are made from the configuration.
    lacking = [
        name
        for name in expected
        if name not in state and not name.startswith(("pixel_", "proposal_generator.anchor_generator."))
    ]
    other = [name for name, value in state.items() if name in expected and tuple(expected[name].shape) != tuple(value.shape)]
    for says, names in (("lacks", lacking), ("has another shape for", other)):
        if names:
            raise WeightsError(
                f"{path}: not the weights of this network: {says} {names[0]!r} (of {len(names)}); fetch it again"
            )
    network.load_state_dict({name: value for name, value in state.items() if name in expected}, strict=False)
