"""Every layout of every card, prepared from a miniature tree of the same shape, written from the card's own patterns."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from semsr.cards.dataset import FileSource, MatlabBicubic, RealEsrgan
from semsr.imaging.resize import bicubic_uint8
from semsr.preparation.making import recipe_of
from semsr.preparation.manifest import Prepared
from semsr.project import Project
from semsr.stages import prepare

PROJECT = Project(Path(__file__).resolve().parents[2])
NAMES = ("0001", "0002", "0003")
SIDES = (48, 72)  # multiples of 12, so that no card crops anything
FILES = {name: card for name, card in PROJECT.datasets.items() if isinstance(card.source, FileSource)}
FOLDERS = ("", "some-folder/", "one/another/")
"""What a `**/` may stand for."""


def sweep() -> Iterator[Any]:
    """Each layout of each card, the first of each at once and the others among the slow tests, which have any number of folders, too."""
    for name, card in FILES.items():
        assert isinstance(card.source, FileSource)
        for number, layout in enumerate(card.source.layouts):
            for folders in FOLDERS if "**/" in f"{layout.hr}{layout.lr}" else ("",):
                fast = number == 0 and folders != "one/another/" and not isinstance(card.degradation, RealEsrgan)
                marks = [] if fast else [pytest.mark.slow]
                yield pytest.param(name, number, folders, marks=marks, id=f"{name}-{number}-{folders or '.'}")


def picture(name: str) -> np.ndarray:
    """A picture with smooth parts and edges, its own for each name."""
    draw = np.random.default_rng(int(hashlib.sha256(name.encode()).hexdigest()[:8], 16))
    height, width = SIDES
    coarse = draw.integers(0, 256, (6, 9, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def smaller(rgb: np.ndarray) -> np.ndarray:
    return bicubic_uint8(rgb, 0.25, dialect="symmetric")


def file_of(pattern: str, name: str, folders: str = "some-folder/") -> str:
    """A path that the pattern is meant for."""
    return pattern.replace("**/", folders).replace("*", "part").replace("{name}", name)


def save(path: Path, rgb: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(rgb, path.suffix))


def encoded(rgb: np.ndarray, suffix: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, {".png": "PNG", ".jpg": "JPEG", ".bmp": "BMP"}[suffix])
    return buffer.getvalue()


def stored(rgb: np.ndarray, pattern: str) -> np.ndarray:
    """What a file of the pattern's kind keeps of a picture: all of it but for JPEG."""
    return np.asarray(Image.open(io.BytesIO(encoded(rgb, Path(pattern).suffix))).convert("RGB"))


def pixels(path: Path | None) -> np.ndarray:
    assert path is not None
    return np.asarray(Image.open(path).convert("RGB"))


def shrink(workspace: Project, name: str, change: Callable[[dict[str, Any]], object] = lambda card: None) -> Project:
    """The card in the workspace, for three pictures instead of its own and without the published pixels; the rest is as committed."""
    path = workspace.root / "datasets" / name / "dataset.yaml"
    card = yaml.safe_load(path.read_text())
    if card.get("count") is not None:
        card["count"] = len(NAMES)
    if card["source"].get("first"):
        card["source"]["first"] = card["count"] = len(NAMES) - 1
    card.pop("pixels", None)
    change(card)
    path.write_text(yaml.safe_dump(card))
    return Project(workspace.root)


def write_pictures(project: Project, name: str, layout: int, folder: Path, folders: str = "some-folder/") -> None:
    source = project.dataset(name).source
    assert isinstance(source, FileSource)
    hr, lr = source.layouts[layout].hr, source.layouts[layout].lr
    for stem in NAMES:
        if hr:
            save(folder / file_of(hr, stem, folders), picture(stem))
        if lr:
            save(folder / file_of(lr, stem, folders), smaller(picture(stem)))


def write_annotations(project: Project, name: str, folder: Path, *, packed: bool) -> None:
    """Miniatures of COCO's JSON files, and a PNG a picture; those in a zip file where `packed`."""
    images = [{"id": number, "file_name": f"{stem}.jpg"} for number, stem in enumerate(NAMES)]
    for annotation in project.dataset(name).annotations:
        pattern = annotation.patterns[0]
        if not annotation.per_picture:
            path = folder / file_of(pattern, "")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"images": images, "annotations": [], "categories": []}))
        elif packed and annotation.archive:
            path = folder / file_of(annotation.archive, "")
            path.parent.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(path, "w") as archive:
                for stem in NAMES:
                    save(folder / "one.png", picture(stem))
                    archive.write(folder / "one.png", file_of(pattern, stem).removeprefix("some-folder/"))
                    archive.writestr(f"__MACOSX/._{stem}.png", b"a leftover of the machine it was packed on")
            (folder / "one.png").unlink()
        else:
            for stem in NAMES:
                save(folder / file_of(pattern, stem), picture(stem))


def write_checksums(project: Project, name: str, folder: Path) -> None:
    """The authors' list, where the card knows one, in the form that they give it."""
    source = project.dataset(name).source
    assert isinstance(source, FileSource)
    if source.checksums is None:
        return
    listed = {}
    for number, path in enumerate(sorted(folder.rglob("*.png"))):
        md5 = hashlib.md5(path.read_bytes()).hexdigest()
        listed[str(number)] = {"image": {"file_path": path.relative_to(folder).as_posix(), "file_md5": md5}}
    path = folder / file_of(source.checksums, "")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(listed))


def check_pictures(prepared: Prepared, names: tuple[str, ...], hr: str | None, lr: str | None) -> None:
    """HR is what lay there, LR too, or what the card's degradation makes of HR."""
    card = prepared.card
    assert [entry.name for entry in prepared.entries] == list(names)
    assert {entry.split for entry in prepared.entries} == {card.split}
    for place, entry in enumerate(prepared.entries):
        assert (entry.hr is None, entry.lr is None) == (hr is None, lr is None and card.degradation is None)
        if hr:
            whole = stored(picture(entry.name), hr)
            if card.resize:
                height, width = card.resize.size
                whole = np.asarray(Image.fromarray(whole).resize((width, height), Image.Resampling[card.resize.filter.upper()]))
            assert np.array_equal(pixels(entry.hr), whole)
        if lr:
            assert np.array_equal(pixels(entry.lr), stored(smaller(picture(entry.name)), lr))
        elif isinstance(card.degradation, MatlabBicubic):
            made = bicubic_uint8(pixels(entry.hr), 0.25, dialect=card.degradation.dialect)
            assert np.array_equal(pixels(entry.lr), made)
        elif card.degradation is not None:
            from semsr.imaging.degradation.recipe import degrade

            made = degrade(pixels(entry.hr), recipe_of(card.degradation, card.scale), entry.name, place=place)
            assert np.array_equal(pixels(entry.lr), made.lr)


@pytest.mark.parametrize(("name", "layout", "folders"), list(sweep()))
def test_layout(workspace: Project, tmp_path: Path, name: str, layout: int, folders: str) -> None:
    project, folder = shrink(workspace, name), tmp_path / "copy"
    source = project.dataset(name).source
    assert isinstance(source, FileSource)
    write_pictures(project, name, layout, folder, folders)
    write_annotations(project, name, folder, packed=False)
    write_checksums(project, name, folder)
    prepared = prepare.run(project, name, folder, workers=1)
    check_pictures(prepared, NAMES[: source.first], source.layouts[layout].hr, source.layouts[layout].lr)
    for annotation in project.dataset(name).annotations:
        stems = NAMES if annotation.per_picture else ("",)
        assert {annotation.file.replace("{name}", stem) for stem in stems} <= prepared.annotations.keys()
    assert all(path.is_file() for path in prepared.annotations.values())


def test_the_miniatures_tell_layouts_apart(workspace: Project, tmp_path: Path) -> None:
    """A tree in which one LR picture has another name must not pass as another layout of the card."""
    project, folder = shrink(workspace, "div2k-train"), tmp_path / "copy"
    write_pictures(project, "div2k-train", 0, folder)
    next(folder.rglob("0002x4.png")).rename(folder / "some-folder/DIV2K_train_LR_bicubic/X4/0004x4.png")
    with pytest.raises(Exception, match=r"2 of 3 LR pictures have an HR partner; 0004x4\.png has none"):
        prepare.run(project, "div2k-train", folder, workers=1)


# Official archives, packed here, in the place of their mirrors.


def pack(folder: Path, archive: Path) -> Path:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if archive.name.endswith(".zip"):
        with zipfile.ZipFile(archive, "w") as packed:
            for path in files:
                packed.write(path, path.relative_to(folder).as_posix())
    else:
        with tarfile.open(archive, "w:gz" if archive.name.endswith(".gz") else "w") as tape:
            for path in files:
                tape.add(path, path.relative_to(folder).as_posix())
    return archive


def replace_assets(workspace: Project, declared_by: str, archives: dict[str, Path]) -> None:
    """Assets whose mirrors are the user's own files, with their true checksums."""
    path = workspace.root / "datasets" / declared_by / "assets.yaml"
    card = yaml.safe_load(path.read_text())
    for asset in card["assets"]:
        archive = archives[asset["id"]]
        asset["mirrors"] = [{"kind": "file", "path": str(archive)}]
        asset["sha256"] = hashlib.sha256(archive.read_bytes()).hexdigest()
        asset["md5"] = hashlib.md5(archive.read_bytes()).hexdigest()
        asset["size"] = archive.stat().st_size
        asset.pop("unpinned", None)
    path.write_text(yaml.safe_dump(card))


def official(name: str, folder: Path, project: Project) -> Iterator[tuple[str, Path]]:
    """(asset, its unpacked contents), as the publishers are known to pack them."""
    hr, lr = folder / "hr", folder / "lr"
    for stem in NAMES:
        if name == "div2k-valid":
            save(hr / f"DIV2K_valid_HR/{stem}.png", picture(stem))
            save(lr / f"DIV2K_valid_LR_bicubic/X4/{stem}x4.png", smaller(picture(stem)))
        elif name == "flickr2k":
            save(hr / f"Flickr2K/Flickr2K_HR/{stem}.png", picture(stem))
            save(hr / f"Flickr2K/Flickr2K_LR_bicubic/X4/{stem}x4.png", smaller(picture(stem)))
            save(hr / f"Flickr2K/Flickr2K_LR_bicubic/X2/{stem}x2.png", smaller(picture(stem)))
        elif name == "bsd100":
            save(hr / f"benchmark/B100/HR/{stem}.png", picture(stem))
            save(hr / f"benchmark/B100/LR_bicubic/X4/{stem}x4.png", smaller(picture(stem)))
            save(hr / f"benchmark/Urban100/HR/img{stem}.png", picture(f"img{stem}"))
        elif name == "realsr-v3":
            for folder_, camera in (("Test", "Canon"), ("Test", "Nikon"), ("Train", "Canon")):
                top, stem_ = hr / f"RealSR(V3)/{camera}/{folder_}/4", f"{camera}_{stem}"
                save(top / f"{stem_}_HR.png", picture(stem_))
                save(top / f"{stem_}_LR4.png", smaller(picture(stem_)))
        elif name == "coco-val2017":
            save(hr / f"val2017/{stem}.jpg", picture(stem))
    if name == "coco-val2017":
        write_annotations(project, name, folder / "all", packed=True)
        for part, pattern in (("detection", "instances*.json"), ("panoptic", "panoptic*")):
            for path in (folder / "all").rglob(pattern):
                target = folder / part / "annotations" / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
        yield from (("coco-val2017-images", hr), ("coco-annotations-2017", folder / "detection"))
        yield "coco-panoptic-2017", folder / "panoptic"
    elif name == "div2k-valid":
        yield from (("div2k-valid-hr", hr), ("div2k-valid-lr-x4", lr))
    else:
        yield {"flickr2k": "flickr2k", "bsd100": "edsr-benchmark", "realsr-v3": "realsr-v3"}[name], hr


@pytest.mark.parametrize(
    "name", ["div2k-valid", "flickr2k", "bsd100", "realsr-v3", pytest.param("coco-val2017", marks=pytest.mark.slow)]
)
def test_official_archives(workspace: Project, tmp_path: Path, name: str) -> None:
    """Two zip files, a tar, a tar.gz of two cameras, and three zip files with one more inside: fetched, verified, opened, prepared."""

    def both_cameras(card: dict[str, Any]) -> None:
        card["count"] *= 2 if name == "realsr-v3" else 1

    project = shrink(workspace, name, both_cameras)
    archives = {
        asset: pack(folder, tmp_path / project.asset(asset).file)
        for asset, folder in official(name, tmp_path / "packing", project)
    }
    replace_assets(workspace, name, archives)
    prepared = prepare.run(Project(workspace.root), name, workers=1)
    names = NAMES if name != "realsr-v3" else tuple(f"{camera}_{stem}" for camera in ("Canon", "Nikon") for stem in NAMES)
    jpeg = name == "coco-val2017"
    check_pictures(prepared, names, "x.jpg" if jpeg else "x.png", None if jpeg else "x.png")
    if jpeg:
        assert sorted(path.name for path in prepared.annotations.values()) == sorted(
            ["instances.json", "panoptic.json", *(f"{stem}.png" for stem in NAMES)]
        )
        one = prepared.annotations[f"annotations/panoptic/{NAMES[1]}.png"]
        assert np.array_equal(pixels(one), picture(NAMES[1]))


# Data sets made from others.


def test_df2k_is_both(workspace: Project, tmp_path: Path) -> None:
    for name, stems in (("div2k-train", NAMES), ("flickr2k", ("000001", "000002"))):

        def count(card: dict[str, Any], stems: tuple[str, ...] = stems) -> None:
            card["count"] = len(stems)

        project = shrink(workspace, name, count)
        source = project.dataset(name).source
        assert isinstance(source, FileSource)
        for stem in stems:
            save(tmp_path / name / file_of(str(source.layouts[0].hr), stem), picture(stem))
            save(tmp_path / name / file_of(str(source.layouts[0].lr), stem), smaller(picture(stem)))
        prepare.run(project, name, tmp_path / name, workers=1)
    project = shrink(workspace, "df2k", lambda card: card.update(count=5))
    prepared = prepare.run(project, "df2k", workers=1)
    check_pictures(prepared, ("000001", "000002", *NAMES), "x.png", "x.png")


@pytest.mark.slow
def test_div2k_val_is_drawn_from_the_validation_pictures(workspace: Project, tmp_path: Path) -> None:
    """Crops of 32 instead of 512; the recipe is SeeSR's, whose ground truth is sharpened."""
    project = shrink(workspace, "div2k-valid")
    write_pictures(project, "div2k-valid", 0, tmp_path / "copy")
    prepare.run(project, "div2k-valid", tmp_path / "copy", workers=1)

    def smaller_crops(card: dict[str, Any]) -> None:
        card["count"] = card["source"]["crops"]["count"] = 12
        card["source"]["crops"]["size"] = 32

    prepared = prepare.run(shrink(workspace, "div2k-val", smaller_crops), "div2k-val", workers=1)
    assert len(prepared.test) == 12
    assert {entry.hr_size for entry in prepared.entries} == {(32, 32)}
    assert {entry.lr_size for entry in prepared.entries} == {(8, 8)}
    assert [entry.name.rpartition("-")[0] for entry in prepared.entries] == [stem for stem in NAMES for _ in range(4)]
    assert len({entry.hr_sha256 for entry in prepared.entries}) == 12
    whole = picture(NAMES[0])
    windows = {whole[y : y + 32, x : x + 32].tobytes() for y in range(SIDES[0] - 31) for x in range(SIDES[1] - 31)}
    assert not any(pixels(entry.hr).tobytes() in windows for entry in prepared.entries[:4]), "the ground truth is not sharpened"
