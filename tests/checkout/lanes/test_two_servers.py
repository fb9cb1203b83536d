"""Two server processes over one database and one Redis: a lane has one page, and one key, on both."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import connect

from accounts.models import User
from checkout.lanes.pairing import key_revoke, lane_pair, pairing_code_make
from checkout.lanes.visits import lane_visit
from tests.checkout.lanes.makers import lane_make, staff_make
from tests.checkout.serving import STAND_IN, Link, Server, SocketClient, cookie, served, socket_connect


@contextmanager
def page(server: Server, user: User) -> Iterator[SocketClient]:
    """Open the page of a lane, logged in as its browser is."""
    headers = {**cookie(user), "Origin": server.origin}
    address = f"ws://127.0.0.1:{server.port}/api/ws/lane"
    with connect(address, additional_headers=headers, close_timeout=1, create_connection=Link) as link:
        client = SocketClient(link)
        client.next("lane.ready")
        yield client


@pytest.mark.postgres
@pytest.mark.redis
def test_a_newer_page_and_a_revoked_key_end_sockets_on_both_servers_at_once(
    transactional_db: None, tmp_path: Path
) -> None:
    mina = staff_make()
    lane, _ = lane_pair(code=pairing_code_make(lane=lane_make(), by=mina), address="192.0.2.1")
    visit = lane_visit(lane=lane)
    # Without a notice, a look at the database every 30 s would be too late for what follows.
    environment = {**STAND_IN, "EBRCS_TEST_WATCH_S": "30"}
    with (
        served("tests.checkout.served:application", tmp_path, **environment) as first,
        served("tests.checkout.served:application", tmp_path, **environment) as second,
        page(first, lane.account) as older,
        page(second, lane.account) as newer,
    ):
        assert older.close_code(timeout_s=4) == 4410
        newer.command("ping")
        assert newer.next() == {"type": "pong"}
        headers = {**cookie(lane.account), "Origin": first.origin}
        with socket_connect(first, visit.pk, headers=headers) as checkout:
            checkout.next()
            began_s = time.monotonic()
            key_revoke(lane=lane, by=mina)
            assert newer.close_code(timeout_s=4) == 4401
            assert checkout.close_code(timeout_s=4) == 4401
            assert time.monotonic() - began_s < 4
