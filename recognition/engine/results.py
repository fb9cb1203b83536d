"""What the engine answers with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recognition.vision.types import FloatArray

if TYPE_CHECKING:
    from recognition.vision.decision.decide import Decision


@dataclass(frozen=True)
class EncoderIdentity:
    """Which encoder is loaded."""

    name: str
    fingerprint: str


@dataclass(frozen=True)
class Embedded:
    """Embeddings, float32 (n, 1280) unweighted, and the encoder that made them."""

    vectors: FloatArray
    encoder: str
    fingerprint: str


@dataclass(frozen=True)
class Recognition:
    """What was recognized in each picture.

    Attributes
    ----------
    embeddings : float32 (n, 1280), unweighted
    decisions : one for each picture
    timing_ms : milliseconds the batch spent in ``embed`` and ``search``, and as ``work`` the part of these
        pictures in both
    """

    embeddings: FloatArray
    decisions: list[Decision]
    timing_ms: dict[str, float]


@dataclass(frozen=True)
class EngineState:
    """Whether the engine can answer, and what it answers from.

    Attributes
    ----------
    reasons : why it is not ready, each with its remedy; empty when ready
    warnings : what is wrong while it answers, e.g. a database that cannot be reached
    """

    ready: bool
    reasons: list[str]
    encoder: str
    fingerprint: str
    rows: int
    active_rows: int
    applied_seq: int
    warnings: list[str] = field(default_factory=list)
