"""The worker of one socket: takes its frames one at a time and answers each."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils.translation import override

from checkout.cart import selectors
from checkout.cart.reasons import KEPT_IN
from checkout.cart.scan_events import Cause
from checkout.cart.thumbnails import thumbnail_make
from checkout.errors import SessionNotActive
from checkout.live.answer_times import frame_tally
from checkout.live.barcodes_in_view import codes_settle
from checkout.live.camera_state import CameraState, Connection
from checkout.live.detection_payloads import detection_show, frame_debug, products_named, why_show
from checkout.live.mailbox import Frame, Mailbox
from checkout.live.pending_changes import Change, change_of, change_store
from checkout.live.threads import in_database, in_vision
from checkout.models import ScanEvent
from checkout.payloads import CartEvent, Choice, DetectionPayload, ErrorMessage, FrameResult
from ebrcs import metrics
from ebrcs.errors import EbrcsError

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

    from recognition.engine.results import Recognition
    from recognition.vision.lane import observations
    from recognition.vision.scene.barcodes import CodeRead

logger = logging.getLogger(__name__)
# A frame older than this shows what is no longer there.
FRAME_AGE_MAX_S = 0.5
# A new name or picture of a product shows after this time.
NAMES_AGE_MAX_S = 1.0
# Questions and unknown items are no longer noted while so much waits for the database.
WAITING_MAX = 100
# As many tracks as a lane remembers.
QUESTIONS_MAX = 200
# A barcode alone covers more of the picture than this.
CODE_SHARE = 0.002
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


@dataclass(frozen=True)
class ObservedFrame:
    """A frame as far as it goes without knowing any product by sight."""

    picture: NDArray[uint8]
    observation: observations.Observation
    codes: list[CodeRead]
    decode_ms: float


@dataclass(frozen=True)
class RecognizedFrame:
    """What a frame led to; `lives` are the lives of the items in view, where they were asked for."""

    observation: observations.Observation
    outcome: observations.Outcome
    timing_ms: dict[str, float]
    lives: Mapping[int, observations.TrackLife]


@dataclass
class FrameWorker:
    """Looks at the newest frame, answers it, and stores what came or went.

    Parameters
    ----------
    recognize : embeds and matches crops
    send : sends a message to the client
    tell : passes on a change of the cart that was stored
    language : in which the client is told why things are as they are
    """

    session_id: UUID
    connection: Connection
    mailbox: Mailbox
    recognize: Recognize
    send: Callable[[Any], Awaitable[None]]
    tell: Callable[[CartEvent], Awaitable[None]]
    names: ProductNames = field(default_factory=ProductNames)
    storing: asyncio.Lock = field(default_factory=asyncio.Lock)
    language: str = KEPT_IN

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
            frame_tally.note(
                answer_ms=1000 * (time.monotonic() - frame.received_s),
                answered=answer["type"] == "frame.result",
                dropped=frame.dropped,
            )
            metrics.frame_count(
                code=answer.get("code"), answer_s=time.monotonic() - frame.received_s, dropped=frame.dropped
            )
            await self.store()

    async def store(self) -> None:
        """Store what was seen; what the database does not take now is tried again with the next frame."""
        async with self.storing:
            changes = self.connection.camera.changes
            while changes:
                try:
                    await self._store_one(changes[0])
                except (OperationalError, InterfaceError):
                    logger.warning("A change of session %s waits for the database.", self.session_id)
                    return
                del changes[0]

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
        from recognition.vision.scene.decode import BadFrame

        if time.monotonic() - frame.received_s > FRAME_AGE_MAX_S:
            return refusal(frame, "late_frame", "The frame was too old when its turn came.")
        started_s = time.perf_counter()
        camera = self.connection.camera
        try:
            async with camera.turn:
                look = await self._look(camera, frame)
        except BadFrame as error:
            return refusal(frame, "bad_frame", str(error.detail), {"reason": error.code})
        detections = await self._detections(look)
        look.timing_ms["total"] = 1000 * (time.perf_counter() - started_s)
        answer: FrameResult = {
            "type": "frame.result",
            "frame": frame.number,
            "dropped": frame.dropped,
            "detections": detections,
            "timing_ms": {name: round(value, 1) for name, value in look.timing_ms.items()},
        }
        if self.connection.explains:
            answer["debug"] = frame_debug(look.observation, camera.zone)
        return answer

    async def _look(self, camera: CameraState, frame: Frame) -> RecognizedFrame:
        """Take the frame through decoding, observing, matching and concluding."""
        import numpy as np

        observed = await in_vision(self._observe, camera, frame)
        observation = observed.observation
        if observed.codes:
            await codes_settle(camera, observed.codes, observed.picture, self.send)
        timing_ms = {"decode": observed.decode_ms, "embed": 0.0, "search": 0.0}
        embeddings, decisions = np.empty((0, 0), np.float32), []
        if observation.crops:
            recognition = await self.recognize([picture for _, picture in observation.crops])
            embeddings, decisions = recognition.embeddings, recognition.decisions
            timing_ms |= {name: recognition.timing_ms[name] for name in ("embed", "search")}
        outcome = await in_vision(camera.lane.conclude, observation, embeddings, decisions)
        await in_vision(self._remember, camera, dict(observation.crops), outcome)
        lives = {}
        if self.connection.explains:
            tracks = (detection.track for detection in outcome.detections)
            lives = {track: deepcopy(life) for track in tracks if (life := camera.lane.life(track))}
        if camera.overruled:
            outcome = replace(
                outcome,
                detections=tuple(
                    replace(item, product_id=camera.product_of(item)) for item in outcome.detections
                ),
            )
        return RecognizedFrame(observation, outcome, timing_ms, lives)

    def _observe(self, camera: CameraState, frame: Frame) -> ObservedFrame:
        from recognition.vision.scene.decode import decode_frame

        started_s = time.perf_counter()
        picture = decode_frame(
            frame.data, max_bytes=settings.FRAME_MAX_BYTES, max_pixels=settings.FRAME_MAX_PIXELS
        )
        decode_ms = 1000 * (time.perf_counter() - started_s)
        observation = camera.lane.observe(picture, frame.received_s)
        codes = []
        if camera.codes is not None:
            unknown = [item.box for item in camera.lane.in_view() if item.state != "accepted"]
            active = observation.active or observation.unsettled or observation.changed > CODE_SHARE
            codes = camera.codes.look(picture, frame.received_s, unknown, active=active)
        return ObservedFrame(picture, observation, codes, decode_ms)

    def _remember(
        self, camera: CameraState, pictures: dict[int, NDArray[uint8]], outcome: observations.Outcome
    ) -> None:
        """Note what has to be stored, and which questions are open."""
        for event in outcome.events:
            camera.changes.append(change_of(camera, event))
        for detection in outcome.detections:
            action, key = NOTED_STATES.get(detection.state), (detection.track, detection.state)
            if detection.choices:
                camera.questions[detection.track] = detection.choices
                if len(camera.questions) > QUESTIONS_MAX:
                    del camera.questions[min(camera.questions)]
            if action is None or key in camera.noted or len(camera.changes) >= WAITING_MAX:
                continue
            picture = pictures.get(detection.track)
            cause = Cause(
                score=detection.score,
                margin=detection.margin,
                thumbnail=None if picture is None else thumbnail_make(picture),
            )
            camera.noted[key] = cause.event_id
            camera.changes.append(Change(action, None, cause))

    async def _detections(self, look: RecognizedFrame) -> list[DetectionPayload]:
        found, lives = look.outcome.detections, look.lives
        wanted = {
            product_id
            for detection in found
            for product_id in products_named(detection, lives.get(detection.track))
        }
        names = await self.names.get(wanted) if wanted else {}
        shown = []
        for detection in found:
            item = detection_show(detection, names)
            if life := lives.get(detection.track):
                with override(self.language):
                    item["why"] = why_show(life, names)
            shown.append(item)
        return shown


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
