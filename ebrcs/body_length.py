"""Refuses bodies of unstated length, which the framework would take for empty ones."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from ebrcs.api.problems import Problem, problem_answer


class BodyLengthMiddleware(MiddlewareMixin):
    """Answers 411 to a chunked body, rather than that every field of it is missing."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Let through what states its length or, stating no type either, has no body.

        A proxy between protocols may send on a request without a body as one of no chunks.
        """
        chunked = "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH")
        if not chunked or not request.content_type:
            return None
        detail = "Send the body with a Content-Length header; chunked bodies are not read."
        return problem_answer(Problem(411, "length_required", detail))
