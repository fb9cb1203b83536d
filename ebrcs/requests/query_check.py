"""Refuses addresses with NUL in their query: it means nothing here, and PostgreSQL raises an error on it."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase

from ebrcs.api.problems import Problem, problem_answer
from ebrcs.error_views import api_asked

DETAIL = "The query must not contain NUL characters (%00)."


class QueryCheckMiddleware:
    """Answers 400 before any page or list puts a query with NUL to the database.

    Of a page's form the query only says where to go on: it is taken without the NUL, and nothing that was
    typed is lost.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Let every other request pass."""
        query = request.META.get("QUERY_STRING", "")
        if "%00" in query or "\0" in query:
            if api_asked(request):
                return problem_answer(Problem(400, "bad_query", DETAIL))
            if request.method in {"GET", "HEAD"}:
                raise BadRequest(DETAIL)
            request.META["QUERY_STRING"] = query.replace("%00", "").replace("\0", "")
        return self.get_response(request)
