"""Every exception below /api/ becomes a problem: stable code, status and data; never a trace."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404
from redis.exceptions import RedisError
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import set_rollback

from ebrcs.api.problems import PROBLEM_JSON, Problem
from ebrcs.errors import EbrcsError
from ebrcs.storage import storage_refusal

logger = logging.getLogger(__name__)
UNAVAILABLE = 503
RETRY_LATER = {"Retry-After": "5"}
# Exceptions of Django and what is behind it, special ones before general ones: status, code and detail.
FORESEEN: dict[type[Exception], tuple[int, str, str]] = {
    Http404: (404, "not_found", "No such address or object."),
    PermissionDenied: (403, "permission_denied", ""),
    RequestDataTooBig: (413, "request_too_large", "The body without its files exceeds what is allowed."),
    TooManyFieldsSent: (400, "too_many_parts", "The form has more fields than are allowed."),
    TooManyFilesSent: (400, "too_many_parts", "The form has more files than are allowed."),
    BadRequest: (400, "bad_request", ""),
    SuspiciousOperation: (400, "bad_request", ""),
    OperationalError: (UNAVAILABLE, "database_unavailable", "The database does not answer."),
    InterfaceError: (UNAVAILABLE, "database_unavailable", "The database does not answer."),
    RedisError: (UNAVAILABLE, "cache_unavailable", "The shared cache does not answer."),
}


class ProblemRenderer(JSONRenderer):
    """Writes ASCII: a problem may repeat what a caller sent, and half of a surrogate pair is no UTF-8."""

    ensure_ascii = True


def problem_response(exception: Exception, context: dict[str, Any]) -> Response:
    """Turn any exception of a view into an answer; an unexpected one is logged and becomes a 500."""
    problem = problem_of(exception)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(exception, EbrcsError):
        logger.error("%s failed", type(context.get("view")).__name__, exc_info=exception)
    set_rollback()
    if problem.status == HTTPStatus.UNAUTHORIZED:
        problem.headers.setdefault("WWW-Authenticate", 'Bearer realm="api"')
    if request := context.get("request"):
        # Whatever the view renders otherwise and the caller accepts, a problem is JSON.
        request.accepted_renderer, request.accepted_media_type = ProblemRenderer(), JSONRenderer.media_type
    return Response(problem.body(), status=problem.status, headers=problem.headers, content_type=PROBLEM_JSON)


def problem_of(exception: BaseException | None) -> Problem:
    """Return what an exception means to the caller."""
    if isinstance(exception, EbrcsError):
        return problem_of_refusal(exception)
    if isinstance(exception, exceptions.APIException):
        return problem_of_api_exception(exception)
    if isinstance(exception, ModelValidationError):
        return problem_of_model_validation(exception)
    if exception is not None and (refusal := storage_refusal(exception)):
        return problem_of_refusal(refusal)
    for kind, (status, code, detail) in FORESEEN.items():
        if isinstance(exception, kind):
            return Problem(status, code, detail, headers=RETRY_LATER if status == UNAVAILABLE else {})
    return Problem(500, "internal_error", "The error was recorded.")


def problem_of_refusal(error: EbrcsError) -> Problem:
    """Take over what the error says of itself."""
    headers = {}
    if retry_after_s := error.data.get("retry_after_s"):
        headers["Retry-After"] = str(retry_after_s)
    return Problem(error.status, error.code, str(error.detail), str(error.title), error.data, headers)


def problem_of_api_exception(error: exceptions.APIException) -> Problem:
    """Map the framework's own exceptions, with the header each status calls for."""
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if isinstance(error, exceptions.Throttled):
        wait_s = max(1, int(getattr(error, "wait", None) or 1))
        headers["Retry-After"] = str(wait_s)
        return Problem(429, "too_many_requests", str(error.detail), "", {"retry_after_s": wait_s}, headers)
    if isinstance(error, exceptions.ValidationError):
        return problem_of_fields(error.detail)
    if isinstance(error.detail, dict):  # the token library packs its code into the detail
        members: dict[str, Any] = error.detail
        code, detail = members.get("code", error.default_code), members.get("detail", "")
    else:
        code, detail = error.get_codes(), error.detail
    return Problem(error.status_code, str(code), str(detail), headers=headers)


def problem_of_fields(detail: Any) -> Problem:
    """List what is wrong by field; the first of it is the summary."""
    fields = detail if isinstance(detail, dict) else {"non_field_errors": detail}
    name, message = first_message(fields)
    summary = message if name == "non_field_errors" else f"{name}: {message}"
    return Problem(400, "invalid", summary, "Some values are not allowed", {"errors": fields})


def problem_of_model_validation(error: ModelValidationError) -> Problem:
    """List what the model's own rules refused, by field."""
    if not hasattr(error, "error_dict"):
        return problem_of_fields(error.messages)
    fields = dict(error.message_dict)
    if whole := fields.pop("__all__", None):
        fields["non_field_errors"] = whole
    return problem_of_fields(fields)


def first_message(detail: Any, name: str = "") -> tuple[str, str]:
    """Return the innermost first message and the name of the field it stands under."""
    if isinstance(detail, dict):
        key, value = next(iter(detail.items()), (name, ""))
        return first_message(value, str(key))
    if isinstance(detail, list | tuple):
        return first_message(next((entry for entry in detail if entry), ""), name)
    return name, str(detail)
