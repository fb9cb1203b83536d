"""The visits of its own that the demo clip has where the shopper's cart holds something; kept per browser."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest

KEY = "clip_visits"
REMEMBERED_MAX = 20


def clip_visit_keep(request: HttpRequest, *, visit: UUID, own: UUID) -> None:
    """Remember that the clip plays in a visit, and to which visit of the shopper's own the camera leads back.

    A clip begun from within a visit of the clip leads back to where that one does.
    """
    kept = request.session.get(KEY, {})
    kept[str(visit)] = kept.get(str(own), str(own))
    request.session[KEY] = dict(list(kept.items())[-REMEMBERED_MAX:])


def clip_visits(request: HttpRequest) -> list[UUID]:
    """Return the visits in which this browser played the clip, which are never the ones to continue."""
    return [UUID(visit) for visit in request.session.get(KEY, {})]


def clip_visit_own(request: HttpRequest, *, visit: UUID) -> UUID | None:
    """Return the shopper's own visit to which a visit of the clip leads back; None for any other visit."""
    own = request.session.get(KEY, {}).get(str(visit))
    return UUID(own) if own else None
