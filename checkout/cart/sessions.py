"""Holds a session for the length of one change, and ends it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from checkout.cart import announce
from checkout.cart.left_items import unresolved_leave
from checkout.cart.locks import sessions_for_update
from checkout.errors import SessionNotActive, SessionNotFound
from checkout.models import CheckoutSession

# `last_active` may lag by this much: otherwise every frame and every command would be a write.
TOUCH_EVERY = timedelta(seconds=15)


@contextmanager
def session_hold(session_id: UUID) -> Iterator[CheckoutSession]:
    """Hold the lock on an active session for one transaction; an idle one is ended here and refused."""
    with transaction.atomic():
        session = session_lock(session_id)
        if not is_idle(session):
            active_check(session)
            yield session
            return
        session_end(session, CheckoutSession.Status.EXPIRED)
    active_check(session)


def session_lock(session_id: UUID) -> CheckoutSession:
    """Return a session, locked until the transaction ends."""
    try:
        return sessions_for_update().get(pk=session_id)
    except CheckoutSession.DoesNotExist:
        raise SessionNotFound(f"There is no checkout session {session_id}.") from None


def active_check(session: CheckoutSession) -> None:
    """Raise `SessionNotActive` for a session that has ended."""
    if session.status != CheckoutSession.Status.ACTIVE:
        raise SessionNotActive(session_id=session.pk, session_status=session.status)


def is_idle(session: CheckoutSession, *, since: datetime | None = None) -> bool:
    """Whether an active session has been idle since a time, by default for too long."""
    return session.status == CheckoutSession.Status.ACTIVE and session.last_active < (since or idle_since())


def idle_since() -> datetime:
    """Return the time before which an active session counts as abandoned."""
    return timezone.now() - timedelta(minutes=settings.SESSION_IDLE_MINUTES)


def session_end(session: CheckoutSession, status: CheckoutSession.Status) -> None:
    """End a locked session, with what is still unresolved; its sockets are told after the commit."""
    unresolved_leave(session)
    session.status = status
    session.save(update_fields=["status"])
    ended = partial(announce.session_closed_announce, session_id=session.pk, lane_id=session.lane_id)
    transaction.on_commit(ended)
