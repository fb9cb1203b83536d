"""Photos from class folders, stored and embedded as a registration would, without a database."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from catalog.images import PhotoRefused, photo_pixels, photo_read
from recognition.vision.batches import EMBED_BATCH, batches
from recognition.vision.evaluation.progress import StepProgress, no_progress

if TYPE_CHECKING:
    from recognition.vision.encoders.protocol import Encoder
    from recognition.vision.evaluation.recognizer import PhotoGallery
    from recognition.vision.types import Image


@dataclass
class LabelledPhotos:
    """Photos with their classes, kept as the JPEGs a shop would store.

    Attributes
    ----------
    unreadable : the reason for each file that cannot be used; such a file is in none of the lists
    """

    paths: list[Path] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def read(self, position: int) -> Image:
        """Decode a photo: uint8 RGB (h, w, 3)."""
        return np.asarray(photo_pixels(self.contents[position]))


def photos_read(
    by_class: dict[str, list[Path]], *, progress: StepProgress = no_progress, step: str
) -> LabelledPhotos:
    """Read photos as `photos_by_class` lists them; those that a registration would refuse are named."""
    found = LabelledPhotos()
    done = progress(step, sum(map(len, by_class.values())))
    for label, paths in by_class.items():
        for path in paths:
            try:
                content = photo_read(path.read_bytes(), filename=path.name).content
            except (PhotoRefused, OSError) as error:
                found.unreadable[str(path)] = str(error)
            else:
                found.paths.append(path)
                found.labels.append(label)
                found.contents.append(content)
            done()
    return found


def gallery_make(
    encoder: Encoder,
    photos: LabelledPhotos,
    *,
    registered: bool,
    progress: StepProgress = no_progress,
    step: str,
) -> PhotoGallery:
    """Embed photos in batches, for a recognizer.

    Parameters
    ----------
    registered : embed the item of each photo, as a registration does; else the whole picture
    """
    from recognition.vision.encoders.layout import EMBEDDING_DIM
    from recognition.vision.evaluation.recognizer import PhotoGallery
    from recognition.vision.photos.item import photo_item

    done = progress(step, len(photos))
    parts = [np.empty((0, EMBEDDING_DIM), np.float32)]
    for some in batches(range(len(photos)), EMBED_BATCH):
        pictures = [photos.read(position) for position in some]
        parts.append(encoder.encode([photo_item(each) for each in pictures] if registered else pictures))
        for _ in some:
            done()
    return PhotoGallery(np.concatenate(parts), photos.labels, photos.read, items=registered)
