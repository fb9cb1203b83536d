"""The ASGI application: Django for HTTP, the checkout consumer for WebSockets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

from django.core.asgi import get_asgi_application

from ebrcs.env import environment_file_read

environment_file_read(Path(__file__).resolve().parent.parent / ".env")
# Lanes are worked on side by side; libraries that spread each call over all processors, and whose threads
# wait in busy loops for the next one, only take them from each other. Has to be set before they are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ebrcs.settings")
http_application = get_asgi_application()

# Only now are the apps loaded that these import models of.
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import re_path  # noqa: E402

from checkout.live.limits.gate import SocketGate  # noqa: E402
from checkout.routing import websocket_urlpatterns  # noqa: E402
from ebrcs.backends import database_pool_use  # noqa: E402
from ebrcs.log_context import LogContextApplication  # noqa: E402
from ebrcs.server.bodies import BoundedBodies  # noqa: E402
from ebrcs.server.install import servers_prepare  # noqa: E402
from ebrcs.server.request_limits import RequestLimits  # noqa: E402
from ebrcs.server.unknown_sockets import unknown_address  # noqa: E402

if settings.DATABASE_POOLED:
    database_pool_use(settings.DATABASES["default"], settings.DATABASE_POOL)

websocket_routes: list[Any] = [*websocket_urlpatterns, re_path("", cast("Any", unknown_address))]
application = LogContextApplication(
    BoundedBodies(
        ProtocolTypeRouter(
            {
                "http": RequestLimits(http_application),
                "websocket": SocketGate(cast("Any", URLRouter(websocket_routes))),
            }
        )
    )
)
servers_prepare()

if settings.ENGINE_AT_START:
    # A server imports this module, a command does not: encoder and index load while it begins to listen.
    from recognition.engine.shared import engine

    engine()

if settings.HOUSEKEEPING:
    from checkout.tools.housekeeping import housekeeping_start

    housekeeping_start()
