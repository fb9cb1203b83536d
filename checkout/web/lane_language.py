"""The language that a shopper chose at a lane: kept for one visit, and gone with it."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest

KEY = "lane_language"


def visit_language_keep(request: HttpRequest, *, visit: UUID, language: str) -> None:
    """Remember the language of a visit; one that the shop does not speak is ignored."""
    if language in dict(settings.LANGUAGES):
        request.session[KEY] = {"visit": str(visit), "language": language}


def visit_language_forget(request: HttpRequest) -> None:
    """Forget the language: whoever comes next chooses anew, even in a visit that was empty and goes on."""
    request.session.pop(KEY, None)


def visit_language(request: HttpRequest, *, visit: UUID) -> str | None:
    """Return the language chosen in a visit, or None where none was."""
    kept = request.session.get(KEY, {})
    return kept["language"] if kept.get("visit") == str(visit) else None
