"""The frame worker of one socket: takes its frames one at a time, and answers and stores each.

Each frame takes these steps; the camera's lock is held from the first to the fourth:

1. observe (vision pool): once it is this camera's turn, take the newest frame, or refuse it as too old;
   decode it, follow the items in it, cut out those that need a view, read barcodes. Codes are settled right
   after, since they need no recognition.
2. recognize (engine): embed and match the crops, in a batch with those of other sockets.
3. verify (vision pool): the matches become votes, and items about to be decided are compared with stored
   photos by their local features.
4. conclude (vision pool): the lane decides what the items are and counts them; the changes are queued.
5. answer: send the detections to the client.
6. store: write the queued changes to the database, in order, and pass on the changed cart.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import override

from checkout.answer_times import frame_tally
from checkout.cart.reasons import ENGLISH
from checkout.errors import SessionNotActive
from checkout.live.barcodes_in_view import barcodes_settle
from checkout.live.camera_state import CameraState
from checkout.live.connections import Connection
from checkout.live.detection_payloads import detection_show, frame_debug, products_named, why_show
from checkout.live.engine_access import FrameEngine
from checkout.live.mailbox import Frame, Mailbox
from checkout.live.pending_changes import Change, change_store
from checkout.live.product_names import ProductNames
from checkout.live.threads import (
    DATABASE_AWAY,
    DATABASE_SILENT,
    flow_now,
    in_database,
    in_vision_thread,
    pace_now_ms,
    pacer,
    vision_slots,
)
from checkout.payloads import CartEvent, DetectionPayload, ErrorMessage, FrameResult
from ebrcs import metrics
from ebrcs.errors import EbrcsError

if TYPE_CHECKING:
    from recognition.engine.results import Recognition
    from recognition.vision.lane.observations import Detection, Observation, TrackLife
    from recognition.vision.scene.barcodes import CodeRead
    from recognition.vision.types import Image

logger = logging.getLogger(__name__)
# An older frame shows a scene that has passed.
FRAME_AGE_MAX_S = 0.5
# A barcode by itself covers more of the frame than this.
BARCODE_SHARE = 0.002


@dataclass(frozen=True)
class ObservedFrame:
    """A decoded frame with what was found in it before recognition."""

    picture: Image
    observation: Observation
    barcodes: list[CodeRead]
    decode_ms: float


@dataclass(frozen=True)
class ConcludedFrame:
    """The detections of a frame; `lives` are those of its items where the client asked for explanations."""

    detections: tuple[Detection, ...]
    lives: Mapping[int, TrackLife]


@dataclass
class FrameWorker:
    """Takes the newest frame of a socket, answers it, and stores what it changed in the cart.

    The steps are those of this module: observe, recognize, verify, conclude, answer, store.

    Parameters
    ----------
    engine : recognizes crops and verifies items
    send : sends a message to the client
    cart_changed : sends the cart after a stored change
    language : of the reasons sent to the client
    """

    session_id: UUID
    connection: Connection
    mailbox: Mailbox
    engine: FrameEngine
    send: Callable[[Any], Awaitable[None]]
    cart_changed: Callable[[CartEvent], Awaitable[None]]
    names: ProductNames = field(default_factory=ProductNames)
    language: str = ENGLISH

    async def run(self) -> None:
        """Answer frames until cancelled or until the session has ended."""
        while True:
            frame = await self.mailbox.take()
            try:
                answer = await self._answer(frame)
            except EbrcsError as error:
                answer = refusal(frame, error.code, error.detail, error.data)
            except DATABASE_AWAY:
                logger.warning(DATABASE_SILENT, exc_info=True)
                answer = refusal(frame, "database_unavailable", DATABASE_SILENT)
            except Exception:
                logger.exception("Frame %d of session %s failed.", frame.number, self.session_id)
                answer = refusal(frame, "internal_error", "The frame could not be processed.")
            answer["pace_ms"] = pace_now_ms()
            await self.send(answer)
            answer_s = time.monotonic() - frame.received_s
            frame_tally.note(
                answer_ms=1000 * answer_s,
                answered=answer["type"] == "frame.result",
                dropped=frame.dropped,
            )
            metrics.frame_count(code=answer.get("code"), answer_s=answer_s, dropped=frame.dropped)
            await self.store()

    async def store(self) -> None:
        """Store the queued changes; those that the database does not accept wait for the next frame."""
        try:
            await self.connection.camera.store_changes(self._store_one)
        except DATABASE_AWAY:
            logger.warning("A change of session %s waits for the database.", self.session_id)

    async def _store_one(self, change: Change) -> None:
        event = None
        try:
            event = await in_database(change_store, session_id=self.session_id, change=change)
        except SessionNotActive:
            logger.info("Session %s ended before its last changes were stored.", self.session_id)
        except EbrcsError as error:
            await self.send({"type": "error", "code": error.code, "detail": error.detail, "data": error.data})
        if event is not None:
            await self.cart_changed(event)

    async def _answer(self, frame: Frame) -> FrameResult | ErrorMessage:
        """Observe, recognize, verify and conclude a frame; return the answer, or a refusal if late or bad."""
        from recognition.vision.scene.decode import BadFrame

        started_s = time.perf_counter()
        camera, flow = self.connection.camera, flow_now()
        try:
            async with camera.lock:
                async with vision_slots.slot(flow) as observing:
                    self.mailbox.renew(frame)
                    if time.monotonic() - frame.received_s > FRAME_AGE_MAX_S:
                        pacer.note(flow, None, time.monotonic())
                        return refusal(frame, "late_frame", "The frame was too old when its turn came.")
                    observed = await in_vision_thread(self._observe, camera, frame)
                if observed.barcodes:
                    await barcodes_settle(camera, observed.barcodes, observed.picture, self.send)
                with vision_slots.elsewhere(flow):
                    recognition = await self._recognize(observed.observation)
                engine_s = recognition.timing_ms.get("work", 0.0) / 1000
                vision_slots.charge(flow, engine_s)
                async with vision_slots.slot(flow, is_begun=True) as concluding:
                    concluded = await in_vision_thread(
                        self._conclude, camera, observed.observation, recognition
                    )
        except BadFrame as error:
            return refusal(frame, "bad_frame", str(error.detail), {"reason": error.code})
        pacer.note(flow, observing.held_s + engine_s + concluding.held_s, time.monotonic())
        detections = await self._detections(concluded)
        timing_ms = {
            "decode": observed.decode_ms,
            "embed": recognition.timing_ms["embed"],
            "search": recognition.timing_ms["search"],
            "total": 1000 * (time.perf_counter() - started_s),
        }
        answer: FrameResult = {
            "type": "frame.result",
            "frame": frame.number,
            "dropped": frame.dropped,
            "detections": detections,
            "timing_ms": {name: round(value, 1) for name, value in timing_ms.items()},
        }
        if self.connection.explains:
            answer["debug"] = frame_debug(observed.observation, camera.zone)
        return answer

    def _observe(self, camera: CameraState, frame: Frame) -> ObservedFrame:
        """Decode a frame, and find the items and the barcodes in it; runs in the vision pool."""
        from recognition.vision.scene.decode import decode_frame

        started_s = time.perf_counter()
        picture = decode_frame(
            frame.data,
            max_bytes=settings.FRAME_MAX_BYTES,
            max_pixels=settings.FRAME_MAX_PIXELS,
            max_decoded_bytes=settings.FRAME_MAX_DECODED_BYTES,
        )
        decode_ms = 1000 * (time.perf_counter() - started_s)
        observation = camera.lane.observe(picture, frame.received_s)
        barcodes = []
        if camera.barcodes is not None:
            unknown = [item.box for item in camera.lane.in_view() if item.state != "accepted"]
            active = observation.active or observation.unsettled or observation.changed > BARCODE_SHARE
            barcodes = camera.barcodes.read(picture, frame.received_s, unknown, active=active)
        return ObservedFrame(picture, observation, barcodes, decode_ms)

    async def _recognize(self, observation: Observation) -> Recognition:
        """Have the engine embed and match the crops that the lane asked for, if any."""
        import numpy as np

        from recognition.engine.results import Recognition

        if not observation.crops:
            return Recognition(np.empty((0, 0), np.float32), [], {"embed": 0.0, "search": 0.0})
        return await self.engine.recognize([picture for _, picture in observation.crops])

    def _conclude(
        self, camera: CameraState, observation: Observation, recognition: Recognition
    ) -> ConcludedFrame:
        """Vote, verify and conclude; runs in the vision pool.

        `Lane.vote` adds the matches to their tracks and returns the items about to be decided. These are
        verified here, and `Lane.conclude` takes the verifications and gives detections and events, which
        are queued in the camera state. Lives are copied, because later frames change them.
        """
        lane = camera.lane
        requests = lane.vote(observation, recognition.embeddings, recognition.decisions)
        outcome = lane.conclude(
            {each.track: self.engine.verify(each.pictures, each.contenders) for each in requests}
        )
        camera.take_outcome(outcome, dict(observation.crops))
        lives = {}
        if self.connection.explains:
            tracks = (detection.track for detection in outcome.detections)
            lives = {
                track: replace(life, views=life.views[:], story=life.story[:])
                for track in tracks
                if (life := lane.life(track))
            }
        shown = tuple(replace(item, product_id=camera.product_of(item)) for item in outcome.detections)
        return ConcludedFrame(shown, lives)

    async def _detections(self, frame: ConcludedFrame) -> list[DetectionPayload]:
        """Return the payloads of the items, with the names of their products."""
        wanted = {
            product_id
            for detection in frame.detections
            for product_id in products_named(detection, frame.lives.get(detection.track))
        }
        names = await self.names.get(wanted) if wanted else {}
        shown = []
        for detection in frame.detections:
            item = detection_show(detection, names)
            if life := frame.lives.get(detection.track):
                with override(self.language):
                    item["why"] = why_show(life, names)
            shown.append(item)
        return shown


def refusal(frame: Frame, code: str, detail: str, data: dict[str, object] | None = None) -> ErrorMessage:
    """Return the answer to a frame that was refused or failed."""
    return {
        "type": "error",
        "code": code,
        "detail": detail,
        "frame": frame.number,
        "dropped": frame.dropped,
        "data": data or {},
    }
