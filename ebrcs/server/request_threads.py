"""Threads in which requests are worked on, kept from one request to the next."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from asgiref.sync import ThreadSensitiveContext

T = TypeVar("T")


class RequestThreads:
    """Lends a thread to each request; used by one event loop, so it needs no lock.

    Django starts one for every request and another one to end it. Each start holds the event loop until the
    thread has run, which takes long when all processors are busy, and with it every socket.
    """

    def __init__(self) -> None:
        self.idle: list[ThreadPoolExecutor] = []

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Run the synchronous parts of a request in one thread, which it gets with the first of them."""
        thread = LentThread(self.idle)
        try:
            async with ThreadSensitiveContext(executor=thread):
                yield
        finally:
            thread.give_back()


class LentThread(Executor):
    """One thread, taken from the idle ones or started when the first call comes."""

    def __init__(self, idle: list[ThreadPoolExecutor]) -> None:
        self._idle = idle
        self._thread: ThreadPoolExecutor | None = None
        self._newest: Future[Any] | None = None

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run a function after those submitted before."""
        if self._thread is None:
            self._thread = (
                self._idle.pop() if self._idle else ThreadPoolExecutor(1, thread_name_prefix="request")
            )
        future = self._thread.submit(function, *args, **kwargs)
        self._newest = future
        return future

    def give_back(self) -> None:
        """Make the thread available to others; one that a request has left at work ends with that work."""
        if self._thread is None or self._newest is None:
            return
        if self._newest.done():
            self._idle.append(self._thread)
        else:
            self._thread.shutdown(wait=False)
        self._thread = None
