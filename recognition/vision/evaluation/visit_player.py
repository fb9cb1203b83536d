"""Plays a recorded visit through a lane and a recognizer, frame by frame and in one thread."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from recognition.vision.decision.decide import Candidate, Decision
from recognition.vision.evaluation.recognizer import Recognizer
from recognition.vision.evaluation.recorded_visits import RecordedVisit
from recognition.vision.lane.lane import Lane
from recognition.vision.lane.observations import Observation, TrackLife, UnresolvedItem
from recognition.vision.scene.decode import decode_frame
from recognition.vision.types import FloatArray, Image


class Identify(Protocol):
    """Stands in for the engine: recognizes the crops of an observation, and verifies items."""

    def recognize(self, lane: Lane, observation: Observation) -> tuple[FloatArray, list[Decision]]:
        """Embed the crops, float32 (n, 1280), and decide on each."""

    def verify(self, pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        """Verify pictures of one item, the best first, until one is accepted."""


@dataclass(frozen=True)
class PlayedVisit:
    """The result of a played visit.

    Attributes
    ----------
    cart : pieces by product, with every question left unanswered
    lives : of every track
    answer_ms : milliseconds from the bytes of each frame to its answer
    busy_ms : those of the frames in which an item was embedded
    unresolved : items reported as unresolved and not settled later
    """

    visit: RecordedVisit
    cart: dict[str, int]
    lives: tuple[TrackLife, ...]
    answer_ms: tuple[float, ...]
    busy_ms: tuple[float, ...]
    unresolved: tuple[UnresolvedItem, ...] = ()


def visit_play(
    visit: RecordedVisit, lane: Lane, identify: Identify, *, frame_done: Callable[[], object] = lambda: None
) -> PlayedVisit:
    """Play every frame of a visit to a fresh lane, at the pace it was recorded.

    The clock is that of the recording: however slow the machine is, no frame is dropped, and the same frames
    always give the same cart.

    Raises
    ------
    BadFrame
        When a frame cannot be decoded.
    """
    cart: Counter[str] = Counter()
    answer_ms, busy_ms = [], []
    unresolved: dict[int, UnresolvedItem] = {}
    for number, path in enumerate(visit.frames):
        data = path.read_bytes()
        start = time.perf_counter()
        observation = lane.observe(decode_frame(data), number / visit.fps)
        requests = lane.vote(observation, *identify.recognize(lane, observation))
        verified = {each.track: identify.verify(each.pictures, each.contenders) for each in requests}
        outcome = lane.conclude(verified)
        answer_ms.append(1e3 * (time.perf_counter() - start))
        if observation.crops:
            busy_ms.append(answer_ms[-1])
        unresolved |= {each.track: each for each in outcome.unresolved}
        for track in outcome.settled:
            unresolved.pop(track, None)
        for event in outcome.events:
            cart[event.product_id] += 1 if event.action == "add" else -1
            # as in a shop, nothing is removed that is not in the cart
            cart[event.product_id] = max(0, cart[event.product_id])
        frame_done()
    return PlayedVisit(
        visit, dict(+cart), lane.explain(), tuple(answer_ms), tuple(busy_ms), tuple(unresolved.values())
    )


@dataclass(frozen=True)
class RecognizerIdentities:
    """Identifies items by a recognizer, as a shop does by its engine."""

    recognizer: Recognizer

    def recognize(self, lane: Lane, observation: Observation) -> tuple[FloatArray, list[Decision]]:
        """Embed and match the crops of an observation."""
        embeddings = self.recognizer.embed([picture for _, picture in observation.crops])
        return embeddings, self.recognizer.match(embeddings)

    def verify(self, pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        """Verify pictures of one item."""
        return self.recognizer.verify(pictures, contenders)
