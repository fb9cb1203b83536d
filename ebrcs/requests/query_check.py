"""Answers 400 where NUL in an address would be a fault: PostgreSQL raises an error on it, not the pages."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.db import DataError
from django.http import HttpRequest, HttpResponseBase

from ebrcs.error_views import bad_request


class QueryCheckMiddleware:
    """Takes a fault for a bad request if the query holds NUL; where nothing comes of it, it is ignored."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Let every request pass."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Answer for a page or a list that put NUL to the database."""
        if isinstance(exception, DataError | ValueError) and "%00" in request.META.get("QUERY_STRING", ""):
            return bad_request(request, BadRequest("NUL"))
        return None
