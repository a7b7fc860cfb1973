"""Runs OpenSeeD over a folder of pictures and writes COCO's result files; started by semsr in OpenSeeD's own environment.

It knows nothing of semsr. How OpenSeeD is built and asked (`load`, `ask`) is from memory of its demo and was never run: each name it relies
on is looked up first, and a missing one ends the run with a line that says which. Nothing is guessed around.

Environment: OPENSEED is the folder of the clone. Python 3.7 and torch 1.13 must do, so no newer syntax here.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np

SHORTEST, LONGEST = 800, 1333
CONFIG = "configs/openseed/openseed_swint_lang.yaml"
MASK = 0.5


def stop(text):
    """End with a line that semsr repeats."""
    sys.exit("openseed driver: " + text)


class Writer:
    """Collects what was found and writes {found}/panoptic.json, panoptic/*.png, instances.json, semantic/*.png."""

    def __init__(self, folder, categories):
        """Categories are COCO's entries, of which class k of the network is the k-th by id."""
        self.folder = Path(folder)
        self.categories = sorted(categories, key=lambda category: category["id"])
        self.panoptic, self.instances = [], []
        for name in ("panoptic", "semantic"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def add(self, name, ids, segments, objects, classes):
        """One picture.

        Args:
            name: the picture's, without suffix.
            ids: (H, W) integers, 0 where nothing is.
            segments: [(id, class, score or None)].
            objects: [(class, score, (left, top, right, bottom), mask (H, W) of booleans)].
            classes: (H, W) integers, the class of every pixel.
        """
        from PIL import Image
        from pycocotools import mask as coco

        ids = np.asarray(ids).astype(np.int64)
        rgb = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
        Image.fromarray(rgb).save(self.folder / "panoptic" / (name + ".png"))
        Image.fromarray(np.asarray(classes).astype(np.uint8)).save(self.folder / "semantic" / (name + ".png"))
        there = set(np.unique(ids).tolist())
        infos = []
        for number, label, score in segments:
            if number in there:
                info = {"id": int(number), "category_id": self.categories[label]["id"]}
                if score is not None:
                    info["score"] = float(score)
                infos.append(info)
        self.panoptic.append({"file_name": name + ".png", "image_id": name, "segments_info": infos})
        height, width = ids.shape
        for label, score, corners, mask in objects:
            left, right = (min(max(float(corners[i]), 0.0), float(width)) for i in (0, 2))
            top, bottom = (min(max(float(corners[i]), 0.0), float(height)) for i in (1, 3))
            if right <= left or bottom <= top:
                continue
            rle = coco.encode(np.asfortranarray(mask, dtype=np.uint8))
            self.instances.append(
                {
                    "image_id": name,
                    "category_id": self.categories[label]["id"],
                    "score": float(score),
                    "bbox": [left, top, right - left, bottom - top],
                    "segmentation": {"size": [height, width], "counts": rle["counts"].decode("ascii")},
                }
            )

    def close(self):
        """Write the lists."""
        (self.folder / "panoptic.json").write_text(json.dumps({"annotations": self.panoptic}))
        (self.folder / "instances.json").write_text(json.dumps(self.instances))


def spoken(name):
    """A category's name as words: `floor-other-merged` -> `floor other merged`; which words were used in the paper is not known here."""
    return name.replace("-", " ").replace("_", " ")


def attribute(owner, path):
    """`owner.a.b.c`, or the end with its name."""
    for name in path.split("."):
        if not hasattr(owner, name):
            stop(f"this OpenSeeD has no {name!r} (of {path!r}); mend driver.py for it")
        owner = getattr(owner, name)
    return owner


def load(arguments, categories):
    """OpenSeeD with the protocol's thresholds. From memory, unverified."""
    clone = os.environ.get("OPENSEED", "")
    if not (Path(clone) / CONFIG).is_file():
        stop(f"no {CONFIG} in OPENSEED={clone!r}; clone the repository there, see segmenters/openseed/README.md")
    if arguments.mask != MASK:
        stop(f"mask: found {arguments.mask}, allowed: {MASK}, which is fixed in OpenSeeD")
    sys.path.insert(0, clone)
    os.chdir(clone)
    try:
        from openseed import build_model
        from openseed.BaseModel import BaseModel
        from utils.arguments import load_opt_from_config_files
    except ImportError as error:
        stop(f"can't import from the clone ({error}); see segmenters/openseed/README.md")
    settings = load_opt_from_config_files(CONFIG)
    model = BaseModel(settings, build_model(settings)).from_pretrained(arguments.weights).eval()
    network = attribute(model, "model")
    for name, value in (
        ("object_mask_threshold", arguments.score),
        ("overlap_threshold", arguments.overlap),
        ("test_topk_per_image", arguments.detections),
    ):
        attribute(network, name)
        setattr(network, name, value)
    from detectron2.data import MetadataCatalog

    ordered = sorted(categories, key=lambda category: category["id"])
    names = [spoken(category["name"]) for category in ordered]
    metadata = MetadataCatalog.get("semsr_categories")
    metadata.set(
        thing_classes=names,
        stuff_classes=names,
        thing_dataset_id_to_contiguous_id={k: k for k, category in enumerate(ordered) if category["isthing"]},
        stuff_dataset_id_to_contiguous_id={k: k for k in range(len(ordered))},
    )
    network.metadata = metadata
    attribute(network, "sem_seg_head.predictor.lang_encoder").get_text_embeddings(names, is_eval=True)
    attribute(network, "sem_seg_head")
    network.sem_seg_head.num_classes = len(names)
    return model


def ask(model, picture, size):
    """One picture (H, W, 3) of grey levels: what `Writer.add` takes. From memory, unverified."""
    import torch
    from PIL import Image

    height, width = picture.shape[:2]
    scale = min(SHORTEST / min(height, width), LONGEST / max(height, width))
    wanted = int(width * scale + 0.5), int(height * scale + 0.5)
    pixels = np.array(Image.fromarray(picture).resize(wanted, Image.BILINEAR))
    with torch.no_grad():
        entry = {"image": torch.from_numpy(pixels).permute(2, 0, 1), "height": size[0], "width": size[1]}
        told = model.forward([entry])[-1]
    for name in ("panoptic_seg", "instances", "sem_seg"):
        if name not in told:
            stop(f"this OpenSeeD answers without {name!r}: found {sorted(told)}; mend driver.py for it")
    ids, infos = told["panoptic_seg"]
    segments = [(info["id"], info["category_id"], info.get("score")) for info in infos]
    found = told["instances"].to("cpu")
    corners, scores, labels = found.pred_boxes.tensor.tolist(), found.scores.tolist(), found.pred_classes.tolist()
    masks = found.pred_masks.numpy() > 0
    objects = [(labels[k], scores[k], corners[k], masks[k]) for k in range(len(scores))]
    return ids.cpu().numpy(), segments, objects, told["sem_seg"].argmax(0).cpu().numpy()


def main():
    """Every picture in turn."""
    from PIL import Image

    parser = argparse.ArgumentParser()
    for name in ("pictures", "sizes", "categories", "found", "weights"):
        parser.add_argument("--" + name, required=True)
    for name in ("score", "mask", "overlap"):
        parser.add_argument("--" + name, type=float, required=True)
    parser.add_argument("--detections", type=int, required=True)
    arguments = parser.parse_args()
    categories, sizes = (json.loads(Path(path).read_text()) for path in (arguments.categories, arguments.sizes))
    model = load(arguments, categories)
    writer = Writer(arguments.found, categories)
    for name in sorted(sizes):
        picture = np.array(Image.open(Path(arguments.pictures) / (name + ".png")).convert("RGB"))
        writer.add(name, *ask(model, picture, sizes[name]))
    writer.close()


if __name__ == "__main__":
    main()
