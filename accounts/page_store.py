"""The store whose name and logo stand on a page.

Every page shows them, pages about a database that is away included. So a process reads a store once in a few
seconds at most, shows what it read last while the database is away, and the name in the settings if it has
read nothing yet. A change made in the same process shows at once.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import Store, User

logger = logging.getLogger(__name__)
FRESH_S = 5.0
# By id, None for the first one: the store, and when it was read. Written and read whole by any thread.
_read: dict[UUID | None, tuple[Store, float]] = {}


def page_store(store_id: UUID | None = None) -> Store:
    """Return a store to be shown, by default the first one; raises nothing while the database is away."""
    last, read_at = _read.get(store_id, (None, 0.0))
    if last is not None and time.monotonic() - read_at < FRESH_S:
        return last
    try:
        stores = Store.objects.order_by("created_at", "pk")
        found = (stores if store_id is None else stores.filter(pk=store_id)).first()
    except DatabaseFailure:
        logger.warning("The shop's name cannot be read.", exc_info=True)
        found = last
    store = found or Store(name=settings.STORE_NAME)
    _read[store_id] = (store, time.monotonic())
    return store


def page_store_known() -> Store:
    """Return the first store as it was read last, without asking the database."""
    store, _ = _read.get(None, (None, 0.0))
    return store or Store(name=settings.STORE_NAME)


def page_store_forget(**signal: Any) -> None:
    """Read anew from now on."""
    _read.clear()


@receiver([post_save, post_delete], sender=Store)
def page_store_changed(**signal: Any) -> None:
    """Show a change on every page of this process once it is committed."""
    transaction.on_commit(page_store_forget)


def store_of_request(request: HttpRequest) -> Store:
    """Return the store of whoever asks: where a member of staff works, the first one for others."""
    user = getattr(request, "user", None)
    return page_store(user.store_id if isinstance(user, User) else None)


def shop(request: HttpRequest) -> dict[str, Any]:
    """Give templates the store as `shop`, read by pages that show it; a view may name another one."""
    return {"shop": SimpleLazyObject(partial(store_of_request, request))}
