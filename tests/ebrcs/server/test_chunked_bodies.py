"""Bodies whose length is not stated, sent to a real server."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any

from accounts.models import User
from tests.checkout.serving import Server, bearer
from tests.conftest import PASSWORD


def login(server: Server, user: User, *, chunked: bool) -> tuple[int, str | None, dict[str, Any]]:
    """Log in with the body in one piece or in chunks; return status, content type and answer."""
    body = json.dumps({"username": user.username, "password": PASSWORD}).encode()
    link = HTTPConnection("127.0.0.1", server.port, timeout=20)
    link.request(
        "POST",
        "/api/auth/login",
        body=iter([body[:9], body[9:]]) if chunked else body,
        headers={"Content-Type": "application/json"},
        encode_chunked=chunked,
    )
    answer = link.getresponse()
    found = answer.status, answer.getheader("Content-Type"), json.load(answer)
    link.close()
    return found


def test_a_chunked_body_is_refused_for_what_it_is(server: Server, shopper: User) -> None:
    status, content_type, answer = login(server, shopper, chunked=True)
    assert (status, content_type) == (411, "application/problem+json")
    assert (answer["code"], answer["title"]) == ("length_required", "The length of the body is missing")
    assert "Content-Length" in answer["detail"]


def test_the_same_body_in_one_piece_is_read(server: Server, shopper: User) -> None:
    status, _, answer = login(server, shopper, chunked=False)
    assert (status, answer["user"]["username"]) == (200, "shopper")


def test_no_body_at_all_may_come_as_no_chunks(server: Server, shopper: User) -> None:
    link = HTTPConnection("127.0.0.1", server.port, timeout=20)
    link.request("POST", "/api/sessions", body=iter([]), headers=bearer(shopper), encode_chunked=True)
    assert link.getresponse().status == 201
    link.close()
