"""The real server of the checkout tests, for tests of the wiring around it."""

from __future__ import annotations

from tests.checkout.conftest import server, shared_server

__all__ = ["server", "shared_server"]
