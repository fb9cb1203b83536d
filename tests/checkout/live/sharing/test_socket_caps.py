"""So many sockets of an account, an address and a session may be open; one more is told so and closed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings

from accounts.models import User
from checkout.cart import services
from checkout.live.sharing.socket_caps import SocketCaps, TooManySockets
from checkout.models import CheckoutSession
from tests.checkout.serving import STAND_IN, Server, SocketClient, bearer, served, socket_connect

CAPS = {
    "EBRCS_SOCKETS_PER_ADDRESS": "6",
    "EBRCS_SOCKETS_PER_ACCOUNT": "4",
    "EBRCS_SOCKETS_PER_SESSION": "3",
}


@pytest.fixture
def capped_server(transactional_db: None) -> Iterator[Server]:
    with served("tests.checkout.served:application", Path(settings.DATA_DIR), **STAND_IN, **CAPS) as server:
        yield server


def refused(client: SocketClient) -> tuple[str, object, int | None]:
    """Return the code and the limit that a client is told, and the code with which it is closed."""
    message = client.next("error")
    assert message["detail"].startswith(f"At most {message['data']['limit']} sockets of one ")
    return message["code"], message["data"]["limit"], client.close_code()


def test_one_socket_too_many_is_told_the_limit_and_closed(
    capped_server: Server, shopper: User, stranger: User
) -> None:
    sessions = [services.session_start(user=shopper).pk for _ in range(2)]
    other = services.session_start(user=stranger).pk
    with ExitStack() as stack:

        def opened(user: User, session_id: object, query: str = "") -> SocketClient:
            return stack.enter_context(
                socket_connect(capped_server, session_id, headers=bearer(user), query=query)
            )

        seat = f"?seat={uuid4()}"
        for query in ("", "", seat):
            opened(shopper, sessions[0], query).next("session.ready")
        assert refused(opened(shopper, sessions[0])) == ("too_many_sockets", 3, 4429)
        opened(shopper, sessions[1]).next("session.ready")
        assert refused(opened(shopper, sessions[1])) == ("too_many_sockets", 4, 4429)
        opened(shopper, sessions[0], seat).next("session.ready")  # in place of the one before
        for _ in range(2):
            opened(stranger, other).next("session.ready")
        assert refused(opened(stranger, other)) == ("too_many_sockets", 6, 4429)
        stack.close()
    with socket_connect(capped_server, sessions[1], headers=bearer(shopper)) as client:
        client.next("session.ready")


@pytest.mark.parametrize(("kind", "most"), [("address", 256), ("account", 64), ("session", 16)])
def test_by_default_a_shop_of_fifty_lanes_finds_room_and_two_hundred_sockets_of_an_account_do_not(
    kind: str, most: int
) -> None:
    caps = SocketCaps()
    with ExitStack() as stack:
        for _ in range(most):
            stack.enter_context(caps.held(kind, "one"))
        with pytest.raises(TooManySockets) as refusal:
            stack.enter_context(caps.held(kind, "one"))
        assert (refusal.value.code, refusal.value.data) == ("too_many_sockets", {"limit": most})
        with caps.held(kind, "another"), caps.held(kind, "one", replaces=True):
            pass
    assert not caps._open


def test_the_control_without_a_cap_opens_all_two_hundred(settings: object, session: CheckoutSession) -> None:
    settings.SOCKETS_PER_ACCOUNT = 10_000  # type: ignore[attr-defined]
    caps = SocketCaps()
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(caps.held("account", session.user_id))
        assert caps._open.total() == 200
