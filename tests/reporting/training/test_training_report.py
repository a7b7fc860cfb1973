"""`semsr train-report` as a whole: the page that it writes."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from semsr.errors import SemsrError, StorageError
from semsr.imaging.pictures import Rgb, read_rgb, write_png
from semsr.preparation.manifest import open_prepared
from semsr.project import ROOT_VARIABLE, Project
from semsr.reporting.training.attention import attentions
from semsr.reporting.training.attention_maps import cut_pairs
from semsr.reporting.training.features import as_images
from semsr.reporting.training.read import read_trainings
from semsr.stages import training_report
from semsr.stages.rebuilt import Rebuilt

Train = Callable[..., Path]
Prepare = Callable[..., Path]
Waves = Callable[..., Rgb]

# The strict reader of pages stands beside the tests of the other page.
_spec = importlib.util.spec_from_file_location("report_tests", Path(__file__).parents[1] / "test_report.py")
assert _spec is not None and _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)


def build(project: Project, **options: Any) -> Any:
    path = training_report.run(project, project.profile("tiny"), **{"per_class": 9, **options})
    text = path.read_text(encoding="utf-8")
    # Figures bring references into themselves, which the reader of the other page does not know.
    for name in set(re.findall(r'(?:href="|url\()#([^")]+)', text)):
        assert f'id="{name}"' in text
    page = _module.Page(path)
    plain = re.sub(r"url\(#[^)]*\)|<use [^>]*>", "", text)
    assert not re.search(r"<script|<link|<iframe|https?://(?!www\.w3\.org/)|url\(| on[a-z]+=|/root/|/tmp/", plain)
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for attributes in page.attributes("img"):
        assert attributes["alt"] and attributes["width"] and attributes["height"]
        rgb = read_rgb(path.parent / _module.unquote(attributes["src"]))
        assert rgb.shape[:2] == (int(attributes["height"]), int(attributes["width"]))
    return page


def rows(page: Any, label: str) -> list[list[str]]:
    """Cells of the rows of a table whose region is labelled by `label`."""
    html = page.path.read_text(encoding="utf-8")
    table = re.search(rf'aria-labelledby="{label}".*?<tbody>(.*?)</tbody>', html, re.DOTALL)
    assert table, label
    return [
        [unescape(re.sub("<.*?>", "", cell)).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr>.*?</tr>", table[1], re.DOTALL)
    ]


def test_nothing_trained(toys: Project) -> None:
    page = build(toys)
    assert "Nothing has been trained in this profile yet" in page.text
    assert page.path == toys.root / "results" / "tiny" / "training-report" / "index.html"
    assert [path.name for path in page.path.parent.iterdir()] == ["index.html"]


def test_numbers_are_those_of_the_files(toys: Project, train: Train) -> None:
    head = "step,seconds,rate,pixel,adversarial,norm_generator\n20,1,1e-4,0.5,0.7,9\n"
    for seed in (1, 2, 3):
        train("plain", seed, log=f"{head}40,2,1e-4,0.{seed}234567,0.69,8\n")
    page = build(toys)
    assert rows(page, "toy-lsdir-trainings") == [
        ["plain", str(seed), "40", "12.5", f"0.{seed}2346", "0.69", f"20.5 → {22 + seed}.125"] for seed in (1, 2, 3)
    ]
    assert rows(page, "toy-lsdir-changes") == [["plain", "psnr", "3", "+3.625", "+2.625 to +4.625", "24.125"]]
    figures = [attributes["aria-label"] for attributes in page.attributes("svg") if attributes.get("role") == "img"]
    assert [label.partition(" ")[0] for label in figures] == ["pixel", "adversarial", "norm_generator", "psnr"]
    assert "toy/plain@1, toy/plain@2, toy/plain@3" in figures[0]
    assert "No finished training left a discriminator" in page.text
    assert "No training kept sample pictures" in page.text


def test_a_curve_is_drawn_through_its_points(toys: Project, train: Train) -> None:
    """Three lines from one place; in the SVG their heights are a linear function of the values."""
    for seed in (1, 2, 3):
        train("plain", seed, validation=f"step,psnr\n0,20\n20,{20 + seed}\n40,{20 + 3 * seed}\n")
    page = build(toys)
    html = page.path.read_text()
    svg = html[html.index('aria-label="psnr over steps') :]
    svg = svg[: svg.index("</svg>")]
    lines = [re.findall(r"[ML] ([\d.]+) ([\d.]+)", path) for path in re.findall(r'<path d="([^"]*)"[^>]*stroke: #0072b2', svg)]
    lines = [line for line in lines if len(line) == 3]
    assert len(lines) == 3
    heights = np.array([[float(y) for _, y in line] for line in lines])
    values = np.array([[20, 20 + seed, 20 + 3 * seed] for seed in (1, 2, 3)])
    slope, offset = np.polyfit(values.flatten(), heights.flatten(), 1)
    np.testing.assert_allclose(slope * values + offset, heights, atol=1e-3)
    assert slope < 0
    assert "currentColor" in svg and "#010203" not in html


def test_text_from_outside_is_escaped(toys: Project, train: Train) -> None:
    evil = "<script>alert('x')</script> & \"y\""
    train("plain", 1, record={"label": evil}, log='step,"<b>&loss"\n10,1\n20,2\n')
    page = build(toys)
    assert evil in page.text
    assert "<b>&loss" in page.text
    assert "Tiny <things>" in page.text


def test_what_is_missing_is_said(toys: Project, train: Train) -> None:
    train("base", 1)
    train("plain", 1, "plain", ended=False)
    (train("plain", 2, "plain") / "discriminator.safetensors").unlink()
    train("plain", 3, record={"recipe": None})
    page = build(toys)
    assert "plain@1/train.json: not there: the training has not ended" in page.text
    assert "toy/plain@2: there is no discriminator.safetensors" in page.text
    assert "toy/plain@3: its train.json holds no recipe that this version reads" in page.text
    assert "No finished training left a discriminator" in page.text
    assert "40 so far" in page.text


def test_no_data_set_no_pictures(toys: Project, train: Train) -> None:
    train("aware", 1, "aware", samples={0: {"a": np.zeros((64, 64, 3), np.uint8)}})
    page = build(toys)
    assert "There are no pictures in classes" in page.text and "semsr prepare urban100" in page.text
    assert "no photograph with LR is large enough" in page.text
    assert "LR and HR can't be shown" in page.text
    assert len(page.attributes("img")) == 1


def test_too_few_pictures_for_tsne(toys: Project, train: Train, prepare: Prepare, waves: Waves) -> None:
    prepare("urban100", {name: waves(number, 64, 64) for number, name in enumerate("ab")})
    train("plain", 1, "plain")
    page = build(toys)
    assert "too few pictures for t-SNE" in page.text
    assert len(rows(page, "toy-lsdir-classes")) == 4  # seed 1, untrained, colour, chance


def test_weights_of_another_network(toys: Project, train: Train, prepare: Prepare, waves: Waves) -> None:
    prepare("urban100", {f"p{number}": waves(number, 192, 192) for number in range(3)})
    folder = train("plain", 1, "plain")
    train("plain", 2, "plain")
    weights = load_file(folder / "discriminator.safetensors")
    weights.pop("last.bias")
    save_file(weights, folder / "discriminator.safetensors")
    torn = train("aware", 1, "aware")
    (torn / "discriminator.safetensors").write_bytes(b"torn")
    page = build(toys)
    assert "plain, seed 1: " in page.text and "not the weights of this variant's discriminator" in page.text
    assert "aware, seed 1: " in page.text and "damaged" in page.text
    assert [row[1] for row in rows(page, "toy-lsdir-classes") if row[0] == "plain"] == ["seed 2", "untrained"]


def test_a_method_that_is_gone(toys: Project, train: Train) -> None:
    folder = train("old", 1, method="gone")
    (folder / "discriminator.safetensors").write_bytes(b"")
    record = json.loads((folder / "train.json").read_text())
    record["recipe"] |= {"discriminator": {"network": "plain"}, "losses": {"adversarial": {"weight": 1}}}
    (folder / "train.json").write_text(json.dumps(record))
    assert "unknown method 'gone'" in build(toys).text


@pytest.fixture
def trained(toys: Project, train: Train, prepare: Prepare, waves: Waves) -> Project:
    """Both variants with two seeds, samples and a data set."""
    pictures = {f"p{number} <b>": waves(number, 256, 256) for number in range(4)}
    prepare("urban100", pictures)
    shown = {name: rgb // 2 for name, rgb in list(pictures.items())[:1]}
    for seed in (1, 2):
        train("plain", seed, "plain", samples={0: shown, 40: shown})
        train("aware", seed, "aware", samples={0: shown, 40: shown})
    return toys


def test_discriminators_by_class(trained: Project) -> None:
    first = build(trained)
    found = rows(first, "toy-lsdir-classes")
    assert [row[:2] for row in found] == [
        ["plain", "seed 1"],
        ["plain", "seed 2"],
        ["plain", "untrained"],
        ["aware", "seed 1"],
        ["aware", "seed 2"],
        ["aware", "untrained"],
        ["Mean colour of the picture", ""],
        ["aware: semantic extractor alone", ""],
        ["Chance", ""],
    ]
    assert {row[6] for row in found[:6]} == {"what goes into last"}
    purities = [float(row[3]) for row in found if row[0] == "plain"][:2]
    spread = rows(first, "toy-lsdir-spread")[0]
    assert spread[:2] == ["plain", "2"]
    assert spread[3].endswith(f"({min(purities):.3f} to {max(purities):.3f})")
    assert "not the seven ImageNet classes" in first.text
    assert "fish, plane, barn, train, daisy, dog, monarch" in first.text
    panels = [its for its in first.attributes("svg") if "t-SNE of" in (its.get("aria-label") or "")]
    assert len(panels) == 6
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "", first.path.read_text())
    again = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "", build(trained).path.read_text())
    assert text == again  # t-SNE too


def test_attention_on_the_page_is_the_networks(trained: Project) -> None:
    page = build(trained)
    found = rows(page, "toy-lsdir-attention-1")
    assert [row[0] for row in found] == ["seed 1", "seed 2", "untrained"]
    assert {row[2] for row in found} == {"16 × 256"}
    assert all(float(row[7]) < 1e-5 for row in found)
    assert "plain: its discriminator has no cross-attention" in page.text
    # The entropy again, from the author's own weights.
    pairs, _ = cut_pairs(open_prepared(trained, "urban100").test, 64, 4)
    subject = Rebuilt(trained, [its for its in read_trainings(trained, "tiny") if its.variant == "aware"])
    network, condition = subject.discriminator(1).eval(), subject.condition()
    hr = as_images(np.stack([pair.hr for pair in pairs]), torch.device("cpu"))
    with torch.no_grad():
        assert condition is not None
        told = condition(hr)
        (own,) = attentions(network, hr, told)
        x = torch.nn.functional.leaky_relu(network.first(hr), 0.2)
        weights = network.att.attention_weights(told, torch.nn.functional.leaky_relu(network.second(x), 0.2)).double()
    entropy = float((-(weights * weights.log()).sum(-1) / np.log(256)).mean())
    assert float(found[0][3]) == pytest.approx(entropy, abs=6e-5)
    torch.testing.assert_close(own.weights, weights, rtol=1e-4, atol=1e-6)


def test_even_attention_is_not_drawn(trained: Project) -> None:
    """Queries of zeros attend to everything alike."""
    for path in trained.results("tiny").glob("trained/toy/lsdir/aware@*/discriminator.safetensors"):
        weights = load_file(path)
        weights["att.transformer_blocks.0.attn2.to_q.weight"].zero_()
        save_file(weights, path)
    page = build(trained)
    assert "No map is drawn of att (seed 1): every token attends to all pixels nearly alike" in page.text
    found = rows(page, "toy-lsdir-attention-1")
    assert found[0][3:7] == ["1.0000", "1.0000", "0.0000", "0.0000"]
    assert not [its for its in page.attributes("img") if "attention" in (its["src"] or "")]


def test_samples_stand_side_by_side(trained: Project) -> None:
    page = build(trained)
    shown = [its for its in page.attributes("img") if "samples/toy-plain" in (its["src"] or "")]
    assert [its["alt"].partition(": ")[2] for its in shown] == ["LR", "step 0", "step 40, seed 1", "step 40, seed 2", "HR"]
    pixels = [read_rgb(page.path.parent / _module.unquote(its["src"])) for its in shown]
    assert {rgb.shape for rgb in pixels} == {(176, 176, 3)}
    np.testing.assert_array_equal(pixels[1], pixels[4] // 2)
    np.testing.assert_array_equal(pixels[0][::4, ::4], pixels[4][::4, ::4])  # `prepare` makes LR by leaving out


def test_own_pictures_and_another_layer(trained: Project, tmp_path: Path, waves: Waves) -> None:
    for number, name in enumerate(("barn", "d<o>g")):
        for picture in range(6):
            write_png(tmp_path / "classes" / name / f"{picture}.png", waves(10 * number + picture, 90, 70))
    page = build(trained, pictures=tmp_path / "classes", layer="second")
    assert "12 pictures of 64 × 64 pixels in 2 classes: the folders of classes" in page.text
    assert "These are not the seven" not in page.text and "d<o>g" in page.text
    assert rows(page, "toy-lsdir-classes")[0][6] == "what comes out of second"
    page = build(trained, layer="nowhere")
    assert "layer 'nowhere': the discriminator has no such module; it has first, second, last" in page.text
    with pytest.raises(SemsrError, match="no such folder"):
        build(trained, pictures=tmp_path / "gone")


def test_pictures_of_an_earlier_page_go_others_stay(trained: Project) -> None:
    folder = build(trained).path.parent / "pictures"
    mine = folder / "attention" / "mine.txt"
    mine.write_text("mine")
    before = {path.relative_to(folder).as_posix() for path in folder.glob("*/*")}
    assert "attention/toy-lsdir-aware-att.png" in before
    for weights in trained.results("tiny").glob("trained/*/*/*/discriminator.safetensors"):
        weights.unlink()
    build(trained)
    after = {path.relative_to(folder).as_posix() for path in folder.glob("*/*")}
    assert before - after == {"attention/toy-lsdir-aware-att.png"}


def test_places_that_are_impossible(toys: Project, tmp_path: Path, read_only_disk: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "page" / "index.html"
    file.write_text("mine")
    link.parent.mkdir()
    link.symlink_to(file)
    for out in (file, file / "below", link.parent, Path("/proc/nowhere"), read_only_disk, tmp_path / ("n" * 300)):
        with pytest.raises(StorageError) as told:
            training_report.run(toys, toys.profile("tiny"), out)
        assert len(str(told.value).splitlines()) == 1
    assert file.read_text() == "mine" and link.is_symlink()


def test_from_the_command_line(toys: Project, train: Train, tmp_path: Path) -> None:
    train("plain", 1)
    command = [sys.executable, "-m", "semsr", "train-report", "--profile", "tiny", "--out", str(tmp_path / "page")]
    environment = {ROOT_VARIABLE: str(toys.root), "HOME": os.environ.get("HOME", "")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "1 training; written:" in done.stderr
    assert (tmp_path / "page" / "index.html").is_file()
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [*command[:-1], str(tmp_path / "file" / "x")], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and done.stderr.startswith("error: ") and len(done.stderr.splitlines()) == 1


def test_without_a_discriminator_torch_is_not_loaded(toys: Project, train: Train) -> None:
    train("plain", 1)
    code = (
        "import sys; from semsr.project import Project; from semsr.stages import training_report as stage\n"
        "project = Project.find(); stage.run(project, project.profile('tiny')); sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={ROOT_VARIABLE: str(toys.root)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
