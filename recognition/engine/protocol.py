"""What callers with frames need of the engine, so that they can be given it, or another in a test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from recognition.engine.results import EngineState, Recognition
from recognition.vision.types import Image

if TYPE_CHECKING:
    from recognition.vision.decision.decide import Candidate, Decision


class RecognitionEngine(Protocol):
    """Recognizes pictures; `recognition.engine.engine.Engine` is the shop's own."""

    def state(self) -> EngineState:
        """Return whether pictures can be recognized now, and why not."""
        ...

    async def recognize_async(self, images: Sequence[Image], *, at_least_seq: int = 0) -> Recognition:
        """Match pictures on an index that has applied `at_least_seq`, without blocking the event loop.

        Raises
        ------
        EngineNotReady, EngineBusy, EncoderFailed
        """
        ...

    def verify(self, image: Image, suspects: Sequence[Candidate]) -> Decision | None:
        """Compare a picture with stored photos of a few products; blocks, None where the question stays."""
        ...
