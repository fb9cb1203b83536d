"""What single pictures show: the till's answer without a cart, for staff and for the API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from catalog.images import photo_pixels, photo_read
from catalog.models import Product
from catalog.pictures.structure import SUFFIXES
from recognition.runtime import Engine, engine
from recognition.vision.matching import SUSPECTS

if TYPE_CHECKING:
    from recognition.vision.encoders.protocol import Image
    from recognition.vision.matching import Decision

BATCH_SIZE = 16


@dataclass(frozen=True)
class ProductMatch:
    """One product a picture may show, with its score in [-1, 1]."""

    product_id: str
    name: str
    score: float


@dataclass(frozen=True)
class PictureAnswer:
    """What the till says to a picture: `accepted`, `ambiguous` or `unknown`, and the nearest products."""

    name: str
    state: str
    score: float
    margin: float
    matches: tuple[ProductMatch, ...]


def pictures_recognize(pictures: Sequence[tuple[str, bytes]], *, top: int) -> list[PictureAnswer]:
    """Recognise pictures given as pairs of name and content, naming the `top` nearest products of each.

    Raises
    ------
    PhotoRefused
        When one of them is no picture that can be read.
    EngineNotReady
        When encoder and index do not fit together, with the remedy.
    """
    photos = [photo_read(content, filename=name) for name, content in pictures]
    images = [np.asarray(photo_pixels(photo.content)) for photo in photos]
    eyes = engine()
    decisions = [
        _looked_closely(eyes, image, decision)
        for image, decision in zip(images, eyes.recognize(images).decisions, strict=True)
    ]
    ids = {candidate.product_id for decision in decisions for candidate in decision.candidates[:top]}
    names = {str(key): name for key, name in Product.objects.filter(pk__in=ids).values_list("pk", "name")}
    return [
        PictureAnswer(
            name=name,
            state=decision.state,
            score=_shown(decision.score),
            margin=_shown(decision.margin),
            matches=tuple(
                ProductMatch(candidate.product_id, names[candidate.product_id], _shown(candidate.score))
                for candidate in decision.candidates[:top]
                if candidate.product_id in names
            ),
        )
        for (name, _), decision in zip(pictures, decisions, strict=True)
    ]


def _looked_closely(eyes: Engine, image: Image, decision: Decision) -> Decision:
    """Look at the print, as a till does, where the embedding leaves it open."""
    if decision.state == "accepted":
        return decision
    return eyes.verify(image, decision.candidates[:SUSPECTS]) or decision


def recognize_files(paths: Sequence[Path], *, top: int) -> list[PictureAnswer]:
    """Recognise picture files as `pictures_recognize` does; a folder stands for every photo below it.

    Waits for the thresholds too, which a running till has measured long ago.

    Raises
    ------
    FileNotFoundError
        When one of the paths is not there or a folder holds no photo; nothing is loaded for that.
    """
    files = list(_files(paths))
    engine().wait_ready()
    answers: list[PictureAnswer] = []
    for start in range(0, len(files), BATCH_SIZE):
        batch = [(str(file), file.read_bytes()) for file in files[start : start + BATCH_SIZE]]
        answers += pictures_recognize(batch, top=top)
    return answers


def _shown(score: float) -> float:
    """Return a score as the socket says it, without the last digits in which 1.0 may come out as more."""
    return round(score, 4)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            photos = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
            if not photos:
                raise FileNotFoundError(f"{path} holds no JPEG, PNG or WebP.")
            yield from photos
        elif path.is_file():
            yield path
        else:
            raise FileNotFoundError(f"{path} is not there.")
