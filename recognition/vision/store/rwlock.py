"""A readers-writer lock for threads that lets a waiting writer go first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class RWLock:
    """Many readers or one writer; a waiting writer keeps new readers out until it has had its turn.

    It is a thread lock, taken inside the worker thread that does the protected work, on purpose. A lock of
    the event loop belongs to a task: when the task is cancelled (a shopper closes the page) the lock is
    released at once, while the search the task had handed to a worker thread is still running, and a
    writer would change the index under it. A thread cannot be cancelled, so what it holds stays held until
    its work is over.

    Writers go first because searches arrive all day long: were readers to overtake a waiting writer, a
    registration could wait for ever. The lock is not reentrant: a thread that holds it in either way must
    not ask for it again.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._readers = 0
        self._writers_waiting = 0
        self._writing = False

    @contextmanager
    def read(self) -> Iterator[None]:
        """Share the lock with other readers for the length of a ``with`` block."""
        with self._changed:
            while self._writing or self._writers_waiting:
                self._changed.wait()
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                if self._readers == 0:
                    self._changed.notify_all()

    @contextmanager
    def write(self) -> Iterator[None]:
        """Hold the lock alone for the length of a ``with`` block."""
        with self._changed:
            self._writers_waiting += 1
            try:
                while self._writing or self._readers:
                    self._changed.wait()
                self._writing = True
            finally:
                self._writers_waiting -= 1
                if not self._writing:
                    # the wait was interrupted: readers held back for this writer may go on
                    self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
