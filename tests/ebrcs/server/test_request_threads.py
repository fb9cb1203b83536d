"""A request's thread serves the next request, unless its own has left it at work."""

from __future__ import annotations

import asyncio
import threading

from asgiref.sync import ThreadSensitiveContext, sync_to_async

from ebrcs.server.request_threads import RequestThreads


async def thread_of_request(threads: RequestThreads) -> int:
    async with threads.lent():
        first = await sync_to_async(threading.get_ident)()
        assert await sync_to_async(threading.get_ident)() == first  # one thread for all of a request
        return first


async def test_one_request_after_the_other_runs_in_one_thread() -> None:
    threads = RequestThreads()
    assert len({await thread_of_request(threads) for _ in range(5)}) == 1
    assert len(threads.idle) == 1


async def test_without_a_lent_thread_each_request_starts_one() -> None:
    started = []
    for _ in range(3):
        async with ThreadSensitiveContext():
            started.append(await sync_to_async(threading.current_thread)())
    assert len(set(started)) == 3


async def test_requests_at_the_same_time_have_threads_of_their_own() -> None:
    threads, met = RequestThreads(), threading.Barrier(2, timeout=5)

    async def request() -> int:
        async with threads.lent():
            await sync_to_async(met.wait)()
            return await sync_to_async(threading.get_ident)()

    assert len(set(await asyncio.gather(request(), request()))) == 2
    assert len(threads.idle) == 2


async def test_a_thread_that_is_still_at_work_is_not_lent_again() -> None:
    threads, begun, may_end = RequestThreads(), threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        may_end.wait(5)

    async with threads.lent():
        # As where a server gives a request up: what was called goes on in its thread.
        left = asyncio.ensure_future(sync_to_async(slow)())
        await asyncio.to_thread(begun.wait, 5)
    assert threads.idle == []
    assert await asyncio.wait_for(thread_of_request(threads), 2)
    may_end.set()
    await left


async def test_a_request_that_calls_nothing_needs_no_thread() -> None:
    threads = RequestThreads()
    async with threads.lent():
        pass
    assert threads.idle == []
