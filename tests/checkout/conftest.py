"""A session of a shopper, and a real server for the tests of the socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import User
from checkout.cart import services
from checkout.models import CheckoutSession
from tests.checkout.serving import STAND_IN, Server, served
from tests.checkout.shop import coloured_tea_make

SWITCHES = ("engine_off", "engine_slow", "engine_broken", "twin_sold")


@pytest.fixture
def session(shopper: User) -> CheckoutSession:
    return services.session_start(user=shopper)


@pytest.fixture(scope="session")
def shared_server(django_db_setup: None) -> Iterator[Server]:
    """Serve the shop once for all tests; its engine recognizes by colour."""
    with served("tests.checkout.served:application", Path(settings.DATA_DIR), **STAND_IN) as server:
        yield server


@pytest.fixture
def server(transactional_db: None, shared_server: Server) -> Iterator[Server]:
    """Return the server, over a shop that sells a red, a blue and a green pack."""
    coloured_tea_make()
    yield shared_server
    for name in SWITCHES:
        (shared_server.data_dir / name).unlink(missing_ok=True)
