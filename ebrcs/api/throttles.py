"""The API's side of the rate limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ebrcs.rate_limits import client_address, rate_limit_check

if TYPE_CHECKING:  # the framework imports this module while it defines its views
    from rest_framework.views import APIView


class ScopedThrottle(BaseThrottle):
    """Counts a view's requests in its `throttle_scope`: by user when logged in, else by address."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Raise `TooManyRequests` above the rate; counting and refusing are one step."""
        scope = getattr(view, "throttle_scope", "")
        if scope:
            known = request.user and request.user.is_authenticated
            key = f"user:{request.user.pk}" if known else f"address:{client_address(request)}"
            rate_limit_check(scope, key)
        return True
