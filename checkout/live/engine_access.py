"""The recognition engine as one socket uses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from checkout.live.threads import flow_now, in_vision_thread
from recognition.engine import shared

if TYPE_CHECKING:
    from recognition.engine.engine import Engine
    from recognition.engine.results import Recognition
    from recognition.vision.decision.decide import Candidate, Decision
    from recognition.vision.types import Image


class FrameEngine(Protocol):
    """What a frame worker asks of an engine."""

    async def recognize(self, pictures: Sequence[Image]) -> Recognition:
        """Embed and match pictures."""

    def verify(self, pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        """Verify pictures of one item, the best first, until one is accepted; blocks."""


@dataclass(frozen=True)
class EngineAccess:
    """The engine of this process, on an index no older than the socket has seen.

    Attributes
    ----------
    index_seq : sequence number that the index must have applied
    """

    index_seq: int

    async def recognize(self, pictures: Sequence[Image]) -> Recognition:
        """Embed and match pictures in a batch with those of other sockets."""
        engine = await engine_get()
        return await engine.recognize_async(pictures, at_least_seq=self.index_seq, flow=flow_now())

    def verify(self, pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        """Verify pictures of one item."""
        engine = shared.engine_running()
        return () if engine is None else engine.verify(pictures, contenders)


async def engine_get() -> Engine:
    """Return this process's engine; starting it loads heavy libraries, outside the event loop."""
    running = shared.engine_running()
    return await in_vision_thread(shared.engine) if running is None else running
