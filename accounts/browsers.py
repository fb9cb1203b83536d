"""Tells the browsers of an account apart: which of them a visit goes on in.

A browser is known by a random id in its login session, so that no further cookie is needed and nobody can
claim to be another. The id outlives the key of the session, which changes with every login and every new
password; with the session it ends at logout, after which another person may sit there.
"""

from __future__ import annotations

import hashlib
import secrets
from importlib import import_module
from typing import Any

from django.conf import settings
from django.http import HttpRequest

SESSION_KEY = "browser"


def browser_of(request: HttpRequest) -> str:
    """Return the hash of a browser's id, which it gets here unless it has one."""
    if SESSION_KEY not in request.session:
        request.session[SESSION_KEY] = secrets.token_urlsafe(32)
    return browser_known(request.session)


def browser_known(session: Any) -> str:
    """Return the hash of the id that stands in a login session; empty for a browser that has none yet."""
    browser_id = session.get(SESSION_KEY, "")
    return hashlib.sha256(browser_id.encode()).hexdigest() if browser_id else ""


def browser_of_key(session_key: str) -> str:
    """Return the hash of the browser that holds a login session; empty where it has none."""
    return browser_known(import_module(settings.SESSION_ENGINE).SessionStore(session_key))


def browser_remember(sender: object, request: HttpRequest | None = None, **signal: Any) -> None:
    """Give a browser its id when somebody logs in, so that two tabs opened at once have the same."""
    if request is not None and hasattr(request, "session"):
        browser_of(request)
