"""What `semantic.py` compares with: panopticapi's, detectron2's and pycocotools' ways, one picture after the other, in plain code."""

from __future__ import annotations

import contextlib
import io
import time
from collections import defaultdict
from typing import Any

from semantic_data import SIDE, categories, make


class Plain:
    """The reference tools' ways, one picture after the other."""

    OFFSET = 256**3

    def __init__(self) -> None:
        import numpy as np

        self.pairs: list[tuple[Any, Any, Any]] = []
        self.seconds: dict[str, float] = defaultdict(float)
        self.tallies: dict[int, dict[str, float]] = defaultdict(lambda: dict.fromkeys(("iou", "tp", "fp", "fn"), 0))
        self.classes = len(categories())
        self.confusion = np.zeros((self.classes + 1, self.classes + 1), np.int64)
        self.images: list[dict[str, Any]] = []
        self.objects: list[dict[str, Any]] = []
        self.results: dict[str, list[dict[str, Any]]] = {"bbox": [], "segm": []}

    def make(self, numbers: list[int]) -> None:
        """The data, and what the tools read beside it: the true class map (255 is void), COCO's lists."""
        import numpy as np

        self.pairs = []
        for number in numbers:
            truth, found = make(number)
            table = np.full(1 << 20, self.classes, np.int64)
            for one in truth.segments:
                table[one.id] = one.category - 1
            self.pairs.append((truth, found, table[truth.panoptic]))
            self.images.append({"id": number, "height": SIDE, "width": SIDE})
            for one in truth.objects:
                entry = {
                    "id": one.id,
                    "image_id": number,
                    "category_id": one.category,
                    "area": one.area,
                    "iscrowd": int(one.crowd),
                }
                self.objects.append(entry | {"bbox": list(one.box), "segmentation": one.mask})
            for found_one in found.instances:
                entry = {"image_id": number, "category_id": found_one.category, "score": found_one.score}
                self.results["bbox"].append(entry | {"bbox": list(found_one.box)})
                self.results["segm"].append(entry | {"segmentation": found_one.mask})

    def judge(self) -> None:
        for truth, found, classes in self.pairs:
            started = time.process_time()
            self._panoptic(truth, found)
            middle = time.process_time()
            self._confusion(classes, found)
            self.seconds["pq"] += middle - started
            self.seconds["miou"] += time.process_time() - middle

    def _panoptic(self, truth: Any, found: Any) -> None:
        import numpy as np

        true = {one.id: {"category_id": one.category, "iscrowd": int(one.crowd), "area": one.area} for one in truth.segments}
        other = {one.id: {"category_id": one.category, "area": 0} for one in found.segments}
        for label, count in zip(*np.unique(found.panoptic, return_counts=True), strict=True):
            if label:
                other[int(label)]["area"] = int(count)
        pixels = truth.panoptic.astype(np.uint64) * self.OFFSET + found.panoptic.astype(np.uint64)
        shared = {}
        for label, count in zip(*np.unique(pixels, return_counts=True), strict=True):
            shared[int(label) // self.OFFSET, int(label) % self.OFFSET] = int(count)
        matched_true, matched_other = set(), set()
        for (one, two), count in shared.items():
            if (
                one not in true
                or two not in other
                or true[one]["iscrowd"]
                or true[one]["category_id"] != other[two]["category_id"]
            ):
                continue
            iou = count / (other[two]["area"] + true[one]["area"] - count - shared.get((0, two), 0))
            if iou > 0.5:
                self.tallies[true[one]["category_id"]]["tp"] += 1
                self.tallies[true[one]["category_id"]]["iou"] += iou
                matched_true.add(one)
                matched_other.add(two)
        crowds = {}
        for one, said in true.items():
            if one in matched_true:
                continue
            if said["iscrowd"]:
                crowds[said["category_id"]] = one
            else:
                self.tallies[said["category_id"]]["fn"] += 1
        for two, said in other.items():
            if two in matched_other:
                continue
            count = shared.get((0, two), 0)
            if said["category_id"] in crowds:
                count += shared.get((crowds[said["category_id"]], two), 0)
            if count / said["area"] <= 0.5:
                self.tallies[said["category_id"]]["fp"] += 1

    def _confusion(self, classes: Any, found: Any) -> None:
        import numpy as np

        size = self.classes + 1
        other = found.classes.astype(np.int64)
        other[other < 0] = self.classes
        self.confusion += np.bincount((size * other + classes).ravel(), minlength=size**2).reshape(size, size)

    def values(self) -> list[float]:
        """The figures' values in percent, in their order; what COCOeval takes is timed here."""
        import numpy as np

        shares = [
            (one["iou"] / weight, one["iou"] / max(one["tp"], 1), one["tp"] / weight)
            for one in self.tallies.values()
            if (weight := one["tp"] + one["fp"] / 2 + one["fn"] / 2)
        ]
        values = [100 * float(part) for part in np.mean(shares, axis=0)]
        both, true = np.diag(self.confusion)[:-1], self.confusion[:, :-1].sum(axis=0)
        union = true + self.confusion[:-1, :-1].sum(axis=1) - both
        values.append(100 * float((both[true > 0] / union[true > 0]).mean()))
        for kind in ("bbox", "segm"):
            started = time.process_time()
            precision = self._evaluated(kind)
            values += [100 * float(part[part > -1].mean()) for part in (precision[..., 0, -1], precision[..., 1, -1])]
            self.seconds[{"bbox": "box-ap", "segm": "mask-ap"}[kind]] += time.process_time() - started
        return values

    def _evaluated(self, kind: str) -> Any:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
            data = COCO()
            entries = [{"id": one.id} for one in categories() if one.thing]
            data.dataset = {"info": {}, "images": self.images, "annotations": self.objects, "categories": entries}
            data.createIndex()
            evaluation = COCOeval(data, data.loadRes(self.results[kind]), kind)
            evaluation.evaluate()
            evaluation.accumulate()
        return evaluation.eval["precision"]
