"""How many pictures a second an encoder embeds here, by number format, and how near that is to the limit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from recognition.vision.encoders.dino_clip.random_weights import random_encoder
from recognition.vision.encoders.hardware import (
    DeviceName,
    DtypeName,
    choose_device,
    choose_dtype,
    cpu_multiplies_bfloat16,
    free_threads,
)
from recognition.vision.encoders.protocol import Encoder
from recognition.vision.encoders.registry import COMPACT, load, resolve, status_of
from recognition.vision.evaluation.processor import processor_name
from recognition.vision.types import Image

PICTURE_SHAPE = (480, 360, 3)
MATMUL_SIZE = 2048
MATMUL_REPEATS = 10  # a tenth of a second each; other work on the machine slows some of them


def benchmark_encoder(
    names: Sequence[str],
    *,
    batches: Sequence[int] = (1, 4, 16),
    dtypes: Sequence[DtypeName] = ("float32", "bfloat16"),
    models_dir: Path | None = None,
    device: DeviceName = "auto",
    threads: int | None = None,
    repeats: int = 3,
) -> dict[str, Any]:
    """Time encoders from picture to embedding.

    Parameters
    ----------
    names : encoder names; where the weights of one are not present, random ones of the same shapes take their
        place, and the row says so
    batches : pictures given to the encoder at once
    dtypes : number formats of the large encoders; ``compact`` has one of its own
    repeats : timed calls after one that warms up; the fastest counts, as other work only ever slows one down

    Returns
    -------
    ``machine``; ``matmul_gflops``, the speed of one large matrix product by dtype; ``rows``, one for each
    encoder, dtype and batch with ``ms`` a call, ``images_per_s``, ``gflop_per_image``, ``share_of_matmul``
    (that speed's share the encoder reaches, preprocessing included) and ``weights``, "files" or "random"

    Raises
    ------
    UnknownEncoder
        When a name is none of the registry's; before anything is measured.
    """
    resolved = [resolve(name, models_dir) for name in names]
    chosen = choose_device(device)
    thread_count = free_threads(threads)
    torch.set_num_threads(thread_count)
    limits = {name: _matmul_gflops(chosen, name) for name in dtypes}
    rows = []
    for name in resolved:
        for dtype in ("float32",) if name == COMPACT else dtypes:
            encoder, weights = _encoder(name, models_dir, chosen, dtype, thread_count)
            common = {"encoder": name, "device": chosen.type, "dtype": dtype, "weights": weights}
            limit = limits.get(dtype)
            rows += [{**common, **_measure(encoder, batch, limit, repeats)} for batch in batches]
    return {
        "machine": {
            "processor": processor_name(),
            "device": torch.cuda.get_device_name() if chosen.type == "cuda" else "cpu",
            "threads": thread_count,
            "native_bfloat16": chosen.type == "cuda" or cpu_multiplies_bfloat16(),
            "torch": torch.__version__,
        },
        "matmul_gflops": {name: round(limit, 1) for name, limit in limits.items()},
        "rows": rows,
    }


def _encoder(
    name: str, models_dir: Path | None, device: torch.device, dtype: DtypeName, threads: int
) -> tuple[Encoder, str]:
    if status_of(name, models_dir).ready:
        loaded = load(name, models_dir=models_dir, device=device.type, dtype=dtype, threads=threads)
        return loaded, "files"
    return random_encoder(name, device=device, dtype=choose_dtype(dtype, device), threads=threads), "random"


def _measure(encoder: Encoder, batch: int, limit_gflops: float | None, repeats: int) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    pictures: list[Image] = [rng.integers(0, 256, PICTURE_SHAPE, dtype=np.uint8) for _ in range(batch)]
    with FlopCounterMode(display=False) as counter:
        encoder.encode(pictures)
    gflop = counter.get_total_flops() / 1e9
    seconds = _fastest(lambda: encoder.encode(pictures), repeats)
    return {
        "batch": batch,
        "ms": round(seconds * 1000, 2),
        "images_per_s": round(batch / seconds, 2),
        "gflop_per_image": round(gflop / batch, 2),
        "share_of_matmul": None if limit_gflops is None else round(gflop / seconds / limit_gflops, 3),
    }


def _matmul_gflops(device: torch.device, dtype: DtypeName) -> float:
    """Billions of floating point operations a second in one product of two square matrices."""
    chosen = choose_dtype(dtype, device)
    left, right = (torch.ones(MATMUL_SIZE, MATMUL_SIZE, device=device, dtype=chosen) for _ in range(2))

    def product() -> None:
        torch.mm(left, right)
        if device.type == "cuda":
            torch.cuda.synchronize()

    product()
    return 2 * MATMUL_SIZE**3 / _fastest(product, MATMUL_REPEATS) / 1e9


def _fastest(call: Callable[[], object], repeats: int) -> float:
    times_s = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times_s.append(time.perf_counter() - start)
    return min(times_s)
