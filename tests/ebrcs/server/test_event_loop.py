"""No body holds the event loop: nobody else's frame or request waits for it."""

from __future__ import annotations

import os

import pytest

from tests.checkout.serving import Server
from tests.ebrcs.server.conftest import MIB, exchange, head, status_of, told

FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=x"
PHOTO = b'--x\r\nContent-Disposition: form-data; name="images"; filename="a.png"\r\n\r\n'
# Far above what a busy test machine adds, and far below what the control shows. Idle, each is below 50 ms.
HELD_MAX_S = 0.5


def held_s(server: Server, path: str, content_type: str, body: bytes) -> tuple[int, float]:
    """Send a body; return the status of the answer, and for how long the event loop was held at most."""
    told(server)
    known = {"Authorization": "Bearer unchecked"} if "product" in path else {}
    request = head(
        "POST", path, Content_Type=content_type, Content_Length=len(body), Connection="close", **known
    )
    status = status_of(exchange(server, request + body))
    return status, told(server)["lag_s"]


@pytest.mark.parametrize(
    ("path", "content_type", "body", "status"),
    [
        ("/healthz", FORM, b"&" * MIB, 403),
        ("/healthz", PARTS, b"\n" * MIB, 403),
        ("/healthz", FORM, b"&" * 10 * MIB, 413),
        ("/api/auth/login", "application/json", b"[" * 2**18, 400),
        ("/api/products", PARTS, PHOTO + os.urandom(28 * MIB) + b"\r\n--x--\r\n", 401),
        ("/api/products", PARTS, b"\n" * 28 * MIB, 401),
        ("/admin/catalog/product/add/", FORM, b"&" * 28 * MIB, 403),
    ],
    ids=["ampersands", "newlines", "more than allowed", "json", "photos", "many newlines", "admin"],
)
def test_no_body_holds_the_loop(shop: Server, path: str, content_type: str, body: bytes, status: int) -> None:
    answered, lag_s = min(
        (held_s(shop, path, content_type, body) for _ in range(2)), key=lambda found: found[1]
    )
    assert (answered, lag_s < HELD_MAX_S) == (status, True), lag_s


@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [
        ("/healthz", FORM, b"&" * 5 * MIB),
        ("/api/products", PARTS, b"\n" * 8 * MIB),
    ],
    ids=["ampersands", "newlines"],
)
def test_control_daphne_parses_forms_in_the_loop(
    bare_shop: Server, path: str, content_type: str, body: bytes
) -> None:
    _, lag_s = held_s(bare_shop, path, content_type, body)
    assert lag_s > 2 * HELD_MAX_S


def test_a_thousand_tiny_chunks_are_not_decoded(shop: Server) -> None:
    told(shop)
    chunks = head("POST", "/healthz", Transfer_Encoding="chunked") + b"1\r\nx\r\n" * 10_000
    assert status_of(exchange(shop, chunks)) == 411
    assert told(shop)["lag_s"] < HELD_MAX_S
