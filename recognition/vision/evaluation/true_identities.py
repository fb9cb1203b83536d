"""Identifies the tracks of a lane by ground truth, so that counting can be judged by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from recognition.vision.decision.decide import Candidate, Decision
from recognition.vision.encoders.protocol import Encoder
from recognition.vision.evaluation.recorded_visits import RecordedVisit, ShownItem
from recognition.vision.lane.lane import Lane
from recognition.vision.lane.observations import Observation
from recognition.vision.types import Box, FloatArray, Image

SLACK_FRAMES = 8
"""Frames before and after its full view in which an item may be partly visible, while it is carried."""

NEAR = 0.15
"""Largest distance, relative to the frame, between two sightings of one item whose track broke in between."""

_NOTHING = Decision("unknown", 0.0, 0.0, ())


@dataclass
class _Claim:
    track: int
    x: float
    y: float


@dataclass
class TrueIdentities:
    """Assigns each track an item that is in view at its time.

    The truth says when an item is in view, not where. A track is assigned the item whose last track was near,
    if that track is no longer seen; else the first item without a track; else it is something unregistered,
    such as a hand. Crops are embedded all the same: the tracker links tracks by their embeddings.

    Parameters
    ----------
    visit : a recorded visit whose truth lists the items shown

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
        """Embed the crops of an observation, and decide on each by the truth."""
        decisions = [
            self._decision(lane, track, box, observation.frame)
            for (track, _), box in zip(observation.crops, observation.boxes, strict=True)
        ]
        return self.encoder.encode([picture for _, picture in observation.crops]), decisions

    def verify(self, pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        """Verify nothing: the truth needs no second opinion."""
        return ()

    def _decision(self, lane: Lane, track: int, box: Box, frame: int) -> Decision:
        item = self._items.get(track) or self._item_at(lane, frame, *box.centre)
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
        near = [(away, index, item) for index, (away, item) in enumerate(lost) if away < NEAR]
        if near:
            return min(near)[2]
        free = [item for item in active if item not in self._claims]
        return free[0] if free else None


def _seen(lane: Lane, track: int, frame: int) -> bool:
    life = lane.life(track)
    return life is not None and life.last_frame == frame
