"""Verifies what a picture shows, by comparing its local features with photos of the contenders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from recognition.vision.decision.decide import ROWS_KEPT, Candidate, Decision, Thresholds, decide
from recognition.vision.decision.local_features import Features, agreeing_share, align, features_of
from recognition.vision.types import Image

PRODUCTS_MAX = 4
"""Products whose photos are compared with an item, the likeliest first; a fifth changed no decision. With the
``ROWS_KEPT`` best matched photos of each, this bounds a verification to 24 comparisons."""

PATCHED_MAX = 3
"""Photos of each product that are compared patch by patch: those with the most inliers."""


def photos_needed(candidates: Sequence[Candidate]) -> list[int]:
    """Return the rows of the photos that verifying these candidates compares."""
    return [row for candidate in candidates[:PRODUCTS_MAX] for row in candidate.rows[:ROWS_KEPT]]


def verify_pictures(
    pictures: Sequence[Image],
    contenders: Sequence[Candidate],
    thresholds: Thresholds,
    photos: Mapping[int, Features],
) -> tuple[Decision, ...]:
    """Verify pictures of one item in turn, until one is accepted.

    Parameters
    ----------
    pictures : uint8 (h, w, 3), RGB, the best first
    contenders : products with the scores of their embeddings, likeliest first
    photos : features by row, as far as available; see `photos_needed`

    Returns
    -------
    tuple of Decision
        One for each picture that was verified; empty where there is no photo to compare with.
    """
    decisions: list[Decision] = []
    for picture in pictures if photos else ():
        decisions.append(verify(features_of(picture), contenders, thresholds, photos))
        if decisions[-1].state == "accepted":
            break
    return tuple(decisions)


def verify(
    item: Features,
    contenders: Sequence[Candidate],
    thresholds: Thresholds,
    photos: Mapping[int, Features],
) -> Decision:
    """Decide by embedding and artwork together.

    Pictures accepted by the embedding are verified too: their artwork may match another product.

    Parameters
    ----------
    item : features of the picture
    contenders, photos : as in `verify_pictures`
    """
    found = sorted(with_artwork(item, contenders, photos), key=lambda each: -each.score)
    return decide(found, thresholds, verified=True)


def with_artwork(
    item: Features, contenders: Sequence[Candidate], photos: Mapping[int, Features]
) -> tuple[Candidate, ...]:
    """Measure how well the artwork of each contender agrees with an item.

    At most ``PRODUCTS_MAX`` times ``ROWS_KEPT`` comparisons, which bounds the time it takes.

    Parameters
    ----------
    item : features of a picture of the item
    contenders : likeliest first
    photos : features by row; those of the contenders are compared as far as available

    Returns
    -------
    The contenders in their order, the first few with ``agreeing`` and ``inliers``.
    """
    return tuple(
        contender if rank >= PRODUCTS_MAX else _artwork_of(contender, item, photos)
        for rank, contender in enumerate(contenders)
    )


def _artwork_of(contender: Candidate, item: Features, photos: Mapping[int, Features]) -> Candidate:
    shown = [photos[row] for row in contender.rows[:ROWS_KEPT] if row in photos]
    aligned = [(photo, alignment) for photo in shown if (alignment := align(item, photo)) is not None]
    aligned.sort(key=lambda each: -each[1].inliers)
    found = [
        (agreeing_share(item, photo, alignment), alignment.inliers)
        for photo, alignment in aligned[:PATCHED_MAX]
    ]
    agreeing, inliers = max(found, default=(0.0, 0))
    return replace(contender, agreeing=agreeing, inliers=inliers)
