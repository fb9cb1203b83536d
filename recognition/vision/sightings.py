"""What a lane hands out: observations, detections, outcomes, and the lives of tracks."""

from __future__ import annotations

from dataclasses import dataclass, field

from recognition.vision.box import Box
from recognition.vision.counting import CartEvent, State, Verdict
from recognition.vision.encoders.protocol import Image


@dataclass(frozen=True)
class Observation:
    """What a frame needs next.

    Attributes
    ----------
    crops : (track, uint8 RGB picture) pairs to be encoded and matched now; often empty
    qualities : how good a view each crop is, in the same order; only ratios mean anything
    changed : share of the frame that differs from the bare counter
    active : False when nothing moved and nothing is tracked
    """

    frame: int
    at_s: float
    crops: tuple[tuple[int, Image], ...]
    qualities: tuple[float, ...]
    changed: float
    active: bool


@dataclass(frozen=True)
class Detection:
    """One tracked item as the shopper sees it; ``choices`` are product ids, filled for ``ambiguous``."""

    track: int
    box: Box
    state: State
    product_id: str | None
    score: float
    margin: float
    choices: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What a frame led to."""

    detections: tuple[Detection, ...]
    events: tuple[CartEvent, ...]


@dataclass
class TrackLife:
    """The life of one track, for explanations.

    Attributes
    ----------
    views : per encoded view (frame, state, best product or None, score, margin, quality)
    story : what happened, in order, each with its frame
    """

    track: int
    first_frame: int
    last_frame: int
    sightings: int = 1
    verdict: Verdict = field(default_factory=lambda: Verdict("candidate", reason="not looked at yet"))
    views: list[tuple[int, State, str | None, float, float, float]] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
