"""The shop's ASGI application as the tests serve it: recognizing by colour, and controlled by files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any, cast

from django.conf import settings

from ebrcs.asgi import application
from ebrcs.fair_queue import Flow

__all__ = ["application"]

from checkout.lanes.consumer import LaneConsumer
from checkout.live import frame_worker
from checkout.live.consumer import CheckoutConsumer
from checkout.staff.consumer import StaffConsumer
from checkout.tools import housekeeping
from recognition.engine import shared
from recognition.engine.results import EngineState, Recognition
from recognition.errors import EngineNotReady
from recognition.vision.decision.decide import Candidate, Decision
from tests.checkout.colours import COLOURS, TWIN, TWIN_ID
from tests.recognition.vision.scenes import Image, colour_embeddings, decision_by_colour


class ColourEngine:
    """Answers at once, unless a file in the data folder says otherwise."""

    def state(self) -> EngineState:
        return EngineState(
            ready=True,
            reasons=[],
            encoder="colour",
            fingerprint="c" * 64,
            rows=3,
            active_rows=3,
            applied_seq=0,
        )

    async def recognize_async(
        self, images: Sequence[Image], *, at_least_seq: int = 0, flow: Flow | None = None
    ) -> Recognition:
        if (settings.DATA_DIR / "engine_off").exists():
            raise EngineNotReady("The encoder is being loaded.")
        if (settings.DATA_DIR / "engine_broken").exists():
            raise RuntimeError("an unforeseen fault")
        if (settings.DATA_DIR / "engine_slow").exists():
            await asyncio.sleep(0.3)
        twin = {str(TWIN_ID): TWIN} if (settings.DATA_DIR / "twin_sold").exists() else {}
        embeddings = colour_embeddings(images)
        decisions = [decision_by_colour(row, COLOURS | twin) for row in embeddings]
        return Recognition(embeddings, decisions, {"embed": 0.0, "search": 0.0})

    def verify(self, pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        """Leave every question to the shopper."""
        return ()

    def close(self) -> None:
        """Hold nothing."""


shared.engine_use(cast("Any", ColourEngine()))
StaffConsumer.watch_every_s = 0.4
CheckoutConsumer.watch_every_s = float(os.environ.get("EBRCS_TEST_WATCH_S", "0.4"))
LaneConsumer.watch_every_s = float(os.environ.get("EBRCS_TEST_WATCH_S", "5"))
# A test machine may be so busy that a frame waits; what tests show here is not to depend on that.
frame_worker.FRAME_AGE_MAX_S = 30.0
housekeeping.FLUSH_EVERY_S = 1.0
housekeeping.housekeeping_start()
