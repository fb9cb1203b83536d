from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)

import pytest

from recognition.vision.store.rwlock import RWLock
from tests.waiting import until

PATIENCE_S = 20.0
"""How long a step that must happen may take before the test gives up on it."""

HOLD_S = 0.15
"""How long a step that must not happen is given to happen all the same."""


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=8) as executor:
        yield executor


class Holder:
    """Takes the lock in a thread of its own, says so, and keeps it until told to let go."""

    def __init__(self, pool: ThreadPoolExecutor, take: Callable[[], AbstractContextManager[None]]) -> None:
        self.inside = threading.Event()
        self.let_go = threading.Event()
        self._take = take
        self.done = pool.submit(self._run)

    def _run(self) -> None:
        with self._take():
            self.inside.set()
            assert self.let_go.wait(PATIENCE_S)

    def release(self) -> None:
        self.let_go.set()
        self.done.result(PATIENCE_S)


def waiting_writers(lock: RWLock) -> int:
    return lock._writers_waiting


def test_readers_share_the_lock(pool: ThreadPoolExecutor) -> None:
    lock = RWLock()
    readers = [Holder(pool, lock.read) for _ in range(3)]
    assert all(reader.inside.wait(PATIENCE_S) for reader in readers)
    for reader in readers:
        reader.release()


def test_a_writer_waits_for_all_readers(pool: ThreadPoolExecutor) -> None:
    lock = RWLock()
    first, second = Holder(pool, lock.read), Holder(pool, lock.read)
    assert first.inside.wait(PATIENCE_S)
    assert second.inside.wait(PATIENCE_S)
    writer = Holder(pool, lock.write)
    first.release()
    assert not writer.inside.wait(HOLD_S)
    second.release()
    assert writer.inside.wait(PATIENCE_S)
    writer.release()


@pytest.mark.parametrize("kind", ["read", "write"])
def test_a_writer_keeps_everyone_else_out(pool: ThreadPoolExecutor, kind: str) -> None:
    lock = RWLock()
    writer = Holder(pool, lock.write)
    assert writer.inside.wait(PATIENCE_S)
    other = Holder(pool, getattr(lock, kind))
    assert not other.inside.wait(HOLD_S)
    writer.release()
    assert other.inside.wait(PATIENCE_S)
    other.release()


def test_a_waiting_writer_holds_back_new_readers_and_goes_first(pool: ThreadPoolExecutor) -> None:
    lock = RWLock()
    early = Holder(pool, lock.read)
    assert early.inside.wait(PATIENCE_S)
    writer = Holder(pool, lock.write)
    until(lambda: waiting_writers(lock) == 1)
    late = Holder(pool, lock.read)
    assert not late.inside.wait(HOLD_S)
    early.release()
    assert writer.inside.wait(PATIENCE_S)
    assert not late.inside.is_set()
    writer.release()
    assert late.inside.wait(PATIENCE_S)
    late.release()


class ReaderPreferringLock:
    """A readers-writer lock in which a waiting writer has no precedence, for the control."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0

    @contextmanager
    def read(self) -> Iterator[None]:
        with self._changed:
            self._readers += 1
        yield
        with self._changed:
            self._readers -= 1
            self._changed.notify_all()

    @contextmanager
    def write(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._readers == 0)
            yield


def writer_gets_in_beside_a_relay_of_readers(
    lock: RWLock | ReaderPreferringLock, pool: ThreadPoolExecutor, *, relay_patience_s: float, wait_s: float
) -> bool:
    """Two readers relay the lock, each leaving only once the other has come in again; then a writer asks."""
    stop = threading.Event()
    came_in = [threading.Semaphore(0), threading.Semaphore(0)]

    def relay(me: int) -> None:
        if me == 1:
            came_in[0].acquire()
        while not stop.is_set():
            with lock.read():
                came_in[me].release()
                # held back by a waiting writer, the other cannot come in: then leave without it
                came_in[1 - me].acquire(timeout=relay_patience_s)

    readers = [pool.submit(relay, me) for me in range(2)]
    writer = Holder(pool, lock.write)
    got_in = writer.inside.wait(wait_s)
    stop.set()
    writer.release()
    for reader in readers:
        reader.result(PATIENCE_S)
    return got_in


def test_a_writer_is_not_starved_by_readers_that_never_pause(pool: ThreadPoolExecutor) -> None:
    assert writer_gets_in_beside_a_relay_of_readers(RWLock(), pool, relay_patience_s=0.05, wait_s=PATIENCE_S)


def test_control_without_precedence_the_same_readers_do_starve_the_writer(pool: ThreadPoolExecutor) -> None:
    lock = ReaderPreferringLock()
    with lock.read():
        # the relay starts under a reader, or the writer might be the very first to come
        outcome = pool.submit(
            writer_gets_in_beside_a_relay_of_readers, lock, pool, relay_patience_s=2.0, wait_s=0.5
        )
        until(lambda: lock._readers >= 2)
    assert not outcome.result(PATIENCE_S)


def test_writers_take_turns_and_no_increment_is_lost(pool: ThreadPoolExecutor) -> None:
    lock = RWLock()
    total = 0

    def add(times: int) -> None:
        nonlocal total
        for _ in range(times):
            with lock.write():
                seen = total
                threading.Event().wait(0)
                total = seen + 1

    for future in [pool.submit(add, 200) for _ in range(4)]:
        future.result(PATIENCE_S)
    assert total == 800


def test_the_lock_is_free_again_after_an_error_inside() -> None:
    lock = RWLock()
    for take in (lock.read, lock.write):
        with pytest.raises(ValueError, match="broken"), take():
            raise ValueError("broken")
    with lock.write():
        pass


def test_an_interrupted_wait_of_a_writer_lets_readers_on(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = RWLock()
    reader = Holder(pool, lock.read)
    assert reader.inside.wait(PATIENCE_S)

    def interrupted(timeout: float | None = None) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lock._changed, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt), lock.write():
            pytest.fail("the writer got in beside a reader")
    late = Holder(pool, lock.read)
    assert late.inside.wait(PATIENCE_S)
    late.release()
    reader.release()


class EventLoopLock:
    """The tempting alternative: the same promise, kept by the event loop."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        async with self._lock:
            yield


async def cancel_a_search_and_try_to_write(
    search: Callable[[Callable[[], None]], Awaitable[None]],
    write: Callable[[], AbstractAsyncContextManager[None]],
) -> bool:
    """Tell whether a writer got in while the search of a cancelled task was still running."""
    searching, finish = threading.Event(), threading.Event()

    def work() -> None:
        searching.set()
        assert finish.wait(PATIENCE_S)

    task = asyncio.ensure_future(search(work))
    assert await asyncio.to_thread(searching.wait, PATIENCE_S)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    entered = asyncio.Event()

    async def register() -> None:
        async with write():
            entered.set()

    writer = asyncio.ensure_future(register())
    with suppress(TimeoutError):
        await asyncio.wait_for(entered.wait(), HOLD_S)
    got_in_beside_the_search = entered.is_set()
    finish.set()
    await asyncio.wait_for(writer, PATIENCE_S)
    return got_in_beside_the_search


async def test_a_cancelled_task_does_not_let_the_writer_in_while_its_search_still_runs() -> None:
    lock = RWLock()

    def locked(work: Callable[[], None]) -> None:
        with lock.read():
            work()

    @asynccontextmanager
    async def write() -> AsyncIterator[None]:
        def take() -> None:
            with lock.write():
                pass

        await asyncio.to_thread(take)
        yield

    assert not await cancel_a_search_and_try_to_write(lambda work: asyncio.to_thread(locked, work), write)


async def test_control_a_lock_of_the_event_loop_does_let_the_writer_in() -> None:
    lock = EventLoopLock()

    async def search(work: Callable[[], None]) -> None:
        async with lock.hold():
            await asyncio.to_thread(work)

    assert await cancel_a_search_and_try_to_write(search, lock.hold)
