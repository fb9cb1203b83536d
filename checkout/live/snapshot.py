"""The state of a session at one moment, and the first and last message of a socket, made from it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from checkout.cart import selectors, services
from checkout.cart.cart_lines import QUANTITY_MAX
from checkout.live.camera_state import CameraState
from checkout.live.threads import pace_now_ms
from checkout.models import CheckoutSession
from checkout.payloads import Cart, Limits, SessionClosed, SessionInfo, SessionMoved, SessionReady
from recognition.engine.shared import engine_running

PROTOCOL = 1


@dataclass(frozen=True)
class SessionSnapshot:
    """The state of a session at one moment; `browser` is the one that it goes on in, empty for any."""

    info: SessionInfo
    cart: Cart
    browser: str = ""


def snapshot_read(session_id: UUID) -> SessionSnapshot:
    """Read the state of a session, ending it if it has been idle for too long."""
    stored = CheckoutSession.objects.get(pk=session_id)
    session = services.session_current(session=stored)
    info = selectors.session_info(session=session)
    return SessionSnapshot(info, selectors.cart_get(session_id=session_id), session.browser)


def ready_message(snapshot: SessionSnapshot, camera: CameraState) -> SessionReady:
    """Return the first message of a socket."""
    engine = engine_running()
    limits: Limits = {
        "max_frame_bytes": settings.FRAME_MAX_BYTES,
        "max_pixels": settings.FRAME_MAX_PIXELS,
        "max_decoded_bytes": settings.FRAME_MAX_DECODED_BYTES,
        "max_fps": settings.FRAME_MAX_PER_SECOND,
        "max_quantity": QUANTITY_MAX,
        "pace_ms": pace_now_ms(),
    }
    return {
        "type": "session.ready",
        "protocol": PROTOCOL,
        "session": snapshot.info,
        "cart": snapshot.cart,
        "encoder": (engine.state().encoder or None) if engine else None,
        "mode": camera.lane.mode,
        "zone": camera.zone,
        "limits": limits,
    }


def moved_message() -> SessionMoved:
    """Return the last message of a socket whose session goes on on another device."""
    return {"type": "session.moved"}


def closed_message(info: SessionInfo) -> SessionClosed:
    """Return the last message of a socket whose session has ended."""
    return {"type": "session.closed", "status": info["status"], "order_id": info["order_id"]}
