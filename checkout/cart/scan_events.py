"""What is recorded of a session: every change of its cart, announced after the commit, and every doubt."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Literal
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from accounts.models import User
from catalog.models import Product
from checkout.cart import announce
from checkout.cart.reasons import staff_reason
from checkout.cart.sessions import TOUCH_EVERY
from checkout.errors import TooManyChanges
from checkout.models import CheckoutSession, ScanEvent, Source
from checkout.payloads import CartEvent
from recognition.vision.lane.reasons import Reason

CHANGES: dict[
    ScanEvent.Action, Literal["add", "remove", "correct", "undo", "unresolved", "dismiss", "sync"]
] = {
    ScanEvent.Action.ADD: "add",
    ScanEvent.Action.REMOVE: "remove",
    ScanEvent.Action.CORRECT: "correct",
    ScanEvent.Action.UNDO: "undo",
    ScanEvent.Action.UNRESOLVED: "unresolved",
    ScanEvent.Action.DISMISS: "dismiss",
    ScanEvent.Action.SETTLE: "sync",  # the shopper did nothing, and need not be told
}
PUTTING_IN = (ScanEvent.Action.ADD, ScanEvent.Action.UNDO)


EVENTS_MAX = 5_000
PICTURES_MAX = 1_000
"""Rows of a session, and pictures of some 5 kB in them; a long visit has a few hundred. Beyond the pictures,
changes are recorded without one. Beyond the rows, what would put something into the cart is refused, so that
no change goes unrecorded. Taking out goes on, which ends with the cart empty."""


@dataclass(frozen=True)
class Cause:
    """What led to a change, kept with it.

    Attributes
    ----------
    score : similarity of the match, -1..1; None where nothing was matched
    margin : distance to the second best product
    thumbnail : small JPEG of the item
    event_id : the change happens once, however often it is asked for under this id
    reason : what led to it, None where nothing more is known
    about_id : the earlier event that this one undoes, corrects or answers
    actor_id : of the member of staff who did it; None for the shopper and the camera
    """

    source: Source = Source.VISION
    score: float | None = None
    margin: float | None = None
    thumbnail: bytes | None = None
    reason: Reason | None = None
    event_id: UUID = field(default_factory=uuid4)
    about_id: UUID | None = None
    actor_id: UUID | None = None


def staff_cause(*, actor: User, why: str = "", source: Source = Source.MANUAL) -> Cause:
    """Return the cause of what a member of staff does, for a reason in their own words."""
    return Cause(source=source, reason=staff_reason(actor.username, why), actor_id=actor.pk)


def is_recorded(cause: Cause) -> bool:
    """Whether the change with this cause was made before; certain only while the session is held."""
    return ScanEvent.objects.filter(pk=cause.event_id).exists()


def change_record(
    session: CheckoutSession,
    action: ScanEvent.Action,
    product: Product | None,
    quantity: int,
    cause: Cause,
    *,
    other: Product | None = None,
    unresolved_id: UUID | None = None,
) -> CartEvent:
    """Record a change of the cart; the sockets of the session are told after the commit.

    A change of the unresolved items alone names one of them, and no product.
    """
    event_record(session, action, product, quantity, cause, other=other)
    if session.last_active < timezone.now() - TOUCH_EVERY:
        session.last_active = timezone.now()
        session.save(update_fields=["last_active"])
    event: CartEvent = {
        "id": str(cause.event_id),
        "action": CHANGES[action],
        "product_id": None if product is None else str(product.pk),
        "name": "" if product is None else product.name,
        "quantity": quantity,
        "source": cause.source.value,
        "undoable": product is not None and action != ScanEvent.Action.UNDO,
    }
    if unresolved_id is not None:
        event["unresolved_id"] = str(unresolved_id)
    if other is not None:
        event["instead_id"], event["instead_name"] = str(other.pk), other.name
    if cause.about_id is not None:
        event["about"] = str(cause.about_id)
    announced = partial(announce.cart_announce, session_id=session.pk, event=event, lane_id=session.lane_id)
    transaction.on_commit(announced)
    return event


def event_record(
    session: CheckoutSession,
    action: ScanEvent.Action,
    product: Product | None,
    quantity: int,
    cause: Cause,
    *,
    other: Product | None = None,
) -> None:
    """Store a scan event, with its picture while the session has room for pictures.

    Raises
    ------
    TooManyChanges
        When the session has no room for an event that puts something into the cart.
    """
    puts_in = action in PUTTING_IN or (action == ScanEvent.Action.CORRECT and other is not None)
    thumbnail = cause.thumbnail
    if puts_in or thumbnail is not None:
        events = ScanEvent.objects.filter(session=session)
        kept = events.aggregate(rows=Count("pk"), pictures=Count("thumbnail"))
        if puts_in and kept["rows"] >= EVENTS_MAX:
            raise TooManyChanges(limit=EVENTS_MAX)
        if kept["pictures"] >= PICTURES_MAX:
            thumbnail = None
    ScanEvent.objects.create(
        id=cause.event_id,
        session=session,
        product=product,
        other_product=other,
        about_id=cause.about_id,
        action=action,
        quantity=quantity,
        score=cause.score,
        margin=cause.margin,
        source=cause.source,
        reason=None if cause.reason is None else cause.reason.payload(),
        thumbnail=thumbnail,
        actor_id=cause.actor_id,
    )
