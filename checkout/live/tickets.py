"""Single-use tickets for clients that cannot send headers or cookies when they open a socket."""

from __future__ import annotations

import hashlib
import secrets
from uuid import UUID

from django.core.cache import cache

TICKET_LIFETIME_S = 30


def ticket_issue(*, user_id: UUID, session_id: UUID) -> str:
    """Return a new ticket; only its hash is kept, in the cache that all processes share."""
    ticket = secrets.token_urlsafe(32)
    cache.set(_key(ticket), (str(user_id), str(session_id)), TICKET_LIFETIME_S)
    return ticket


def ticket_redeem(*, ticket: str, session_id: UUID) -> UUID | None:
    """Redeem a ticket and return its user's id; None if it is unknown, used, expired or for another session.

    Of several calls that redeem one ticket at once, only the one whose delete removed it succeeds.
    """
    key = _key(ticket)
    found = cache.get(key)
    if found is None or not cache.delete(key):
        return None
    user_id, ticket_session_id = found
    return UUID(user_id) if ticket_session_id == str(session_id) else None


def _key(ticket: str) -> str:
    return f"ticket:{hashlib.sha256(ticket.encode(errors='replace')).hexdigest()}"
