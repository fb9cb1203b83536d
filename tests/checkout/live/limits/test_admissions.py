"""How many sockets are admitted at once, and how many an account may open."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from checkout.live.access import Admission, SocketRefused
from checkout.live.limits import admissions
from checkout.live.limits.admissions import Admissions
from checkout.live.limits.flooders import flood_note
from checkout.live.limits.gate import Opening


def admission_of(user_id: UUID) -> Admission:
    return cast("Admission", SimpleNamespace(user_id=user_id))


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Return how many are being admitted now and were at most; who it is stands in the scope."""
    crowd = SimpleNamespace(now=0, most=0)

    async def in_database(function: Any, scope: Any) -> Admission:
        async with inside(crowd):
            return admission_of(scope["user_id"])

    monkeypatch.setattr(admissions, "in_database", in_database)
    monkeypatch.setattr(admissions, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    return crowd


class inside:  # noqa: N801 - used as a context
    def __init__(self, crowd: SimpleNamespace) -> None:
        self.crowd = crowd

    async def __aenter__(self) -> None:
        self.crowd.now += 1
        self.crowd.most = max(self.crowd.most, self.crowd.now)
        await asyncio.sleep(0.01)

    async def __aexit__(self, *error: object) -> None:
        self.crowd.now -= 1


async def test_four_are_admitted_at_once(crowd: SimpleNamespace) -> None:
    gate = Admissions()
    await asyncio.gather(*(gate.admit({"user_id": uuid4()}) for _ in range(20)))
    assert crowd.most == 4


async def test_without_turns_all_crowd_in(crowd: SimpleNamespace) -> None:
    gate = Admissions()
    gate._turns = asyncio.Semaphore(1000)
    await asyncio.gather(*(gate.admit({"user_id": uuid4()}) for _ in range(20)))
    assert crowd.most == 20


async def test_two_of_one_account_prepare_at_once_and_others_need_not_wait_for_them() -> None:
    gate, crowd, order = Admissions(), SimpleNamespace(now=0, most=0), []

    async def prepare(user_id: UUID) -> None:
        async with gate.turn(user_id), inside(crowd):
            order.append(user_id)

    crowded, quiet = uuid4(), uuid4()
    await asyncio.gather(*(prepare(crowded) for _ in range(20)))
    assert crowd.most == 2
    order.clear()
    await asyncio.gather(*(prepare(user_id) for user_id in [crowded] * 20 + [quiet]))
    assert order.index(quiet) <= 2
    assert not gate._turns_of


async def test_an_account_opens_a_hundred_sockets_at_once_and_no_more(crowd: SimpleNamespace) -> None:
    gate, account = Admissions(), uuid4()
    for _ in range(100):
        opening = Opening("192.0.2.1", "")
        assert (await gate.admit({"user_id": account, "opening": opening})).user_id == account
        assert (opening.is_admitted, opening.is_noted) == (True, False)
    with pytest.raises(SocketRefused) as caught:
        await gate.admit({"user_id": account, "opening": opening})
    assert caught.value.code == 4429
    assert opening.is_noted  # so that it does not count as a flood
    assert await gate.admit({"user_id": uuid4()})
    assert gate.accounts.per_second == 5


async def test_a_flood_of_a_socket_without_a_session_counts_against_the_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flooded = uuid4()

    async def in_database(function: Any, scope: Any) -> Any:
        return function(scope)

    monkeypatch.setattr(admissions, "in_database", in_database)
    gate = Admissions()

    def read(scope: Any) -> Admission:
        return admission_of(scope["user_id"])

    opening = Opening("192.0.2.1", "")
    await gate.admit_by(read, {"user_id": flooded, "opening": opening})
    assert opening.session == f"account {flooded}"
    flood_note(address=opening.address, session=opening.session)
    again = Opening("192.0.2.1", "")
    with pytest.raises(SocketRefused) as caught:
        await gate.admit_by(read, {"user_id": flooded, "opening": again})
    assert (caught.value.code, again.is_noted, again.is_admitted) == (4429, True, False)
    for opening, user_id in ((Opening("192.0.2.2", ""), flooded), (Opening("192.0.2.1", ""), uuid4())):
        assert await gate.admit_by(read, {"user_id": user_id, "opening": opening})
