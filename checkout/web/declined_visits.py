"""The visits of other devices that a shopper chose not to continue in this browser; not offered again."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest

KEY = "declined_visits"
REMEMBERED_MAX = 20


def visit_decline(request: HttpRequest, *, visit: UUID) -> None:
    """Remember that a new visit was started in this browser instead of continuing this one."""
    kept = [other for other in request.session.get(KEY, []) if other != str(visit)]
    request.session[KEY] = [*kept, str(visit)][-REMEMBERED_MAX:]


def visits_declined(request: HttpRequest) -> list[UUID]:
    """Return the visits that are not offered in this browser."""
    return [UUID(visit) for visit in request.session.get(KEY, [])]
