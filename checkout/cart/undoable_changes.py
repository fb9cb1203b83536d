"""Which recorded changes of a cart can be undone, and how many of their pieces still stand.

Only read while the session is held: its lock covers its scan events, whose rows are not locked.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from checkout.errors import AlreadyUndone, ChangeUnknown
from checkout.models import CheckoutSession, ScanEvent

Action = ScanEvent.Action
UNDOABLE = (Action.ADD, Action.REMOVE, Action.CORRECT)


def change_find(session: CheckoutSession, event_id: UUID) -> ScanEvent | None:
    """Return a change of this cart that can be undone, standing or not."""
    return _changes(session).filter(pk=event_id).first()


def change_get(session: CheckoutSession, event_id: UUID) -> ScanEvent:
    """Return a change of this cart that can be undone, standing or not, or raise `ChangeUnknown`."""
    change = change_find(session, event_id)
    if change is None:
        raise ChangeUnknown(f"Change {event_id} cannot be undone.", event_id=str(event_id))
    return change


def pieces_standing(change: ScanEvent) -> int:
    """Return how many pieces of a change were neither undone nor corrected."""
    if ScanEvent.objects.filter(about=change, action=Action.UNDO).exists():
        return 0
    return change.quantity - _standing_corrections().filter(about=change).count()


def addition_to_correct(
    session: CheckoutSession, product_id: UUID, addition_id: UUID | None
) -> ScanEvent | None:
    """Return the addition of a product that a correction is about.

    Without an id it is the latest of which a piece still stands, None where there is none. Raises
    `ChangeUnknown` for the id of anything else, `AlreadyUndone` for an addition with no piece left.
    """
    if addition_id is None:
        return additions_standing(session, product_id).first()
    addition = change_get(session, addition_id)
    if addition.action != Action.ADD or addition.product_id != product_id:
        raise ChangeUnknown(f"Change {addition_id} did not add this product.", event_id=str(addition_id))
    if not pieces_standing(addition):
        raise AlreadyUndone(event_id=str(addition_id))
    return addition


def additions_standing(session: CheckoutSession, product_id: UUID) -> QuerySet[ScanEvent]:
    """Return the additions of a product of which any piece stands, the newest first."""
    undone = ScanEvent.objects.filter(about=OuterRef("pk"), action=Action.UNDO)
    corrections = _standing_corrections().filter(about=OuterRef("pk")).order_by().values("about")
    corrected = Coalesce(Subquery(corrections.annotate(number=Count("pk")).values("number")), 0)
    return (
        _changes(session)
        .filter(~Exists(undone), action=Action.ADD, product_id=product_id, quantity__gt=corrected)
        .order_by("-created_at", "-id")
    )


def addition_resolving(session: CheckoutSession, unresolved_id: UUID | None) -> ScanEvent | None:
    """Return the newest addition that resolved an unresolved item, None where there is none."""
    if unresolved_id is None:
        return None
    added = _changes(session).filter(action=Action.ADD, about=unresolved_id)
    return added.order_by("-created_at", "-id").first()


def product_added_as(addition: ScanEvent) -> UUID | None:
    """Return as which product an addition is in the cart now.

    That is its own product or the one it was corrected to, None where it was undone or corrected away.
    """
    if pieces_standing(addition):
        return addition.product_id
    correction = _standing_corrections().filter(about=addition).first()
    return None if correction is None else correction.other_product_id


def _changes(session: CheckoutSession) -> QuerySet[ScanEvent]:
    return ScanEvent.objects.filter(
        session=session, action__in=UNDOABLE, product__isnull=False
    ).select_related("product", "other_product")


def _standing_corrections() -> QuerySet[ScanEvent]:
    """Return the corrections that were not undone."""
    undone = ScanEvent.objects.filter(about=OuterRef("pk"), action=Action.UNDO)
    return ScanEvent.objects.filter(~Exists(undone), action=Action.CORRECT)
