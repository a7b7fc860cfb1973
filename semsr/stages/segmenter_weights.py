"""A segmenter's weights as verified files: what was trained here, or the first of its card's alternatives that can be had."""

from __future__ import annotations

from semsr.assets.store import Store
from semsr.assets.verification import digest
from semsr.cards import ProfileCard, SegmenterCard
from semsr.errors import SegmenterError, WeightsError
from semsr.project import GENERATOR, TRAINED, Project
from semsr.restoration.cell import FINGERPRINT, read_json
from semsr.restoration.weights import TRAINED_HERE, WeightsFiles, get_alternatives


class SegmenterNotTrainedError(SegmenterError):
    """A segmenter that is trained here has not been, or not to the end."""


def get(project: Project, profile: ProfileCard, card: SegmenterCard, store: Store) -> WeightsFiles:
    """The files that `Segmenter.files` is set to, and their record.

    Args:
        project: knows the assets and where trained segmenters lie.
        profile: that it was trained in.
        card: of the segmenter; one without weights has no files.
        store: where assets are kept.

    Raises:
        SegmenterNotTrainedError: it has not been trained, or not to the end.
        WeightsError: what the training left has been harmed since: its record, or the weights.
        MissingAssetsError: no alternative can be had. UnknownIdError: the card names an asset that no assets.yaml has.
    """
    if card.training is None:
        return get_alternatives(project, card.weights, store)
    folder = project.trained_segmenter(profile.id, card.id)
    told, weights = folder / TRAINED, folder / GENERATOR
    again = f"run `semsr train {card.id}` in profile {profile.id}"
    if not told.is_file():
        raise SegmenterNotTrainedError(
            f"segmenter {card.id!r} has not been trained to the end in profile {profile.id} (no {project.show(told)}); {again}"
        )
    record = read_json(told)
    expected = record.get("generator_sha256")
    if not isinstance(record.get(FINGERPRINT), str) or not isinstance(expected, str):
        raise WeightsError(f"{project.show(told)}: damaged, or not the record of a training; {again}")
    if not weights.is_file():
        raise WeightsError(f"{project.show(weights)}: not there, though {told.name} says it was trained; {again}")
    if (found := digest(weights)) != expected:
        raise WeightsError(f"{project.show(weights)}: wrong sha256 (expected {expected}, found {found}); {again}")
    return WeightsFiles({"generator": weights}, [{"asset": f"{TRAINED_HERE}{card.id}", "sha256": found}])
