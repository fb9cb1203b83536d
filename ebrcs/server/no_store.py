"""Keeps pages and answers out of every cache, unless their view allows one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin


class NoStoreMiddleware(MiddlewareMixin):
    """Adds `Cache-Control: no-store` where nothing was said: what a shopper sees is theirs.

    On a shared device the back button shows no page of the one who logged out. Static files and photos are
    served with their own header.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the header."""
        response.headers.setdefault("Cache-Control", "no-store")
        return response
