"""Changes that wait to be stored: what a camera saw or a shopper answered, in order."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from checkout.cart import corrections, items
from checkout.cart.scan_events import Cause
from checkout.models import ScanEvent
from checkout.payloads import CartEvent

Action = ScanEvent.Action


@dataclass(frozen=True)
class Change:
    """A change to be stored, retried until the database accepts it; its cause's id makes it happen once.

    Attributes
    ----------
    product_id : None for a question and an unknown item
    added_id : for a removal, the addition it reverts; for a disagreement, the addition by the picture
    pictured_id : for a disagreement, the product by the picture
    """

    action: ScanEvent.Action
    product_id: UUID | None
    cause: Cause
    added_id: UUID | None = None
    pictured_id: UUID | None = None


def change_store(*, session_id: UUID, change: Change) -> CartEvent | None:
    """Store one change; return the event it caused in the cart, None without one."""
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
