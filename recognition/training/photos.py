"""Decodes the photos to train on once, into a flat file of small squares that every later run maps."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

CACHED_SIDE_PX = 160
DATA_DEFAULT = Path(os.environ.get("EBRCS_SHARED_DATA", "../shared/data"))

Split = Literal["train", "val", "clothing", "iconic"]


@dataclass(frozen=True)
class PhotoSet:
    """Photos of one split, decoded and squeezed to squares.

    Attributes
    ----------
    pixels : uint8 (n, side, side, 3) RGB, memory-mapped and read-only
    labels : the class of each photo; clothing photos are each a class of their own, named by file
    packaged : whether the class is a carton or another printed pack
    """

    pixels: NDArray[np.uint8]
    labels: list[str]
    packaged: list[bool]

    def __len__(self) -> int:
        return len(self.labels)

    def names(self) -> NDArray[np.str_]:
        """The labels as an array."""
        return np.array(self.labels)


def photo_paths(data: Path, split: Split) -> tuple[list[Path], list[str]]:
    """List the files of a split with their class names, in a fixed order.

    Raises
    ------
    FileNotFoundError
        When the folder holds no photo of this split.
    """
    if split == "iconic":
        with (data / "grocery" / "classes.csv").open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
        paths = [data / "grocery" / row["Iconic Image Path (str)"].lstrip("/") for row in rows]
        labels = [row["Class Name (str)"] for row in rows]
    elif split == "clothing":
        paths = sorted((data / "clothing").rglob("*.jpg"))
        labels = [f"clothing/{path.stem}" for path in paths]
    else:
        paths = sorted((data / "grocery" / split).rglob("*.jpg"))
        labels = [path.parent.name for path in paths]
    if not paths:
        raise FileNotFoundError(f"no photos of the split {split!r} under {data}")
    return paths, labels


def photos_load(data: Path, split: Split, cache: Path, *, side_px: int = CACHED_SIDE_PX) -> PhotoSet:
    """Map the decoded photos of a split, decoding them first where the cache lacks them."""
    paths, labels = photo_paths(data, split)
    packaged = [split != "clothing" and "Packages" in path.parts for path in paths]
    names = json.dumps([str(path.relative_to(data)) for path in paths]).encode()
    key = hashlib.sha256(names).hexdigest()[:12]
    pixels = squares_load(
        cache / f"{split}-{side_px}-{key}.npy",
        lambda row: square(read_rgb(paths[row]), side_px),
        count=len(paths),
        side_px=side_px,
    )
    return PhotoSet(pixels, labels, packaged)


def squares_load(
    file: Path, make: Callable[[int], NDArray[np.uint8]], *, count: int, side_px: int
) -> NDArray[np.uint8]:
    """Map a file of squares, making them first where it is missing: uint8 (count, side, side, 3), read-only.

    Parameters
    ----------
    make : gives the square of a row
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.empty((count, side_px, side_px, 3), np.uint8)
        for row in tqdm(range(count), desc=file.stem, leave=False):
            pixels[row] = make(row)
        part = file.with_suffix(".part.npy")
        np.save(part, pixels)
        part.replace(file)
    return np.load(file, mmap_mode="r")


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Read a photo as RGB uint8 (h, w, 3).

    Raises
    ------
    ValueError
        When the file is no picture OpenCV can read.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} is not a readable picture")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def square(image: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """Squeeze a picture to a square; the sides keep nothing of their ratio."""
    return cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_AREA)
