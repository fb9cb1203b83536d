"""Changes that wait to be stored: what a camera saw or a shopper answered, in order."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from checkout.cart import corrections, items, unresolved
from checkout.cart.scan_events import Cause
from checkout.models import ScanEvent
from checkout.payloads import CartEvent

Action = ScanEvent.Action


@dataclass(frozen=True)
class OpenedItem:
    """What is kept of an item that was reported unresolved, beside its cause."""

    kind: str
    track: int
    choices: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """A change to be stored, retried until the database accepts it; its cause's id makes it happen once.

    Attributes
    ----------
    product_id : None for a question, an unknown item and an unresolved one
    added_id : for a removal, the addition it reverts; for a disagreement, the addition by the picture
    pictured_id : for a disagreement, the product by the picture
    unresolved_id : of an item that was reported unresolved before, and is counted, removed or settled now
    opened : the item as the lane reported it, where this opens it
    """

    action: ScanEvent.Action
    product_id: UUID | None
    cause: Cause
    added_id: UUID | None = None
    pictured_id: UUID | None = None
    unresolved_id: UUID | None = None
    opened: OpenedItem | None = None


def change_store(*, session_id: UUID, change: Change) -> CartEvent | None:
    """Store one change; return the event it caused in the cart, None without one."""
    product_id, cause, unresolved_id = change.product_id, change.cause, change.unresolved_id
    if change.opened is not None or (unresolved_id and change.action in (Action.ADD, Action.SETTLE)):
        return _unresolved_store(session_id, change)
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
            unresolved_id=unresolved_id,
        )
    if change.action == Action.ADD:
        return items.item_add(session_id=session_id, product_id=product_id, cause=cause)
    if change.added_id is None:
        return items.item_remove(session_id=session_id, product_id=product_id, cause=cause)
    return corrections.sighting_remove(
        session_id=session_id,
        added_id=change.added_id,
        product_id=product_id,
        cause=cause,
        unresolved_id=unresolved_id,
    )


def _unresolved_store(session_id: UUID, change: Change) -> CartEvent | None:
    """Open an unresolved item, or count or settle one that was opened before."""
    cause, unresolved_id = change.cause, change.unresolved_id
    if change.opened is not None:
        opened = change.opened
        return unresolved.unresolved_open(
            session_id=session_id,
            kind=opened.kind,
            track=opened.track,
            choices=opened.choices,
            cause=cause,
        )
    assert unresolved_id is not None
    if change.product_id is None:
        return unresolved.unresolved_settle(session_id=session_id, unresolved_id=unresolved_id, cause=cause)
    return unresolved.unresolved_count_sighting(
        session_id=session_id, unresolved_id=unresolved_id, product_id=change.product_id, cause=cause
    )
