"""Machine noise as `semsr doctor` measured it on the machines that results were made on."""

from __future__ import annotations

from semsr.passport import machine_noise, passport_path
from semsr.places import Places
from semsr.reproduction.verdict import Part


def measured_noise(places: Places) -> dict[str, Part]:
    """The largest deviation of each metric's canaries, by metric id, over all passports that are kept with the results.

    A deviation is of single pictures, so it bounds that of a mean. Nothing is said where no machine was compared with another one.

    Raises:
        SemsrError: a passport can't be read.
    """
    found: dict[str, Part] = {}
    folder = passport_path(places, "").parent
    for path in sorted(folder.glob("*.json")):
        for metric, size in machine_noise(places, path.stem).items():
            if metric not in found or size > found[metric].size:
                source = f"canary pictures on machine {path.stem} against another machine's values (`semsr doctor`)"
                found[metric] = Part("machine", size, source)
    return found
