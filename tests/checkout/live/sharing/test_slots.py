"""Slots of a thread pool: fair between accounts, one to a camera, never all to one account beside others."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AbstractAsyncContextManager
from types import SimpleNamespace

import pytest

from checkout.live import threads
from checkout.live.sharing import slots as slots_module
from checkout.live.sharing.slots import FairSlots, Slot
from ebrcs.fair_queue import Flow
from tests.checkout.live.sharing.first_come_slots import FirstComeSlots

ATTACKER_CAMERAS = 50
JOB_S = 0.02


async def bystander_waits_s(slots: FairSlots | FirstComeSlots, *, job_s: float = JOB_S) -> list[float]:
    """Let one account want slots with fifty cameras, and measure how long another one waits for its own."""

    async def attack(camera: int) -> None:
        while True:
            async with slots.slot(Flow("attacker", camera)):
                await asyncio.sleep(job_s)

    attackers = [asyncio.create_task(attack(camera)) for camera in range(ATTACKER_CAMERAS)]
    waits_s = []
    for _ in range(8):
        await asyncio.sleep(0.05)
        asked_s = time.monotonic()
        async with slots.slot(Flow("bystander", 0)):
            waits_s.append(time.monotonic() - asked_s)
            await asyncio.sleep(0.001)
    for attacker in attackers:
        attacker.cancel()
    await asyncio.wait(attackers)
    return sorted(waits_s)


async def test_a_bystander_finds_a_free_slot_beside_fifty_cameras_of_another_account() -> None:
    waits_s = await bystander_waits_s(FairSlots(2))
    assert waits_s[5] < JOB_S
    unfair_s = await bystander_waits_s(FirstComeSlots(2))
    assert unfair_s[5] > ATTACKER_CAMERAS / 2 * JOB_S * 0.8


async def test_long_jobs_of_one_account_never_hold_all_slots_beside_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (await bystander_waits_s(FairSlots(2), job_s=0.3))[5] < 0.1
    monkeypatch.setattr(FairSlots, "_most_held", 2)
    assert (await bystander_waits_s(FairSlots(2), job_s=0.3))[5] > 0.1


def holding(slots: FairSlots, flow: Flow) -> AbstractAsyncContextManager[Slot]:
    return slots.slot(flow)


async def most_at_once(slots: FairSlots, flows: list[Flow]) -> int:
    """Return how many of these hold a slot at the same time."""
    held: Counter[str] = Counter()

    async def hold(flow: Flow) -> None:
        async with slots.slot(flow):
            held["now"] += 1
            held["most"] = max(held["most"], held["now"])
            await asyncio.sleep(0.01)
            held["now"] -= 1

    await asyncio.gather(*(hold(flow) for flow in flows))
    return held["most"]


@pytest.mark.parametrize(("count", "beside_others"), [(2, 1), (4, 3), (8, 6), (16, 12)])
async def test_an_account_alone_may_have_all_and_beside_others_three_quarters(
    count: int, beside_others: int
) -> None:
    lanes = [Flow("staff", lane) for lane in range(2 * count)]
    slots = FairSlots(count)
    assert await most_at_once(slots, lanes) == count
    async with slots.slot(Flow("other", 0)):
        pass
    assert await most_at_once(slots, lanes) == beside_others


async def test_work_in_the_engine_counts_beside_others_and_not_alone() -> None:
    lanes = [Flow("staff", lane) for lane in range(8)]
    slots = FairSlots(4)
    with slots.elsewhere(lanes[0]):
        assert await most_at_once(slots, lanes) == 4
        async with slots.slot(Flow("other", 0)):
            pass
        assert await most_at_once(slots, lanes) == 2
    assert await most_at_once(slots, lanes) == 3


async def test_who_waits_for_work_in_the_engine_goes_on_when_it_is_done() -> None:
    slots = FairSlots(2)
    async with slots.slot(Flow("other", 0)):
        pass
    with slots.elsewhere(Flow("staff", 0)):
        waiting = asyncio.create_task(holding(slots, Flow("staff", 1)).__aenter__())
        await asyncio.sleep(0.02)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 5)


async def test_another_account_counts_for_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [100.0]
    monkeypatch.setattr(slots_module, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    lanes = [Flow("staff", lane) for lane in range(8)]
    slots = FairSlots(4)
    async with slots.slot(Flow("other", 0)):
        pass
    now_s[0] += 1.9
    assert await most_at_once(slots, lanes) == 3
    now_s[0] += 0.2
    assert await most_at_once(slots, lanes) == 4


async def test_a_camera_holds_one_slot_and_a_flow_as_many_as_it_may() -> None:
    camera = [Flow("staff", 1)] * 6
    assert await most_at_once(FairSlots(8), camera) == 1
    assert await most_at_once(FairSlots(8, per_flow=3), camera) == 3


async def test_who_gives_up_waiting_leaves_no_trace() -> None:
    slots = FairSlots(1)
    async with slots.slot(Flow("a", 0)):
        waiting = [asyncio.create_task(holding(slots, Flow("b", 0)).__aenter__()) for _ in range(3)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
    assert not slots._queue
    async with asyncio.timeout(5), slots.slot(Flow("b", 0)) as slot:
        pass
    assert slot.held_s >= 0
    assert slots._accounts.total() == 0


async def test_a_slot_given_to_one_who_gives_up_at_that_moment_is_free_again() -> None:
    slots = FairSlots(1)
    async with slots.slot(Flow("a", 0)):
        waiting = asyncio.create_task(holding(slots, Flow("b", 0)).__aenter__())
        await asyncio.sleep(0)
    waiting.cancel()  # after the slot was given, before the task ran again
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(5), slots.slot(Flow("c", 0)):
        pass


def test_the_pools_are_handed_no_more_than_they_have_threads_for() -> None:
    assert threads.vision_slots.count == threads.VISION_THREADS == threads.vision_pool._max_workers
    assert threads.vision_slots.per_flow == 1
    assert threads.database_slots.count == 8 == threads.database_pool._max_workers
    assert threads.database_slots.per_flow == 3
