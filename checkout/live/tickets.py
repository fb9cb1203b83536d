"""Single-use tickets for clients that cannot send headers or cookies when they open a socket."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict
from uuid import UUID

from django.core.cache import cache

from accounts.logins import Login

TICKET_LIFETIME_S = 30


def ticket_issue(*, login: Login, session_id: UUID) -> str:
    """Return a new ticket; only its hash is kept, in the cache that all processes share.

    The socket that it opens lasts no longer than the login it was issued with.
    """
    ticket = secrets.token_urlsafe(32)
    cache.set(_key(ticket), [str(session_id), asdict(login)], TICKET_LIFETIME_S)
    return ticket


def ticket_redeem(*, ticket: str, session_id: UUID) -> Login | None:
    """Redeem a ticket and return the login it was issued with.

    None if the ticket is unknown, used, expired or for another session. Of several calls that redeem one
    ticket at once, only the one whose delete removed it succeeds.
    """
    key = _key(ticket)
    found = cache.get(key)
    if found is None or not cache.delete(key):
        return None
    ticket_session_id, login = found
    return Login(**login) if ticket_session_id == str(session_id) else None


def _key(ticket: str) -> str:
    return f"ticket:{hashlib.sha256(ticket.encode(errors='replace')).hexdigest()}"
