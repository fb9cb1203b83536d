"""Whom a server believes about where a connection comes from: as many proxies as the settings name.

daphne's `--proxy-headers` takes the leftmost address of `X-Forwarded-For`, which every client may make up,
and uvicorn's believes whoever connects from the right address, however many proxies there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.web.http_headers import Headers

from ebrcs.log_context import Application, Receive, Send
from ebrcs.rate_limits import client_address_of_scope

FORWARDED_FOR = b"x-forwarded-for"


def forwarded_client(
    headers: Headers | dict[bytes, bytes],
    _address_header: str,
    _port_header: str | None,
    _proto_header: str | None,
    peer: Sequence[Any] | None = None,
    scheme: str | None = None,
) -> tuple[tuple[str, int] | None, str | None]:
    """Return a connection's client and scheme, in place of daphne's `parse_x_forwarded_for`.

    The scheme stays the connection's own: whether a proxy ends TLS is a setting (`EBRCS_BEHIND_HTTPS`).
    """
    if isinstance(headers, Headers):
        forwarded = headers.getRawHeaders(FORWARDED_FOR, [])
    else:
        forwarded = [value for name, value in headers.items() if name.lower() == FORWARDED_FOR]
    scope: Any = {"headers": [(FORWARDED_FOR, value) for value in forwarded], "client": peer}
    return client_of(scope), scheme


def client_of(scope: Any) -> tuple[str, int] | None:
    """Return the client of an ASGI connection, with port 0 unless it is the peer."""
    peer, address = scope.get("client"), client_address_of_scope(scope)
    if peer is not None and address == peer[0]:
        return address, int(peer[1])
    return (address, 0) if address else None


class TrustedProxies:
    """An ASGI application that knows its clients, in place of uvicorn's `ProxyHeadersMiddleware`."""

    def __init__(self, app: Application, trusted_hosts: object = None) -> None:
        self.application = app

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one connection; the scope is changed in place, because uvicorn logs from it."""
        if scope["type"] != "lifespan":
            scope["client"] = client_of(scope)
        await self.application(scope, receive, send)
