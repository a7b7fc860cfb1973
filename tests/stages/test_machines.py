"""Machine noise for tolerances: the largest that any machine of the results shows against another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from semsr.errors import SemsrError
from semsr.passport import Deviation, Passport, keep_passport, passport_path
from semsr.places import Places
from semsr.stages.machines import measured_noise


def test_the_largest_deviation_of_all_machines_counts(tmp_path: Path) -> None:
    places = Places(tmp_path)
    assert measured_noise(places) == {}
    for cpu, psnr, lpips in (("one", 1e-6, 3e-7), ("two", 5e-6, 1e-7)):
        canaries = (Deviation("psnr", "psnr@1", psnr, 4, True), Deviation("lpips", "lpips@1", lpips, 4, True))
        keep_passport(places, Passport({"cpu": cpu}, canaries=(*canaries, Deviation("ssim", "ssim@1", 0.1, 4, False))))
    found = measured_noise(places)
    assert {metric: part.size for metric, part in found.items()} == {"psnr": 5e-6, "lpips": 3e-7}, (
        "a machine against itself says nothing"
    )
    assert Passport({"cpu": "two"}).id in found["psnr"].source and found["psnr"].name == "machine"


def test_a_damaged_passport_is_one_line(tmp_path: Path) -> None:
    path = passport_path(Places(tmp_path), "0" * 12)
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(SemsrError, match=r"results/passports/0+\.json: not a readable passport"):
        measured_noise(Places(tmp_path))
