"""Puts this package's classes where daphne and uvicorn look for theirs."""

from __future__ import annotations

import sys

import daphne.http_protocol
import daphne.server
import daphne.ws_protocol
from twisted.internet import tcp

from ebrcs.server.daphne_requests import BoundedHTTPFactory
from ebrcs.server.trusted_proxies import TrustedProxies, forwarded_client
from ebrcs.server.websocket_protocol import websocket_protocol_install

LISTEN_BACKLOG = 1024


def servers_prepare() -> None:
    """Prepare the server that imports the application: it looks the names up when it begins to serve."""
    daphne.server.HTTPFactory = BoundedHTTPFactory
    daphne.http_protocol.parse_x_forwarded_for = forwarded_client
    daphne.ws_protocol.parse_x_forwarded_for = forwarded_client
    websocket_protocol_install()
    # One connection is taken in at a time, with everything that is due in between: twisted takes as many as
    # have come, up to hundreds, and sockets that are open wait for all of their handshakes. Meanwhile the
    # others wait with the system, which has room for 50 unless told otherwise, and turns away or delays more.
    tcp.Port.numberAccepts = property(lambda port: 1, lambda port, count: None)
    tcp.Port.backlog = property(lambda port: LISTEN_BACKLOG, lambda port, most: None)
    if uvicorn_config := sys.modules.get("uvicorn.config"):
        uvicorn_config.ProxyHeadersMiddleware = TrustedProxies  # type: ignore[attr-defined]
