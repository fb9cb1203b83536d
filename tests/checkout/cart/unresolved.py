"""Unresolved items for tests."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from catalog.models import Product
from checkout.cart.scan_events import Cause
from checkout.cart.unresolved import unresolved_open
from checkout.models import CheckoutSession
from recognition.vision.lane.reasons import ReasonCode, because


def left(session: CheckoutSession, *choices: Product, kind: str = "unanswered", track: int = 7) -> UUID:
    """Have a camera report an item that left without being counted; return its id."""
    reason = because(ReasonCode.TOO_FEW_VIEWS, views=2)
    cause = Cause(score=0.6, margin=0.01, thumbnail=b"jpeg", reason=reason)
    offered: Sequence[str] = [str(product.pk) for product in choices]
    unresolved_open(session_id=session.pk, kind=kind, track=track, choices=offered, cause=cause)
    return cause.event_id
