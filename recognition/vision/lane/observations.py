"""What a lane returns: observations, items to verify, detections, events, and the lives of tracks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from recognition.vision.decision.decide import Candidate
from recognition.vision.lane.reasons import LifeEvent, Reason
from recognition.vision.lane.voting import CountEvent, State, Verdict
from recognition.vision.types import Box, Image

SIGHTINGS_MIN = 2
"""Sightings a track needs before it is embedded or shown to the shopper."""

UNDECIDED = Verdict("candidate")

UnresolvedKind = Literal["undecided", "unknown", "unanswered"]


@dataclass(frozen=True)
class Observation:
    """What was found in a frame, and what is to be recognized in it.

    Attributes
    ----------
    crops : (track, uint8 RGB picture) pairs to be embedded and matched now; often empty
    qualities : how good a view each crop is, in the same order; only ratios are meaningful
    changed : share of the frame that differs from the background
    active : False when nothing moved and nothing is tracked
    boxes : of the crops, in the same order
    proposals : boxes in which items may be in this frame
    unsettled : whether the detector waits for a change of the whole scene to end (a light switched, the
        camera pushed)
    """

    frame: int
    crops: tuple[tuple[int, Image], ...]
    qualities: tuple[float, ...]
    changed: float
    active: bool
    boxes: tuple[Box, ...] = ()
    proposals: tuple[Box, ...] = ()
    unsettled: bool = False


@dataclass(frozen=True)
class Detection:
    """One tracked item as shown to the shopper; ``choices`` are product ids, as in `Verdict`."""

    track: int
    box: Box
    state: State
    product_id: str | None
    score: float
    margin: float
    choices: tuple[str, ...]


@dataclass(frozen=True)
class VerificationRequest:
    """An item to verify by local features before the lane concludes what it is.

    Attributes
    ----------
    track : of the item
    pictures : uint8 (h, w, 3), RGB, its best views, the best first; a later one needs verification only while
        none before it was accepted
    contenders : the products it may be, the likeliest first
    """

    track: int
    pictures: tuple[Image, ...]
    contenders: tuple[Candidate, ...]


@dataclass(frozen=True)
class UnresolvedItem:
    """An item that was shown and left without being counted.

    Attributes
    ----------
    kind : ``unanswered`` for an item that was asked about, ``undecided`` for one that left before its views
        sufficed, ``unknown`` for one that no product was found for
    choices : the products of the question, or the likeliest ones; may be empty
    picture : uint8 (h, w, 3), RGB, the best view of the item
    reason : why it was not decided
    """

    track: int
    kind: UnresolvedKind
    choices: tuple[str, ...]
    score: float
    margin: float
    picture: Image
    reason: Reason


@dataclass(frozen=True)
class Outcome:
    """The detections of a frame, and what happened since the previous outcome, each exactly once.

    Attributes
    ----------
    unresolved : items that left without being counted
    settled : tracks reported as unresolved before whose item was counted or taken away after all
    """

    detections: tuple[Detection, ...]
    events: tuple[CountEvent, ...]
    unresolved: tuple[UnresolvedItem, ...] = ()
    settled: tuple[int, ...] = ()


@dataclass(frozen=True)
class Identification:
    """The result of identifying a track from outside.

    Attributes
    ----------
    known : whether there is such a track, in view or not long past; without one nothing was counted
    agrees : whether the track was accepted as this product before; None where it was not accepted
    event : the cart event it causes now; None where it was counted before, or (modes ``cart`` and ``tray``)
        does not count at this moment
    """

    known: bool
    agrees: bool | None
    event: CountEvent | None


@dataclass
class TrackLife:
    """The life of one track, for explanations.

    Attributes
    ----------
    inside : whether it is in the zone, or was when last seen
    views : per embedded view (frame, state, best product or None, score, margin, quality)
    story : what happened, in order
    """

    track: int
    first_frame: int
    last_frame: int
    sightings: int = 1
    inside: bool = True
    verdict: Verdict = UNDECIDED
    views: list[tuple[int, State, str | None, float, float, float]] = field(default_factory=list)
    story: list[LifeEvent] = field(default_factory=list)
