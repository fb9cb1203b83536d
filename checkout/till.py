"""The worker of one socket: takes its frames one at a time and answers each."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError

from checkout import selectors, services
from checkout.errors import SessionNotActive
from checkout.mailbox import Frame, Mailbox
from checkout.models import ScanEvent, Source
from checkout.payloads import CartEvent, Choice, Detection, ErrorMessage, FrameResult
from checkout.seats import Change, Seat
from checkout.services import Cause
from checkout.threads import in_database, in_vision
from checkout.thumbnails import thumbnail_make
from ebrcs.errors import EbrcsError

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

    from recognition.runtime import Recognition
    from recognition.vision import sightings

logger = logging.getLogger(__name__)
# A frame older than this shows what is no longer there.
FRAME_AGE_MAX_S = 0.5
# A new name or picture of a product shows after this time.
NAMES_AGE_MAX_S = 1.0
# Questions and unknown items are no longer noted while so much waits for the database.
WAITING_MAX = 100
# As many tracks as a lane remembers.
QUESTIONS_MAX = 200
NOTED_STATES = {"ambiguous": ScanEvent.Action.QUESTION, "unknown": ScanEvent.Action.UNKNOWN}

Recognize = Callable[[Sequence[Any]], Awaitable["Recognition"]]


@dataclass
class ProductNames:
    """Names and pictures of the products in view, read again every second."""

    known: dict[str, Choice] = field(default_factory=dict)
    read_s: float = 0.0

    async def get(self, product_ids: set[str]) -> dict[str, Choice]:
        """Return what is known of these products; one withdrawn from sale is missing."""
        now_s = time.monotonic()
        if now_s - self.read_s > NAMES_AGE_MAX_S or not product_ids <= self.known.keys():
            wanted = product_ids | self.known.keys() if len(self.known) < 100 else product_ids
            self.known = await in_database(selectors.choices_get, product_ids=wanted) if wanted else {}
            self.read_s = now_s
        return self.known


@dataclass
class Till:
    """Looks at the newest frame, answers it, and stores what came or went.

    Parameters
    ----------
    recognize : embeds and matches crops
    send : sends a message to the client
    tell : passes on a change of the cart that was stored
    """

    session_id: UUID
    seat: Seat
    mailbox: Mailbox
    recognize: Recognize
    send: Callable[[Any], Awaitable[None]]
    tell: Callable[[CartEvent], Awaitable[None]]
    names: ProductNames = field(default_factory=ProductNames)
    storing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        """Answer frames until cancelled or until the session has ended."""
        while True:
            frame = await self.mailbox.take()
            try:
                answer = await self._answer(frame)
            except EbrcsError as error:
                answer = refusal(frame, error.code, error.detail, error.data)
            except (OperationalError, InterfaceError):
                logger.warning("The database does not answer.", exc_info=True)
                answer = refusal(frame, "database_unavailable", "The database does not answer.")
            except Exception:
                logger.exception("Frame %d of session %s failed.", frame.number, self.session_id)
                answer = refusal(frame, "internal_error", "The frame could not be looked at.")
            await self.send(answer)
            await self.store()

    async def store(self) -> None:
        """Store what was seen; what the database does not take now is tried again with the next frame."""
        async with self.storing:
            while self.seat.changes:
                try:
                    await self._store_one(self.seat.changes[0])
                except (OperationalError, InterfaceError):
                    logger.warning("A change of session %s waits for the database.", self.session_id)
                    return
                del self.seat.changes[0]

    async def _store_one(self, change: Change) -> None:
        event = None
        try:
            event = await in_database(change_store, session_id=self.session_id, change=change)
        except SessionNotActive:
            logger.info("Session %s ended before what was seen last was stored.", self.session_id)
        except EbrcsError as error:
            await self.send({"type": "error", "code": error.code, "detail": error.detail, "data": error.data})
        if event is not None:
            await self.tell(event)

    async def _answer(self, frame: Frame) -> FrameResult | ErrorMessage:
        from recognition.vision.decode import BadFrame

        if time.monotonic() - frame.received_s > FRAME_AGE_MAX_S:
            return refusal(frame, "late_frame", "The frame was too old when its turn came.")
        started_s = time.perf_counter()
        try:
            async with self.seat.turn:
                outcome, timing_ms = await self._look(frame)
        except BadFrame as error:
            return refusal(frame, "bad_frame", str(error.detail), {"reason": error.code})
        detections = await self._detections(outcome)
        timing_ms["total"] = 1000 * (time.perf_counter() - started_s)
        return {
            "type": "frame.result",
            "frame": frame.number,
            "dropped": frame.dropped,
            "detections": detections,
            "timing_ms": {name: round(value, 1) for name, value in timing_ms.items()},
        }

    async def _look(self, frame: Frame) -> tuple[sightings.Outcome, dict[str, float]]:
        """Take the frame through decoding, observing, matching and concluding."""
        import numpy as np

        observation, decode_ms = await in_vision(self._observe, frame)
        timing_ms = {"decode": decode_ms, "embed": 0.0, "search": 0.0}
        embeddings, decisions = np.empty((0, 0), np.float32), []
        if observation.crops:
            recognition = await self.recognize([picture for _, picture in observation.crops])
            embeddings, decisions = recognition.embeddings, recognition.decisions
            timing_ms |= {name: recognition.timing_ms[name] for name in ("embed", "search")}
        outcome = await in_vision(self.seat.lane.conclude, observation, embeddings, decisions)
        await in_vision(self._remember, dict(observation.crops), outcome)
        return outcome, timing_ms

    def _observe(self, frame: Frame) -> tuple[sightings.Observation, float]:
        from recognition.vision.decode import decode_frame

        started_s = time.perf_counter()
        picture = decode_frame(
            frame.data, max_bytes=settings.FRAME_MAX_BYTES, max_pixels=settings.FRAME_MAX_PIXELS
        )
        decode_ms = 1000 * (time.perf_counter() - started_s)
        return self.seat.lane.observe(picture, frame.received_s), decode_ms

    def _remember(self, pictures: dict[int, NDArray[uint8]], outcome: sightings.Outcome) -> None:
        """Note what has to be stored, and which questions are open."""
        for event in outcome.events:
            self.seat.changes.append(change_of(event))
        for detection in outcome.detections:
            action, key = NOTED_STATES.get(detection.state), (detection.track, detection.state)
            if detection.choices:
                self.seat.questions[detection.track] = detection.choices
                if len(self.seat.questions) > QUESTIONS_MAX:
                    del self.seat.questions[min(self.seat.questions)]
            if action is None or key in self.seat.noted or len(self.seat.changes) >= WAITING_MAX:
                continue
            self.seat.noted.add(key)
            picture = pictures.get(detection.track)
            cause = Cause(
                score=detection.score,
                margin=detection.margin,
                thumbnail=None if picture is None else thumbnail_make(picture),
            )
            self.seat.changes.append(Change(action, None, cause))

    async def _detections(self, outcome: sightings.Outcome) -> list[Detection]:
        wanted = {
            product_id
            for detection in outcome.detections
            for product_id in (*detection.choices, detection.product_id)
            if product_id is not None
        }
        names = await self.names.get(wanted) if wanted else {}
        return [_detection(detection, names) for detection in outcome.detections]


def change_of(event: Any) -> Change:
    """Return what an event of a lane means to the cart."""
    cause = Cause(
        source=Source.VISION,
        score=event.score,
        margin=event.margin,
        thumbnail=thumbnail_make(event.picture),
        reason=event.reason,
    )
    return Change(ScanEvent.Action(event.action), UUID(event.product_id), cause)


def change_store(*, session_id: UUID, change: Change) -> CartEvent | None:
    """Store one change; return what it did to the cart."""
    if change.product_id is None:
        services.scan_note(session_id=session_id, action=change.action, cause=change.cause)
        return None
    store = services.item_add if change.action == ScanEvent.Action.ADD else services.item_remove
    return store(session_id=session_id, product_id=change.product_id, cause=change.cause)


def refusal(frame: Frame, code: str, detail: str, data: dict[str, object] | None = None) -> ErrorMessage:
    """Return the answer to a frame that led nowhere."""
    return {
        "type": "error",
        "code": code,
        "detail": detail,
        "frame": frame.number,
        "dropped": frame.dropped,
        "data": data or {},
    }


def _detection(detection: sightings.Detection, names: dict[str, Choice]) -> Detection:
    box = detection.box
    named = names.get(detection.product_id or "")
    return {
        "track": detection.track,
        "box": [round(side, 4) for side in (box.x, box.y, box.width, box.height)],
        "state": detection.state,
        "product_id": detection.product_id,
        "name": named["name"] if named else None,
        "score": round(detection.score, 4),
        "margin": round(detection.margin, 4),
        "choices": [names[product_id] for product_id in detection.choices if product_id in names],
    }
