"""Prints what a weights file can do: ``python -m recognition.training.report [--weights FILE]``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from recognition.training.judging import LabelledVectors, metrics
from recognition.training.photos import DATA_DEFAULT, photo_paths
from recognition.training.recipe import UNSEEN_CLASSES
from recognition.training.vectors import photo_vectors
from recognition.vision.encoders.compact import WEIGHTS, CompactEncoder, WeightsUnusable
from recognition.vision.encoders.layout import VISUAL_DIM, fuse
from recognition.vision.encoders.protocol import Encoder
from recognition.vision.types import FloatArray

_TIMED_CALLS = 30

VIEWS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "visual": lambda rows: rows[:, :VISUAL_DIM],
    "semantic": lambda rows: rows[:, VISUAL_DIM:],
    "fused": fuse,
}


def main(arguments: list[str]) -> int:
    """Embed the training photos as gallery and the validation photos as queries; print the recalls."""
    parser = argparse.ArgumentParser(prog="python -m recognition.training.report", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_DEFAULT)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--latency", action="store_true", help="only time the encoder, on one thread")
    parser.add_argument("--kept-out", action="store_true", help="judge the classes kept out of training too")
    options = parser.parse_args(arguments)
    try:
        encoder = CompactEncoder.load(options.weights, threads=1 if options.latency else None)
        result = (
            latency_ms(encoder)
            if options.latency
            else recalls(encoder, options.data, unseen=UNSEEN_CLASSES if options.kept_out else ())
        )
    except (WeightsUnusable, FileNotFoundError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    print(json.dumps(result, indent=1))  # noqa: T201
    return 0


def recalls(encoder: Encoder, data: Path, *, unseen: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Compute the metrics of each block and of both joined, with photos embedded uncropped.

    Metrics of ``unseen`` classes are valid only for weights that were trained without them.
    """
    sides, cartons = [], set()
    for split in ("train", "val"):
        paths, labels = photo_paths(data, split)
        cartons |= {label for path, label in zip(paths, labels, strict=True) if "Packages" in path.parts}
        sides.append((photo_vectors(encoder, paths, step=f"embed {split}"), np.array(labels)))
    report = {}
    for name, view in VIEWS.items():
        gallery, queries = (LabelledVectors(view(rows), labels) for rows, labels in sides)
        found = metrics(gallery, queries, cartons=cartons, unseen=unseen)
        report[name] = {key: round(value, 3) for key, value in found.items()}
    return report


def latency_ms(encoder: Encoder) -> dict[str, float]:
    """Median milliseconds per crop of a 240 x 180 px crop, alone and in a batch of eight."""
    crop = np.random.default_rng(1).integers(0, 256, (240, 180, 3)).astype(np.uint8)
    medians = {}
    for batch in (1, 8):
        times = []
        for _ in range(_TIMED_CALLS):
            start = time.perf_counter()
            encoder.encode([crop] * batch)
            times.append(time.perf_counter() - start)
        medians[f"batch_{batch}"] = round(float(np.median(times)) / batch * 1000.0, 2)
    return medians


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
