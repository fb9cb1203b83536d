"""Whether the process lives, and whether it can serve."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse


def healthz(request: HttpRequest) -> JsonResponse:
    """Answer that the process is alive."""
    return JsonResponse({"status": "alive"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer whether the process can serve."""
    return JsonResponse({"status": "ready", "not_ready": []})
