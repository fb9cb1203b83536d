"""Background threads of a process: started, woken, stopped and watched over in one way."""

from __future__ import annotations

import logging
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Literal

from django.db import Error as DatabaseError
from django.db import connection

CONNECTION_IDLE_MAX_S = 2.0
"""A worker that waits longer than this closes its database connection: the server would cut an idle one."""


def thread_start(work: Callable[[], object], *, name: str, niceness: int = 0) -> threading.Thread:
    """Run `work` once in a daemon thread, which closes its database connection at the end.

    Parameters
    ----------
    niceness : steps by which the thread yields to all others, where the system can do that
    """

    def run() -> None:
        if niceness and hasattr(os, "setpriority"):  # on Linux this is the priority of the thread alone
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def failure_message(error: BaseException) -> str:
    """Return why something failed; what a database driver says stays in the log."""
    if isinstance(error, DatabaseError):
        return "the database cannot be reached"
    return str(error) or type(error).__name__


class FailureLog:
    """Logs each series of failures once, with its first traceback, and logs when it is over.

    Parameters
    ----------
    logger : of the module that fails
    message : what fails, and what follows from it

    Attributes
    ----------
    reason : why the last attempt failed; empty when it succeeded
    """

    def __init__(self, logger: logging.Logger, message: str, *, level: int = logging.ERROR) -> None:
        self.reason = ""
        self._logger = logger
        self._message = message
        self._level = level

    def note(self, error: BaseException) -> None:
        """Record a failed attempt."""
        if self.reason:
            self._logger.debug("still: %s: %r", self._message, error)
        else:
            self._logger.log(self._level, self._message, exc_info=error)
        self.reason = failure_message(error)

    def clear(self) -> None:
        """Record a successful attempt."""
        if self.reason:
            self._logger.info("resolved: %s", self._message)
            self.reason = ""


class Worker(ABC):
    """A thread that calls `work` again and again until it is stopped, whatever `work` raises.

    A subclass implements `work`; one that works off a queue also overrides `is_due`. `_changed` guards what
    `is_due` reads, and is notified after every round.

    Parameters
    ----------
    retry_s : pause after a failure, which only `stop` cuts short; None waits until there is work
    retry_max_s : the pause doubles up to this from one failure to the next; by default it does not grow

    Attributes
    ----------
    name : of the thread
    fails_message : logged when a series of failures begins
    is_essential : whether the process cannot serve without this worker
    waits_for_work : whether `stop` waits for the round in progress
    """

    name: ClassVar[str]
    fails_message: ClassVar[str]
    fails_level: ClassVar[int] = logging.ERROR
    niceness: ClassVar[int] = 0
    is_essential: ClassVar[bool] = False
    waits_for_work: ClassVar[bool] = True

    def __init__(self, *, retry_s: float | None = None, retry_max_s: float | None = None) -> None:
        self._retry_s = retry_s
        self._retry_max_s = retry_max_s or retry_s or 0.0
        module_logger = logging.getLogger(type(self).__module__)
        self._failures = FailureLog(module_logger, self.fails_message, level=self.fails_level)
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._is_awake = True
        self._is_busy = False
        self._thread: threading.Thread | None = None

    @abstractmethod
    def work(self) -> float | None:
        """Do one round.

        Returns
        -------
        Seconds until the next round, which `wake` cuts short; None waits until there is work.
        """

    def is_due(self) -> bool:
        """Whether there is work now; called while `_changed` is held. True before the first round."""
        return self._is_awake

    @property
    def failure(self) -> str:
        """Why the last round failed; empty when it succeeded."""
        return self._failures.reason

    @property
    def is_running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def health(self) -> Literal["well", "failing", "dead"]:
        """Whether the last round failed, or the thread ended although nobody stopped it."""
        if self._thread is not None and not self.is_running and not self._stopping.is_set():
            return "dead"
        return "failing" if self.failure else "well"

    def start(self) -> None:
        """Start the thread; `workers_running` names it until it is stopped.

        Raises
        ------
        RuntimeError
            When it was started before, since stopping is for good, or when there can be no more threads.
        """
        with _running_lock:
            if self._thread is not None or self._stopping.is_set():
                raise RuntimeError(f"The worker {self.name} cannot be started twice.")
            self._thread = thread_start(self._run, name=self.name, niceness=self.niceness)
            _running.append(self)

    def stop(self) -> None:
        """Stop the thread, which closes its database connection."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        if self.waits_for_work and self._thread is not None:
            self._thread.join()
        with _running_lock:
            if self in _running:
                _running.remove(self)

    def wake(self) -> None:
        """Have the next round begin now, or after the round in progress."""
        with self._changed:
            self._is_awake = True
            self._changed.notify_all()

    def _run(self) -> None:
        pause_s: float | None = None
        retry_s = self._retry_s
        while self._wait(pause_s):
            pause_s = self._do_round()
            if not self._failures.reason:
                retry_s = self._retry_s
            elif retry_s is not None:
                self._stopping.wait(retry_s)
                retry_s, pause_s = min(2 * retry_s, self._retry_max_s), 0.0

    def _do_round(self) -> float | None:
        pause_s = None
        try:
            pause_s = self.work()
        except Exception as error:  # noqa: BLE001 - logged; a thread that ended would never recover
            connection.close()
            self._failures.note(error)
        else:
            self._failures.clear()
        finally:
            with self._changed:
                self._is_busy = False
                self._changed.notify_all()
        return pause_s

    def _wait(self, pause_s: float | None) -> bool:
        """Wait for the next round; False when the worker is to stop."""
        with self._changed:
            is_idle = not (self.is_due() or self._stopping.is_set())
        if is_idle and (pause_s is None or pause_s > CONNECTION_IDLE_MAX_S):
            connection.close()
        with self._changed:
            self._changed.wait_for(lambda: self._stopping.is_set() or self.is_due(), pause_s)
            self._is_awake = False
            self._is_busy = not self._stopping.is_set()
            return self._is_busy


_running: list[Worker] = []
_running_lock = threading.Lock()


def workers_running() -> list[Worker]:
    """Return the workers of this process that were started and not stopped."""
    with _running_lock:
        return list(_running)
