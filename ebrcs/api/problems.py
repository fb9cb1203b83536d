"""Problem details (RFC 9457): the one shape every error of the API has."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.http import JsonResponse

PROBLEM_JSON = "application/problem+json"
TITLES = {
    400: "The request is not understood",
    401: "Log in first",
    403: "This is not allowed",
    404: "There is nothing here",
    405: "This method is not offered here",
    406: "This format is not offered",
    408: "The request took too long to arrive",
    411: "The length of the body is missing",
    413: "The request is too large",
    415: "This kind of content is not understood",
    429: "Too many requests",
    500: "Something went wrong on our side",
    503: "Not available at the moment",
    507: "No storage space is left",
}


@dataclass
class Problem:
    """What went wrong, before it is written down."""

    status: int
    code: str
    detail: str = ""
    title: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """Return the members of the answer; `data` may add members but not change the standard ones."""
        title = self.title or TITLES.get(self.status) or HTTPStatus(self.status).phrase
        return {
            **self.data,
            "type": f"urn:ebrcs:problem:{self.code}",
            "title": title,
            "status": self.status,
            "detail": self.detail or title,
            "code": self.code,
        }


def problem_answer(problem: Problem) -> JsonResponse:
    """Write a problem down, for code outside the API's views."""
    return JsonResponse(
        problem.body(), status=problem.status, content_type=PROBLEM_JSON, headers=problem.headers
    )
