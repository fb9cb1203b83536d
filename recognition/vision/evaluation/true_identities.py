"""Identifies what a lane follows by what was truly shown, so that counting can be judged by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from recognition.vision.decision.decide import Candidate, Decision
from recognition.vision.encoders.protocol import Encoder
from recognition.vision.evaluation.recorded_visits import RecordedVisit, ShownItem
from recognition.vision.lane.lane import Lane
from recognition.vision.lane.observations import Observation
from recognition.vision.types import FloatArray, Image

SLACK_FRAMES = 8
"""How long before and after an item is in full view it may be seen in part: the time of carrying it in."""

NEAR = 0.15
"""How far apart, in widths of the frame, two sightings of one item may be whose track broke in between."""

_NOTHING = Decision("unknown", 0.0, 0.0, ())


@dataclass
class _Claim:
    track: int
    x: float
    y: float


@dataclass
class TrueIdentities:
    """Names each track after an item that is in view at its time.

    The truth says when an item is in view, not where. A track is taken for the item whose last track was
    near, if that one is no longer seen; else for the first item that no track has been taken for; else it is
    something unregistered, as a hand is. Crops are embedded all the same: the tracker tells items apart by
    their looks.

    Parameters
    ----------
    visit : with the items that were shown

    Raises
    ------
    ValueError
        When the truth of the visit lists no items.
    """

    visit: RecordedVisit
    encoder: Encoder
    _items: dict[int, ShownItem] = field(default_factory=dict, repr=False)
    _claims: dict[ShownItem, _Claim] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.visit.shown is None:
            raise ValueError(f"the truth of {self.visit.name} lists no events, only a cart")

    def recognize(self, lane: Lane, observation: Observation) -> tuple[FloatArray, list[Decision]]:
        """Identify the crops of an observation, with certainty."""
        decisions = [self._decision(lane, track, observation.frame) for track, _ in observation.crops]
        return self.encoder.encode([picture for _, picture in observation.crops]), decisions

    def verify(self, pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        """Verify nothing: the truth needs no second opinion."""
        return ()

    def _decision(self, lane: Lane, track: int, frame: int) -> Decision:
        box = lane.box_of(track)
        item = self._items.get(track)
        if box is not None:
            item = item or self._item_at(lane, frame, *box.centre)
            if item is not None:
                self._items[track] = item
                self._claims[item] = _Claim(track, *box.centre)
        if item is None or item.product is None:
            return _NOTHING
        return Decision("accepted", 1.0, 1.0, (Candidate(item.product, 1.0, 0),))

    def _item_at(self, lane: Lane, frame: int, x: float, y: float) -> ShownItem | None:
        active = [
            item
            for item in self.visit.shown or ()
            if item.first - SLACK_FRAMES <= frame <= item.last + SLACK_FRAMES
        ]
        lost = [
            (float(np.hypot(claim.x - x, claim.y - y)), item)
            for item in active
            if (claim := self._claims.get(item)) is not None and not _seen(lane, claim.track, frame)
        ]
        near = [(away, place, item) for place, (away, item) in enumerate(lost) if away < NEAR]
        if near:
            return min(near)[2]
        free = [item for item in active if item not in self._claims]
        return free[0] if free else None


def _seen(lane: Lane, track: int, frame: int) -> bool:
    life = lane.life(track)
    return life is not None and life.last_frame == frame
