"""What a lane hands out: observations, items to verify, detections, events, and the lives of tracks."""

from __future__ import annotations

from dataclasses import dataclass, field

from recognition.vision.decision.decide import Candidate
from recognition.vision.lane.reasons import LifeEvent
from recognition.vision.lane.voting import CountEvent, State, Verdict
from recognition.vision.types import Box, Image

SIGHTINGS_MIN = 2
"""Sightings before a track is embedded, and shown to the shopper, at all."""

UNDECIDED = Verdict("candidate")


@dataclass(frozen=True)
class Observation:
    """What a frame needs next.

    Attributes
    ----------
    crops : (track, uint8 RGB picture) pairs to be encoded and matched now; often empty
    qualities : how good a view each crop is, in the same order; only ratios mean anything
    changed : share of the frame that differs from the bare counter
    active : False when nothing moved and nothing is tracked
    places : where each crop was cut, in the same order
    proposals : where items may be in this frame
    unsettled : whether a change of the whole scene (a light switched, the camera pushed) is being waited out
    """

    frame: int
    crops: tuple[tuple[int, Image], ...]
    qualities: tuple[float, ...]
    changed: float
    active: bool
    places: tuple[Box, ...] = ()
    proposals: tuple[Box, ...] = ()
    unsettled: bool = False


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
class VerificationRequest:
    """An item to verify by local features before the lane concludes what it is.

    Attributes
    ----------
    track : of the item
    pictures : uint8 (h, w, 3), RGB, its best views, the best first: later ones are needed only while none
        before them was accepted
    contenders : the products it may be, likeliest first
    """

    track: int
    pictures: tuple[Image, ...]
    contenders: tuple[Candidate, ...]


@dataclass(frozen=True)
class Outcome:
    """What a frame led to."""

    detections: tuple[Detection, ...]
    events: tuple[CountEvent, ...]


@dataclass(frozen=True)
class Identification:
    """What came of saying which product a track is.

    Attributes
    ----------
    known : whether there is such a track, in view or not long past; without one nothing was counted
    agrees : whether the product is what was found before, and counted as that; None where nothing was found
    event : what it means to the cart now; None where it was counted before, or (modes ``cart`` and ``tray``)
        is not to be counted at this moment
    """

    known: bool
    agrees: bool | None
    event: CountEvent | None


@dataclass
class TrackLife:
    """The life of one track, for explanations.

    Attributes
    ----------
    inside : whether it is, or was last, in the zone
    views : per encoded view (frame, state, best product or None, score, margin, quality)
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
