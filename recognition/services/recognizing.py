"""Recognizes single pictures as the checkout would, without a cart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from catalog.images import photo_pixels, photo_read
from catalog.models import Product
from recognition.engine.shared import engine

TOP_MATCHES = 5
"""Products named for a picture over REST and in Django admin."""


@dataclass(frozen=True)
class ProductMatch:
    """One product that a picture may show.

    Attributes
    ----------
    score : of its photo that matches best, in -1..1
    agreeing : share of the picture with which its artwork agrees, 0..1
    inliers : keypoints of a photo of it that were found again
    """

    product_id: str
    name: str
    score: float
    agreeing: float = 0.0
    inliers: int = 0

    @property
    def agreeing_percent(self) -> str:
        """Share of the picture with which its artwork agrees, in percent."""
        return f"{self.agreeing:.0%}"


@dataclass(frozen=True)
class PictureAnswer:
    """What a picture was decided to show.

    Attributes
    ----------
    state : `accepted`, `ambiguous` or `unknown`
    score, margin : of the first product, and its lead over the best other one
    confidence : log-odds that the first product is right beyond what is needed; 0 or more where accepted
    sureness, sureness_needed : probability that the first product is right, and what accepting takes, 0..1
    looked_closely : whether artwork was compared
    matches : the likeliest product first
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
        """Probability that the first product is right, in percent."""
        return f"{self.sureness:.0%}"

    @property
    def needed_percent(self) -> str:
        """Probability that accepting takes, in percent."""
        return f"{self.sureness_needed:.0%}"


def pictures_recognize(pictures: Sequence[tuple[str, bytes]], *, top: int) -> list[PictureAnswer]:
    """Recognize pictures and name the `top` likeliest products of each; nothing is stored.

    Parameters
    ----------
    pictures : pairs of file name and content

    Raises
    ------
    PhotoRefused
        When one of them cannot be read as a picture.
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
            score=_rounded(decision.score),
            margin=_rounded(decision.margin),
            confidence=_rounded(decision.confidence),
            sureness=_probability(decision.confidence + decision.needed),
            sureness_needed=_probability(decision.needed),
            looked_closely=decision.verified,
            matches=tuple(
                ProductMatch(
                    candidate.product_id,
                    names[candidate.product_id],
                    _rounded(candidate.score),
                    _rounded(candidate.agreeing),
                    candidate.inliers,
                )
                for candidate in decision.candidates[:top]
                if candidate.product_id in names
            ),
        )
        for (name, _), decision in zip(pictures, decisions, strict=True)
    ]


def _probability(log_odds: float) -> float:
    """Return the probability, 0..1, that log-odds mean."""
    return _rounded(1.0 / (1.0 + math.exp(-log_odds)))


def _rounded(score: float) -> float:
    """Return a score as clients see it, without the last digits, in which 1.0 may come out as more."""
    return round(score, 4)
