"""uvicorn serves the same application within the same bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.checkout.serving import Server, served
from tests.ebrcs.server.conftest import MIB, exchange, head, status_of, told


@pytest.fixture(scope="module")
def uvicorn_shop(django_db_setup: None) -> Iterator[Server]:
    """Serve the shop with uvicorn, which believes everybody about X-Forwarded-For if asked to."""
    variables = {
        "DJANGO_SETTINGS_MODULE": "tests.checkout.served_settings",
        "EBRCS_TEST_SERVER": "quick_timeouts",
    }
    options = ["--proxy-headers", "--forwarded-allow-ips", "*"]
    application = "tests.ebrcs.server.served:application"
    with served(
        application, Path(settings.DATA_DIR), program="uvicorn", options=options, **variables
    ) as server:
        yield server


def test_bodies_are_bounded(uvicorn_shop: Server) -> None:
    large = head("POST", "/healthz", Content_Length=MIB + 1, Expect="100-continue")
    answer = exchange(uvicorn_shop, large)
    assert (status_of(answer), b"100 Continue" in answer) == (413, False)
    sent = head("POST", "/healthz", Content_Length=20 * MIB) + b"x" * 20 * MIB
    assert status_of(exchange(uvicorn_shop, sent)) == 413
    slow = head("POST", "/api/auth/login", Content_Length=10)
    assert status_of(exchange(uvicorn_shop, slow)) == 408
    chunked = head("POST", "/api/sessions", Transfer_Encoding="chunked") + b"1\r\nx\r\n" * 1000
    assert status_of(exchange(uvicorn_shop, chunked)) == 411
    assert told(uvicorn_shop)["in_flight"] == 0


def test_a_body_within_the_bounds_is_read(uvicorn_shop: Server) -> None:
    body = json.dumps({"username": ["no text"]}).encode()
    request = head(
        "POST",
        "/api/auth/login",
        Content_Type="application/json",
        Content_Length=len(body),
        Connection="close",
    )
    assert b'"code":"invalid"' in exchange(uvicorn_shop, request + body)


def test_a_forged_address_is_not_believed(uvicorn_shop: Server) -> None:
    seen = told(uvicorn_shop, X_Forwarded_For="198.51.100.1", X_Forwarded_Proto="https")
    assert (seen["client"], seen["scheme"]) == ("127.0.0.1", "http")
