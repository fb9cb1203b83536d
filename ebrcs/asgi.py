"""The ASGI application: Django for HTTP, the checkout consumer for WebSockets."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ebrcs.settings")
application = ProtocolTypeRouter({"http": get_asgi_application()})
