"""A connection that breaks in the middle of an item, over a real socket: it counts once all the same."""

from __future__ import annotations

import time
from contextlib import ExitStack
from uuid import uuid4

import pytest

from accounts.models import User
from checkout.cart import services
from checkout.models import BillingItem
from tests.checkout.serving import Server, SocketClient, bearer, socket_connect
from tests.recognition.vision.scenes import BLUE, Arm, Image, Pack, Stage

CUT = 24


def scene() -> list[Image]:
    """Return frames of an item carried in, held until the cut, gone for a frame, and held elsewhere."""
    stage = Stage()

    def held(xs: list[float]) -> list[Image]:
        positions = [(x + number % 2, 120.0) for number, x in enumerate(xs)]
        packs = [Pack(BLUE, at, size=(60, 80)) for at in positions]
        return [stage.frame(pack, Arm((pack.at[0] + 25, pack.at[1] + 40))) for pack in packs]

    return [*stage.empty(8), *held([20.0, 60.0, 80.0, *[90.0] * 14]), *stage.empty(1), *held([190.0] * 24)]


def counted_over_a_cut(
    server: Server, shopper: User, cut: int, *, queries: tuple[str, str], wait_s: float = 0.0
) -> tuple[int, int | None]:
    """Show an item over two sockets, the first still open, as when a connection breaks unnoticed.

    Returns
    -------
    How often the item was counted, and what the first socket was closed with, None while it stays open.
    """
    session = services.session_start(user=shopper)
    with ExitStack() as open_ones:

        def opened(query: str) -> SocketClient:
            opening = socket_connect(server, session.pk, query=query, headers=bearer(shopper))
            return open_ones.enter_context(opening)

        first = opened(queries[0])
        first.show(scene()[:cut], pause_s=0.1)
        time.sleep(wait_s)
        second = opened(queries[1])
        second.show(scene()[cut:], pause_s=0.1)
        try:
            code = first.close_code(timeout_s=0.5)
        except TimeoutError:
            code = None
    return BillingItem.objects.get(session=session).quantity, code


@pytest.mark.parametrize("cut", [10, 12, 14, CUT])
def test_a_client_that_names_its_camera_takes_it_over_from_its_own_dead_socket(
    server: Server, shopper: User, cut: int
) -> None:
    query = f"?seat={uuid4()}"
    assert counted_over_a_cut(server, shopper, cut, queries=(query, query)) == (1, 4410)


def test_without_the_key_the_item_counts_twice(server: Server, shopper: User) -> None:
    queries = (f"?seat={uuid4()}", f"?seat={uuid4()}")
    assert counted_over_a_cut(server, shopper, CUT, queries=queries) == (2, None)


def test_a_camera_that_fell_silent_gives_its_state_to_a_client_that_names_none(
    server: Server, shopper: User
) -> None:
    assert counted_over_a_cut(server, shopper, CUT, queries=("", ""), wait_s=2.2) == (1, None)
    assert counted_over_a_cut(server, shopper, CUT, queries=("", ""), wait_s=0.5) == (2, None)


def test_a_second_tab_keeps_its_own_camera_and_coming_back_each_finds_its_own(
    server: Server, shopper: User
) -> None:
    session = services.session_start(user=shopper)
    one, two = f"?seat={uuid4()}", f"?seat={uuid4()}"
    frames, headers = scene(), bearer(shopper)
    with (
        socket_connect(server, session.pk, query=one, headers=headers) as first,
        socket_connect(server, session.pk, query=two, headers=headers) as second,
    ):
        first.show(frames[:CUT])
        second.show(frames[:CUT])
        for client in (first, second):
            client.command("ping")
            client.next("pong")
    assert BillingItem.objects.get().quantity == 2, "two cameras, each with an item of its own"
    for query in (two, one):
        with socket_connect(server, session.pk, query=query, headers=headers) as client:
            client.show(frames[CUT:])
    assert BillingItem.objects.get().quantity == 2


def test_a_camera_is_taken_over_many_times_without_a_second_count(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    query, frames = f"?seat={uuid4()}", scene()
    with ExitStack() as open_ones:
        for start in range(0, 50, 5):
            opening = socket_connect(server, session.pk, query=query, headers=bearer(shopper))
            open_ones.enter_context(opening).show(frames[start : start + 5])
    assert BillingItem.objects.get().quantity == 1


def test_zone_and_mode_stay_with_the_camera(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    query = f"?seat={uuid4()}"
    with socket_connect(server, session.pk, query=query, headers=bearer(shopper)) as client:
        client.command("zone.set", zone=[0.1, 0.1, 0.5, 0.5])
        client.command("mode.set", mode="tray")
        client.next("mode.changed")
    with socket_connect(server, session.pk, query=query, headers=bearer(shopper)) as client:
        ready = client.next("session.ready")
    assert (ready["zone"], ready["mode"]) == ([0.1, 0.1, 0.5, 0.5], "tray")


def test_a_key_that_is_no_uuid_is_refused(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    with socket_connect(server, session.pk, query="?seat=window", headers=bearer(shopper)) as client:
        assert client.close_code() == 4400
