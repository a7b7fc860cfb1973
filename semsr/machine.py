"""Finds out what this machine is, as far as that may move a number."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from semsr.cores import available_cores
from semsr.passport import Passport, keep_passport, passport_id, passport_path
from semsr.places import Places

PACKAGES = (
    "accelerate", "diffusers", "einops", "ncnn", "numpy", "open_clip_torch", "pandas", "pillow", "pyarrow", "pycocotools",
    "pyiqa", "safetensors", "scikit-image", "scikit-learn", "scipy", "spandrel", "spandrel-extra-arches", "timm", "tokenizers", "torch",
    "torchvision", "transformers",
)  # fmt: skip
"""Whose code computes pictures or numbers."""

VARIABLES = (
    "ATEN_CPU_CAPABILITY", "DNNL_DEFAULT_FPMATH_MODE", "DNNL_MAX_CPU_ISA", "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS", "MKL_NUM_THREADS", "NPY_DISABLE_CPU_FEATURES", "NVIDIA_TF32_OVERRIDE", "OMP_NUM_THREADS",
    "ONEDNN_DEFAULT_FPMATH_MODE", "ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
)  # fmt: skip
"""What chooses threads, instructions or precision in numeric libraries and is not set by this package itself, so that a machine has one id
however far a run has come; none of them holds a name or a folder."""

INSTRUCTIONS = re.compile(r"(sse4_[12]|avx\w*|fma|f16c|amx\w*|neon|asimd\w*|sve\w*|bf16|i8mm)")


def machine_facts() -> dict[str, Any]:
    """Everything about this machine that may move a number, as plain values.

    Operating system and C library, processor with its instruction sets and how many cores this process may use, graphics cards with their
    driver, Python, the packages that compute numbers, how BLAS and torch are built, and the environment variables they read. No name of the
    machine or its user, and no folder. Imports torch, which takes seconds where it is not loaded yet.
    """
    return {
        "system": _system(),
        "processor": _processor(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": _packages(),
        "blas": _blas(),
        "torch": _torch(),
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


def note_machine(places: Places) -> str:
    """The id of this machine's passport; the passport is written where there is none. Raises: StorageError."""
    facts = machine_facts()
    passport = passport_id(facts)
    if not passport_path(places, passport).is_file():
        keep_passport(places, Passport(facts))
    return passport


def _system() -> dict[str, str]:
    release = {}
    with suppress(OSError):
        release = platform.freedesktop_os_release()
    name = release.get("PRETTY_NAME") or f"{platform.system()} {platform.release()}"
    return {"name": name, "kernel": platform.system(), "libc": " ".join(platform.libc_ver())}


def _processor() -> dict[str, Any]:
    model, flags = platform.processor(), ""
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        model = _line(text, "model name") or _line(text, "CPU part") or model
        flags = _line(text, "flags") or _line(text, "Features")
    known = sorted(set(flags.split()), key=str)
    return {
        "architecture": platform.machine(),
        "model": model,
        "instructions": [flag for flag in known if INSTRUCTIONS.fullmatch(flag)],
        "cores": available_cores(),
    }


def _line(text: str, key: str) -> str:
    """The value of the first line `key : value`; empty without one."""
    found = re.search(rf"^{re.escape(key)}\s*:[ \t]*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _blas() -> dict[str, str]:
    """What numpy multiplies matrices with; its folders are left out."""
    import numpy as np

    config: Any = np.show_config(mode="dicts")
    built = config.get("Build Dependencies", {}).get("blas", {})
    return {key: str(built[key]) for key in ("name", "version", "openblas configuration") if key in built}


def _torch() -> dict[str, Any]:
    import torch

    backends: Any = torch.backends  # whose functions carry no types
    facts: dict[str, Any] = {
        "version": torch.__version__,
        "instructions": backends.cpu.get_cpu_capability(),
        "mkl": backends.mkl.is_available(),
        "mkldnn": backends.mkldnn.is_available(),
        "openmp": backends.openmp.is_available(),
        "cuda": torch.version.cuda,
        "gpus": [],
    }
    if torch.cuda.is_available():
        facts["gpus"] = [
            f"{torch.cuda.get_device_name(at)}, compute capability {'.'.join(map(str, torch.cuda.get_device_capability(at)))}"
            for at in range(torch.cuda.device_count())
        ]
        facts["cudnn"] = backends.cudnn.version()
        with suppress(OSError):
            driver = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8", errors="replace")
            found = re.search(r"\d+\.\d+(\.\d+)?", driver)
            facts["driver"] = found[0] if found else ""
    return facts
