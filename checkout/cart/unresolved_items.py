"""Reads and closes single unresolved items, for the services that do so on purpose or by the way.

All of this runs while the session is held. Closing is one conditional UPDATE all the same: without the lock,
one of two callers would still find the item closed.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from catalog.models import Product
from checkout.errors import UnresolvedNotFound
from checkout.models import CheckoutSession, UnresolvedItem

Outcome = UnresolvedItem.Outcome


def unresolved_find(session: CheckoutSession, unresolved_id: UUID) -> UnresolvedItem:
    """Return an unresolved item of a session, open or not, or raise `UnresolvedNotFound`."""
    item = UnresolvedItem.objects.filter(session=session, pk=unresolved_id).first()
    if item is None:
        raise UnresolvedNotFound(f"There is no unresolved item {unresolved_id}.", id=str(unresolved_id))
    return item


def unresolved_close(item: UnresolvedItem, outcome: Outcome, product: Product | None = None) -> bool:
    """Give an open item its outcome; return whether this call did."""
    still_open = UnresolvedItem.objects.filter(pk=item.pk, outcome__isnull=True)
    return bool(still_open.update(outcome=outcome, resolved_at=timezone.now(), product=product))


def unresolved_count(item: UnresolvedItem, product: Product) -> bool:
    """Close an item as added, whatever its outcome was; return False where it had been added before."""
    not_added = UnresolvedItem.objects.filter(~Q(outcome=Outcome.ADDED) | Q(outcome__isnull=True), pk=item.pk)
    return bool(not_added.update(outcome=Outcome.ADDED, resolved_at=timezone.now(), product=product))


def unresolved_reopen(session: CheckoutSession, unresolved_id: UUID | None) -> None:
    """Open an item again whose addition was undone; nothing where there is no such item."""
    UnresolvedItem.objects.filter(session=session, pk=unresolved_id, outcome=Outcome.ADDED).update(
        outcome=None, resolved_at=None, product=None
    )
