"""Pages on which pictures are looked at side by side: what they show, and which files lie beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from pathlib import Path

from semsr.files import write_atomic
from semsr.leaderboard.data import data_script
from semsr.leaderboard.model import Site, Viewable
from semsr.leaderboard.per_image_files import PerImageFile, write_per_image
from semsr.leaderboard.picture_files import place, size_of, slugs

Render = Callable[[str, Mapping[str, object]], str]
"""Template name and what it is given -> page."""

LR, HR = "lr", "hr"
"""Keys of the inputs among what can be looked at; rows have a slash in theirs."""


def viewer_pages(site: Site) -> dict[str, str]:
    """The page of each viewable, by its id."""
    return {name: f"viewer-{slug}.html" for name, slug in slugs(viewable.id for viewable in site.viewables).items()}


def write_viewer(site: Site, out: Path, render: Render, pictures: int | None) -> None:
    """Write a page, a data file and pictures for each viewable of the site.

    Args:
        site: what to show.
        out: a fresh folder for the site; pictures go to `pictures/`, data to `data/`.
        render: renders `viewer.html`.
        pictures: how many images of a data set at most; None for all. With 0 there is no viewer at all.

    Raises:
        PictureError: a picture is missing or can't be read.
        StorageError: the disk is full or can't be written.
    """
    if pictures == 0:
        return
    values = write_per_image(site, out)
    pages = viewer_pages(site)
    titles = {page.id: page.title for page in site.pages if page.kind == "dataset"}
    sanity = {row.key for table in site.tables for block in table.blocks for row in block.rows if row.sanity}
    for viewable in site.viewables:
        page = pages[viewable.id]
        slug = page.removesuffix(".html")
        images = viewable.images[:pictures]
        shown = [file for file in values if file.values.dataset == viewable.dataset]
        content = _content(viewable, images, slug, shown, sanity, out)
        write_atomic(out / "data" / f"{slug}.js", data_script(slug, content), durable=False)
        context = {
            "title": f"{titles.get(viewable.dataset, viewable.dataset)}: pictures",
            "page": page,
            "viewable": viewable,
            "count": len(images),
            "data_key": slug,
            "data_src": f"data/{slug}.js",
        }
        write_atomic(out / page, render("viewer.html", context), durable=False)


def _content(
    viewable: Viewable, images: tuple[str, ...], slug: str, values: list[PerImageFile], sanity: Set[str], out: Path
) -> dict[str, object]:
    """The data file's content; on the way, each picture is put beside the pages."""
    files = slugs(images)
    folder = f"pictures/{slug.removeprefix('viewer-')}"
    folders = slugs((LR, HR, *viewable.rows))
    for key, pictures in _sources(viewable):
        for image in images:
            if image in pictures:
                place(pictures[image], out / folder / folders[key] / f"{files[image]}.png")
    return {
        "id": viewable.id,
        "dataset": viewable.dataset,
        "scale": viewable.scale,
        "of": viewable.of,
        "folder": folder,
        "images": [_image(viewable, image, files[image]) for image in images],
        "choices": [
            {
                "key": key,
                "label": label,
                "folder": folders[key],
                "sanity": key in sanity,
                "missing": [number for number, image in enumerate(images) if image not in pictures],
            }
            for key, label, pictures in _choices(viewable)
        ],
        "values": [file.reference for file in values],
    }


def _sources(viewable: Viewable) -> Iterator[tuple[str, Mapping[str, Path]]]:
    return ((key, pictures) for key, _, pictures in _choices(viewable))


def _choices(viewable: Viewable) -> Iterator[tuple[str, str, Mapping[str, Path]]]:
    yield LR, "LR", viewable.lr
    if viewable.hr is not None:
        yield HR, "HR", viewable.hr
    for key, (label, pictures) in viewable.rows.items():
        yield key, label, pictures


def _image(viewable: Viewable, image: str, file: str) -> dict[str, object]:
    """One image: its size in LR, and that of what is restored, the frame in which all pictures of it lie."""
    width, height = size_of(viewable.lr[image])
    frame = (width * viewable.scale, height * viewable.scale)
    if viewable.hr is not None and image in viewable.hr:
        frame = size_of(viewable.hr[image])
    return {"name": image, "file": file, "lr": (width, height), "frame": frame}
