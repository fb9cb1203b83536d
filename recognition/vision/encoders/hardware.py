"""What this machine offers a network: a device, a number format, free cores."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import torch

from recognition.vision.encoders.errors import EncoderError

DeviceName = Literal["auto", "cpu", "cuda"]
DtypeName = Literal["auto", "float32", "bfloat16"]


def choose_device(wanted: DeviceName = "auto") -> torch.device:
    """Return the device asked for; for ``auto`` CUDA where there is a device, else the CPU.

    Raises
    ------
    EncoderError
        When CUDA is asked for and there is none.
    """
    present = torch.cuda.is_available()
    if wanted == "cuda" and not present:
        raise EncoderError("CUDA was asked for, but torch sees no CUDA device: use auto or cpu")
    return torch.device("cuda" if present and wanted != "cpu" else "cpu")


def choose_dtype(wanted: DtypeName, device: torch.device) -> torch.dtype:
    """Return the dtype asked for; for ``auto`` bfloat16 where products in it are native, else float32.

    The dtype is part of an encoder's fingerprint: machines that share one index and differ in this must be
    configured with the same dtype.
    """
    if wanted == "auto":
        native = torch.cuda.is_bf16_supported() if device.type == "cuda" else cpu_multiplies_bfloat16()
        return torch.bfloat16 if native else torch.float32
    return torch.bfloat16 if wanted == "bfloat16" else torch.float32


def cpu_multiplies_bfloat16() -> bool:
    """Whether the processor has AMX tiles or AVX-512 dot products for bfloat16 (elsewhere it is emulated)."""
    abilities = torch.cpu.get_capabilities()
    return bool(abilities.get("amx_bf16") or abilities.get("avx512_bf16"))


def free_threads(wanted: int | None = None) -> int:
    """Return how many threads a network may use: the cores of this process that are idle.

    Two threads beside another busy process were measured to be up to eleven times slower than one, so a busy
    core counts as taken. At least one thread remains.

    Parameters
    ----------
    wanted : a fixed number, used as it is

    Raises
    ------
    ValueError
        When ``wanted`` is less than 1.
    """
    if wanted is not None:
        if wanted < 1:
            raise ValueError(f"threads must be at least 1, got {wanted}")
        return wanted
    busy = round(os.getloadavg()[0]) if hasattr(os, "getloadavg") else 0
    return max(1, allowed_cores() - busy)


def allowed_cores() -> int:
    """Cores this process may use: its affinity, cut by the CPU quota of its control group."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _quota_cores(Path("/sys/fs/cgroup/cpu.max"), cores)))


def _quota_cores(path: Path, without_quota: int) -> int:
    try:
        quota, period = path.read_text(encoding="ascii").split()
        return without_quota if quota == "max" else int(quota) // int(period)
    except (OSError, ValueError):
        return without_quota
