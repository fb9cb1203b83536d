"""Problem details (RFC 9457): the one shape every error of the API has."""

from __future__ import annotations

from typing import Any

from django.http import JsonResponse

PROBLEM_JSON = "application/problem+json"


def problem_body(*, status: int, code: str, title: str, detail: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a problem; `data` may add members but not change the standard ones."""
    return {
        **data,
        "type": f"urn:ebrcs:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }


def problem_json(
    *,
    status: int,
    code: str,
    title: str,
    detail: str = "",
    headers: dict[str, str] | None = None,
    **data: Any,
) -> JsonResponse:
    """Return a problem as a response, for code outside the API's views."""
    body = problem_body(status=status, code=code, title=title, detail=detail or title, data=data)
    return JsonResponse(body, status=status, content_type=PROBLEM_JSON, headers=headers)
