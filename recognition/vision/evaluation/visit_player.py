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
from recognition.vision.lane.observations import Observation, TrackLife
from recognition.vision.scene.decode import decode_frame
from recognition.vision.types import FloatArray, Image


class Identify(Protocol):
    """Says what the crops of an observation show, and what items prove to be, in the engine's place."""

    def recognize(self, lane: Lane, observation: Observation) -> tuple[FloatArray, list[Decision]]:
        """Embed the crops, float32 (n, 1280), and decide on each."""

    def verify(self, pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        """Verify pictures of one item, the best first, until one is accepted."""


@dataclass(frozen=True)
class PlayedVisit:
    """What came of a visit.

    Attributes
    ----------
    cart : pieces by product, as a till would hold them had nobody answered a question
    lives : of every track
    answer_ms : milliseconds from the bytes of each frame to its answer
    busy_ms : those of the frames in which an item was looked at
    """

    visit: RecordedVisit
    cart: dict[str, int]
    lives: tuple[TrackLife, ...]
    answer_ms: tuple[float, ...]
    busy_ms: tuple[float, ...]


def visit_play(
    visit: RecordedVisit, lane: Lane, identify: Identify, *, frame_done: Callable[[], object] = lambda: None
) -> PlayedVisit:
    """Show every frame of a visit to a lane that has seen nothing yet, at the pace it was recorded.

    The clock is that of the recording: however slow the machine is, no frame is left out, and the same
    frames always give the same cart.

    Raises
    ------
    BadFrame
        When a frame cannot be decoded.
    """
    cart: Counter[str] = Counter()
    answer_ms, busy_ms = [], []
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
        for event in outcome.events:
            cart[event.product_id] += 1 if event.action == "add" else -1
            # a till takes nothing out that is not in the cart
            cart[event.product_id] = max(0, cart[event.product_id])
        frame_done()
    return PlayedVisit(visit, dict(+cart), lane.explain(), tuple(answer_ms), tuple(busy_ms))


@dataclass(frozen=True)
class RecognizerIdentities:
    """Has a recognizer identify items, as a shop has its engine do."""

    recognizer: Recognizer

    def recognize(self, lane: Lane, observation: Observation) -> tuple[FloatArray, list[Decision]]:
        """Embed and match the crops of an observation."""
        embeddings = self.recognizer.embed([picture for _, picture in observation.crops])
        return embeddings, self.recognizer.match(embeddings)

    def verify(self, pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        """Verify pictures of one item."""
        return self.recognizer.verify(pictures, contenders)
