"""What a machine's passport holds, how it is kept and what it says of noise."""

from __future__ import annotations

import getpass
import json
import math
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from semsr.errors import SemsrError, StorageError
from semsr.machine import machine_facts, note_machine
from semsr.passport import Deviation, Passport, keep_passport, machine_noise, passport_id, passport_path, read_passport
from semsr.places import Places
from semsr.restoration.python import make_deterministic

FACTS: dict[str, Any] = {"system": {"kernel": "Linux"}, "packages": {"numpy": "2.4.6"}, "variables": {}}


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def deviation(metric: str, largest: float, *, elsewhere: bool = True, column: str = "") -> Deviation:
    return Deviation(metric, column or f"{metric}@1{{}}", largest, 4, elsewhere)


def test_the_id_is_of_the_facts_alone() -> None:
    # echo -n '{"packages":{"numpy":"2.4.6"},"system":{"kernel":"Linux"},"variables":{}}' | sha256sum
    assert Passport(FACTS).id == "3cc9ca70fd69"
    assert passport_id(dict(reversed(FACTS.items()))) == Passport(FACTS).id
    assert Passport(FACTS, "1999-01-01", (deviation("psnr", 1.0),)).id == Passport(FACTS).id
    assert Passport(FACTS | {"variables": {"OMP_NUM_THREADS": "1"}}).id != Passport(FACTS).id


def test_it_is_read_as_it_was_kept(places: Places) -> None:
    for canaries in (None, (), (deviation("psnr", 0.0, elsewhere=False), deviation("lpips", 1e-7))):
        passport = Passport(FACTS, canaries=canaries)
        assert keep_passport(places, passport) == places.root / "results" / "passports" / f"{passport.id}.json"
        assert read_passport(places, passport.id) == passport
    odd = Passport(FACTS, canaries=(deviation("psnr", math.nan),))
    keep_passport(places, odd)
    found = read_passport(places, odd.id)
    assert found is not None and found.canaries is not None and math.isnan(found.canaries[0].largest)
    assert read_passport(places, "0" * 12) is None


def test_noise_is_what_another_machine_s_values_were_missed_by(places: Places) -> None:
    canaries = (
        deviation("lpips", 1e-7, column="a"), deviation("lpips", 4e-7, column="b"), deviation("psnr", math.nan),
        deviation("ssim", 0.0, elsewhere=False), deviation("niqe", 0.0),
    )  # fmt: skip
    keep_passport(places, Passport(FACTS, canaries=canaries))
    assert machine_noise(places, Passport(FACTS).id) == {"lpips": 4e-7, "niqe": 0.0}
    assert machine_noise(places, "") == machine_noise(places, "0" * 12) == {}
    keep_passport(places, Passport(FACTS))
    assert machine_noise(places, Passport(FACTS).id) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a readable passport"),
        ("[]", "not a readable passport"),
        ('{"facts": {}, "created": "x", "canaries": [{"metric": "psnr"}]}', "not a readable passport"),
        ('{"facts": {"packages": {}}, "created": "x"}', "its facts are those of [0-9a-f]{12}; it was changed by hand"),
    ],
)
def test_a_damaged_one_is_one_clear_line(places: Places, text: str, message: str) -> None:
    path = passport_path(places, Passport(FACTS).id)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(SemsrError, match=rf"^results/passports/{Passport(FACTS).id}\.json: {message}.*run `semsr doctor`$"):
        read_passport(places, Passport(FACTS).id)


@pytest.mark.parametrize("name", ["../../secret", "0" * 11, "0" * 13, "ABCDEFABCDEF"])
def test_what_is_no_id_opens_no_file(places: Places, name: str) -> None:
    with pytest.raises(SemsrError, match="must be 12 hexadecimal digits"):
        read_passport(places, name)


def test_the_facts_say_what_moves_numbers_and_name_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np
    import torch

    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("PYTHONPATH", "/somewhere/secret")
    facts = machine_facts()
    assert facts["packages"]["numpy"] == np.__version__ and facts["torch"]["version"] == torch.__version__
    assert facts["processor"]["architecture"] == platform.machine() and facts["processor"]["cores"] >= 1
    assert facts["variables"]["OMP_NUM_THREADS"] == "3"
    assert len(facts["torch"]["gpus"]) == torch.cuda.device_count()
    text = json.dumps(facts)
    assert json.loads(text) == facts
    hidden = {"/somewhere/secret", platform.node(), str(Path.home()), str(Path.cwd()), sys.prefix}
    if len(getpass.getuser()) > 4:
        hidden.add(getpass.getuser())
    assert not [name for name in hidden if len(name) > 4 and name in text]
    assert machine_facts() == facts, "the same machine has one id"
    make_deterministic(1)
    assert machine_facts() == facts, "also once something has been restored"


def test_a_passport_that_is_there_stays_as_it_is(places: Places) -> None:
    name = note_machine(places)
    first = read_passport(places, name)
    assert first is not None and first.canaries is None
    keep_passport(places, replace(first, canaries=(deviation("psnr", 0.0),)))
    assert note_machine(places) == name
    found = read_passport(places, name)
    assert found is not None and found.canaries == (deviation("psnr", 0.0),)


def test_a_full_disk_is_one_clear_line(tmp_path: Path, small_disk: Path) -> None:
    (tmp_path / "results").symlink_to(small_disk)
    with (small_disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space left"):
        while True:
            filler.write(b"\0" * 4096)
    with pytest.raises(StorageError, match="no space left on the disk"):
        note_machine(Places(tmp_path))
    (small_disk / "filler").unlink()


def test_reading_needs_no_torch(places: Places) -> None:
    name = note_machine(places)
    code = (
        "import sys; from pathlib import Path; from semsr.places import Places; from semsr import passport\n"
        f"places = Places(Path({str(places.root)!r})); passport.machine_noise(places, {name!r})\n"
        "print([heavy for heavy in ('torch', 'numpy', 'pandas') if heavy in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
