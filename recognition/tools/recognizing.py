"""What single pictures show: the till's answer without a cart, for staff and for the API."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalog.images import photo_pixels, photo_read
from catalog.models import Product
from recognition.engine.shared import engine
from recognition.vision.batches import batches
from recognition.vision.photos.folders import folders_below, photos_in

BATCH_SIZE = 16


@dataclass(frozen=True)
class ProductMatch:
    """One product a picture may show, with its score in [-1, 1]."""

    product_id: str
    name: str
    score: float
    agreeing: float = 0.0
    inliers: int = 0

    @property
    def agreeing_percent(self) -> str:
        """Share of the picture on which its print agrees, in percent."""
        return f"{self.agreeing:.0%}"


@dataclass(frozen=True)
class PictureAnswer:
    """What the till says to a picture: `accepted`, `ambiguous` or `unknown`, and the nearest products.

    Attributes
    ----------
    score, margin : of the first product, and its lead over the best other one
    confidence : log-odds that the first product is right beyond what is needed; 0 or more where accepted
    sureness, sureness_needed : how probably the first product is right, and what it takes to accept, 0..1
    looked_closely : whether print was looked at
    matches : the likeliest first, each with its score, the share of the picture on which its print agrees,
        and the points of a photo of it that were found again
    """

    name: str
    state: str
    score: float
    margin: float
    confidence: float
    sureness: float
    sureness_needed: float
    looked_closely: bool
    matches: tuple[ProductMatch, ...]

    @property
    def sureness_percent(self) -> str:
        """How probably the first product is right, in percent."""
        return f"{self.sureness:.0%}"

    @property
    def needed_percent(self) -> str:
        """What it takes to accept, in percent."""
        return f"{self.sureness_needed:.0%}"


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
    running = engine()
    decisions = [
        (*running.verify([image], decision.candidates), decision)[0]
        for image, decision in zip(images, running.recognize(images).decisions, strict=True)
    ]
    ids = {candidate.product_id for decision in decisions for candidate in decision.candidates[:top]}
    names = {str(key): name for key, name in Product.objects.filter(pk__in=ids).values_list("pk", "name")}
    return [
        PictureAnswer(
            name=name,
            state=decision.state,
            score=_shown(decision.score),
            margin=_shown(decision.margin),
            confidence=_shown(decision.confidence),
            sureness=_probability(decision.confidence + decision.needed),
            sureness_needed=_probability(decision.needed),
            looked_closely=decision.verified,
            matches=tuple(
                ProductMatch(
                    candidate.product_id,
                    names[candidate.product_id],
                    _shown(candidate.score),
                    _shown(candidate.agreeing),
                    candidate.inliers,
                )
                for candidate in decision.candidates[:top]
                if candidate.product_id in names
            ),
        )
        for (name, _), decision in zip(pictures, decisions, strict=True)
    ]


def recognize_files(paths: Sequence[Path], *, top: int) -> list[PictureAnswer]:
    """Recognise picture files as `pictures_recognize` does; a folder stands for every photo below it.

    Hidden files and folders are passed over. Waits for the thresholds too, which a running till has
    measured long ago.

    Raises
    ------
    FileNotFoundError
        When one of the paths is not there or a folder holds no photo; nothing is loaded for that.
    """
    files = list(_files(paths))
    engine().wait_ready()
    answers: list[PictureAnswer] = []
    for some in batches(files, BATCH_SIZE):
        answers += pictures_recognize([(str(file), file.read_bytes()) for file in some], top=top)
    return answers


def _probability(log_odds: float) -> float:
    """Return log-odds as a share of 1."""
    return _shown(1.0 / (1.0 + math.exp(-log_odds)))


def _shown(score: float) -> float:
    """Return a score as the socket says it, without the last digits in which 1.0 may come out as more."""
    return round(score, 4)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            photos = [photo for folder in (path, *folders_below(path)) for photo in photos_in(folder)]
            if not photos:
                raise FileNotFoundError(f"{path} holds no JPEG, PNG or WebP.")
            yield from sorted(photos)
        elif path.is_file():
            yield path
        else:
            raise FileNotFoundError(f"{path} is not there.")
