"""What a camera saw or a shopper answered, waiting to be stored: made as frames come, stored in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from checkout.cart import corrections, items
from checkout.cart.scan_events import Cause
from checkout.cart.thumbnails import thumbnail_make
from checkout.models import ScanEvent, Source
from checkout.payloads import CartEvent

if TYPE_CHECKING:
    from checkout.live.camera_state import CameraState
    from recognition.vision.lane import voting

Action = ScanEvent.Action
REMEMBERED_MAX = 1000


@dataclass(frozen=True)
class Change:
    """Something that has to be stored, however often that takes; its cause makes it happen once.

    Attributes
    ----------
    product_id : None for a question and an unknown item
    added_id : of a removal the addition that it ends, of a disagreement the one by the picture
    pictured_id : of a disagreement, what the picture was taken for
    """

    action: ScanEvent.Action
    product_id: UUID | None
    cause: Cause
    added_id: UUID | None = None
    pictured_id: UUID | None = None


def change_of(camera: CameraState, event: voting.CountEvent) -> Change:
    """Return what an event of a camera's lane means to the cart."""
    by_code = event.track in camera.scanned
    seen = event.score_count > 0 or not by_code
    cause = Cause(
        source=Source.BARCODE if by_code else Source.VISION,
        score=event.score if seen else None,
        margin=event.margin if seen else None,
        thumbnail=thumbnail_make(event.picture),
        reason=event.reason,
    )
    added_id = None
    if event.action == "add":
        camera.counted[event.track] = cause.event_id
        if len(camera.counted) > REMEMBERED_MAX:
            del camera.counted[min(camera.counted)]
    else:
        added_id = camera.counted.pop(event.track, None)
    product_id = camera.overruled.get(event.track, event.product_id)
    return Change(Action(event.action), UUID(product_id), cause, added_id)


def answer_of(camera: CameraState, track: int, product_id: UUID) -> Change:
    """Return the record of an answer to what was asked about a track, or offered for an unknown one."""
    asked_id = camera.noted.get((track, "ambiguous")) or camera.noted.get((track, "unknown"))
    cause = Cause(source=Source.MANUAL, reason="chosen by the shopper", about_id=asked_id)
    return Change(Action.ANSWER, product_id, cause)


def change_store(*, session_id: UUID, change: Change) -> CartEvent | None:
    """Store one change; return what it did to the cart."""
    product_id, cause = change.product_id, change.cause
    if product_id is None or change.action == Action.ANSWER:
        items.scan_note(session_id=session_id, action=change.action, cause=cause, product_id=product_id)
        return None
    if change.action == Action.DISAGREE:
        assert change.pictured_id is not None
        return corrections.disagreement_resolve(
            session_id=session_id,
            counted_id=change.added_id,
            product_id=product_id,
            pictured_id=change.pictured_id,
            cause=cause,
        )
    if change.action == Action.ADD:
        return items.item_add(session_id=session_id, product_id=product_id, cause=cause)
    if change.added_id is None:
        return items.item_remove(session_id=session_id, product_id=product_id, cause=cause)
    return corrections.sighting_remove(
        session_id=session_id, added_id=change.added_id, product_id=product_id, cause=cause
    )
