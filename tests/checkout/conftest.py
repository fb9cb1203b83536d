"""A real server for the tests of the socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from catalog.models import Product
from tests.checkout.colours import BLUE_ID, GREEN_ID, RED_ID
from tests.checkout.serving import STAND_IN, Server, served

SWITCHES = ("engine_off", "engine_slow", "engine_broken", "twin_sold")


@pytest.fixture(scope="session")
def shared_server(django_db_setup: None) -> Iterator[Server]:
    """Serve the shop once for all tests; its engine recognises by colour."""
    with served("tests.checkout.served:application", Path(settings.DATA_DIR), **STAND_IN) as server:
        yield server


@pytest.fixture
def server(transactional_db: None, shared_server: Server) -> Iterator[Server]:
    """Return the server, over a shop that sells a red, a blue and a green pack."""
    for product_id, name in ((RED_ID, "Red tea"), (BLUE_ID, "Blue tea"), (GREEN_ID, "Green tea")):
        Product.objects.create(pk=product_id, name=name, price="2.50")
    yield shared_server
    for name in SWITCHES:
        (shared_server.data_dir / name).unlink(missing_ok=True)
