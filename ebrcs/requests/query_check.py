"""Answers 400 where NUL in an address would be a fault: PostgreSQL raises an error on it, not the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from django.db import DataError
from django.http import HttpRequest, HttpResponseBase

from ebrcs.api.problems import TITLES
from ebrcs.error_views import bad_request
from ebrcs.errors import EbrcsError


class QueryWithNul(EbrcsError):
    """The query holds a NUL character."""

    code: ClassVar[str] = "bad_query"
    status: ClassVar[int] = 400
    title: ClassVar[str] = TITLES[400]


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
            return bad_request(request, QueryWithNul("The query must not contain NUL characters (%00)."))
        return None
