"""Answers one batch of requests: embeds their pictures together, then searches and decides together."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ebrcs import metrics
from recognition.engine.encoder_keeper import EncoderKeeper
from recognition.engine.results import Embedded
from recognition.errors import EncoderFailed, EngineNotReady
from recognition.index.state import mismatch_message
from recognition.vision.encoders.layout import fuse
from recognition.vision.encoders.protocol import Encoder
from recognition.vision.types import FloatArray, Image

if TYPE_CHECKING:
    from recognition.engine.gallery import Gallery
    from recognition.index.view import IndexView
    from recognition.vision.decision.decide import Decision

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """Pictures of one caller, to be embedded and, with `search`, also to be matched."""

    images: tuple[Image, ...]
    search: bool


@dataclass(frozen=True)
class Answer:
    """What one caller gets: no decisions where only embeddings were asked for; ``work`` is its own time."""

    embedded: Embedded
    decisions: list[Decision]
    timing_ms: dict[str, float]


def batch_answer(requests: Sequence[Request], keeper: EncoderKeeper, gallery: Gallery) -> list[Answer]:
    """Answer a batch in the order of its requests; runs in the batcher's thread.

    Raises
    ------
    EngineNotReady, EncoderFailed
        When there is no encoder or no index that fits it, or when the encoder fails on a picture.
    """
    encoder = keeper.encoder
    if encoder is None:
        raise EngineNotReady(f"The encoder is not available: {keeper.failure or 'it is being loaded'}.")
    start = time.perf_counter()
    try:
        vectors = encoder.encode([image for request in requests for image in request.images])
    except Exception as error:
        if len(requests) == 1:
            logger.exception("the encoder failed on a request of %d pictures", len(requests[0].images))
            keeper.failed(error)
        raise EncoderFailed("The encoder failed on this picture. Try another one.") from error
    keeper.succeeded()
    embedded = time.perf_counter()
    decisions = _decide(encoder, vectors, requests, gallery)
    timing_ms = {"embed": 1e3 * (embedded - start), "search": 1e3 * (time.perf_counter() - embedded)}
    metrics.batch_count(pictures=len(vectors), searched=bool(decisions), timing_ms=timing_ms)
    work_ms = sum(timing_ms.values()) / max(1, len(vectors))
    answers = []
    first = 0
    for request in requests:
        part = slice(first, first + len(request.images))
        first = part.stop
        answers.append(
            Answer(
                embedded=Embedded(vectors[part], encoder.name, encoder.fingerprint),
                decisions=decisions[part] if request.search else [],
                timing_ms=timing_ms | {"work": work_ms * len(request.images)},
            )
        )
    return answers


def _decide(
    encoder: Encoder, vectors: FloatArray, requests: Sequence[Request], gallery: Gallery
) -> list[Decision]:
    """Match a whole batch when anyone in it asks for that: one search costs little more than two."""
    if not len(vectors) or not any(request.search for request in requests):
        return []
    view = gallery.replica.view
    if view is None:
        raise EngineNotReady("The index is being loaded.")
    reasons = mismatch_reasons(encoder, view)
    if reasons:
        raise EngineNotReady.because(reasons)
    return gallery.decide(view, fuse(vectors, visual_weight=gallery.replica.visual_weight))


def mismatch_reasons(encoder: Encoder, view: IndexView) -> list[str]:
    """Return why vectors of the encoder must not be compared with the index; nothing when they may."""
    if view.fingerprint in {"", encoder.fingerprint}:
        return []
    return [
        mismatch_message(
            index_encoder=view.encoder,
            index_fingerprint=view.fingerprint,
            encoder=encoder.name,
            fingerprint=encoder.fingerprint,
        )
    ]
