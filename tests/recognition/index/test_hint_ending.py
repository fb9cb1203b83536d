"""A receiving task is ended even where its client loses a cancellation."""

from __future__ import annotations

import asyncio

from recognition.index.hints import _end


async def deaf(times: int) -> None:
    """Lose the first cancellations, as a client of the channel layer may."""
    for _ in range(times):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue
    await asyncio.sleep(60)


async def test_a_lost_cancellation_is_sent_again() -> None:
    task = asyncio.create_task(deaf(2))
    await asyncio.sleep(0)
    await asyncio.wait_for(_end(task), 5)
    assert task.cancelled()


async def test_control_one_cancellation_is_not_enough() -> None:
    task = asyncio.create_task(deaf(1))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=0.3)
    assert not task.done()
    await _end(task)
