"""Two servers over one database and one Redis: what is registered through one is known to the other."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from accounts.models import User
from checkout.cart import items, services
from checkout.models import BillingItem
from tests.checkout.colours import RED_ID
from tests.checkout.serving import STAND_IN, Server, bearer, served, socket_connect
from tests.checkout.shop import product_make
from tests.recognition.pictures import upload

READY_S = 90
KNOWN_S = 2.0


def call(
    server: Server, user: User, request: str, form: dict[str, Any] | None = None, body: Any = None
) -> dict[str, Any]:
    """Call the REST API of one server."""
    data, kind = None, "application/json"
    if form is not None:
        data, kind = encode_multipart(BOUNDARY, form), MULTIPART_CONTENT
    elif body is not None:
        data = json.dumps(body).encode()
    headers = {**bearer(user), "Content-Type": kind}
    method, path = request.split()
    asked = Request(f"{server.origin}{path}", data, headers, method=method)  # noqa: S310 - this machine
    with urlopen(asked, timeout=30) as response:  # noqa: S310 - this machine
        answer: dict[str, Any] = json.loads(response.read() or b"{}")
        return answer


def wait_until_ready(server: Server) -> None:
    for _ in range(5 * READY_S):
        try:
            with urlopen(f"{server.origin}/readyz", timeout=10):  # noqa: S310 - this machine
                return
        except HTTPError:
            time.sleep(0.2)
    raise AssertionError(f"the server did not get ready:\n{server.log()}")


def seconds_until(true: Callable[[], bool]) -> float:
    started_s = time.monotonic()
    while not true():
        assert time.monotonic() - started_s < 10
        time.sleep(0.1)
    return time.monotonic() - started_s


def photo_file(number: int) -> Any:
    """Return a photo as a browser would send it."""
    photo = upload(number)
    return SimpleUploadedFile(photo.filename, photo.data, "image/png")


@pytest.mark.postgres
@pytest.mark.redis
def test_what_one_server_registers_or_withdraws_the_other_knows_within_two_seconds(
    transactional_db: None, tmp_path: Path, keeper: User, shopper: User
) -> None:
    environment = {"EBRCS_ENCODER": "compact"}
    with (
        served("ebrcs.asgi:application", tmp_path, **environment) as first,
        served("ebrcs.asgi:application", tmp_path, **environment) as second,
    ):
        for server in (first, second):
            wait_until_ready(server)

        def form(numbers: range) -> list[Any]:
            return [photo_file(number) for number in numbers]

        def seen_by_second(number: int) -> str:
            answer = call(second, shopper, "POST /api/recognize", {"image": photo_file(number)})
            best = answer["matches"][0]["name"] if answer["matches"] else ""
            return best if answer["state"] == "accepted" else str(answer["state"])

        call(first, keeper, "POST /api/products", {"name": "Tea", "images": form(range(10, 13))})
        milk = call(first, keeper, "POST /api/products", {"name": "Milk", "images": form(range(3))})
        registered_s = seconds_until(lambda: seen_by_second(1) == "Milk")
        call(first, keeper, f"PATCH /api/products/{milk['product_id']}", body={"is_active": False})
        withdrawn_s = seconds_until(lambda: seen_by_second(1) != "Milk")
    assert (registered_s < KNOWN_S, withdrawn_s < KNOWN_S) == (True, True), (registered_s, withdrawn_s)


@pytest.mark.postgres
@pytest.mark.redis
def test_tabs_at_two_servers_stay_in_step(server: Server, tmp_path: Path, shopper: User) -> None:
    session = services.session_start(user=shopper)
    with (
        served("tests.checkout.served:application", tmp_path, **STAND_IN) as other,
        socket_connect(server, session.pk, headers=bearer(shopper)) as here,
        socket_connect(other, session.pk, headers=bearer(shopper)) as there,
    ):
        for client in (here, there):
            client.next("session.ready")
        here.command("item.set", product_id=str(RED_ID), quantity=3)
        updates = [client.next("cart.updated") for client in (here, there)]
        assert [update["event"]["action"] for update in updates] == ["add", "add"]
        assert updates[0] == updates[1]
        milk = product_make("Milk")
        items.item_set(session_id=session.pk, product_id=milk.pk, quantity=1)
        updates = [client.next("cart.updated") for client in (here, there)]
        assert [update["cart"]["total_items"] for update in updates] == [4, 4]
        services.session_cancel(session_id=session.pk)
        assert [client.next("session.closed")["status"] for client in (here, there)] == ["expired", "expired"]
        assert [client.close_code() for client in (here, there)] == [1000, 1000]
    assert BillingItem.objects.count() == 2
