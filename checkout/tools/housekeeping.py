"""What a server does by itself beside serving: it ends abandoned visits, writes and prunes answer times."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection

from checkout.cart import services
from checkout.live.answer_times import frame_counts_prune, frame_tally

logger = logging.getLogger(__name__)

FLUSH_EVERY_S = 10.0
SWEEP_EVERY_S = 60.0
PRUNE_EVERY_S = 3600.0


@dataclass
class Chore:
    """Something to be done again and again; a failure is logged once, and again after it worked."""

    name: str
    every_s: float
    work: Callable[[], object]
    due_s: float = 0.0
    is_failing: bool = False

    def run(self) -> None:
        """Do it; whatever goes wrong must not end the thread."""
        try:
            self.work()
        except Exception as error:
            if not self.is_failing:
                logger.exception("%s fails; it is tried again every %d s", self.name, self.every_s)
            else:
                logger.debug("%s still fails: %s", self.name, error)
            self.is_failing = True
        else:
            self.is_failing = False


class Housekeeper:
    """A thread that does the chores; every server process has one.

    Several may sweep at once: each visit is ended under the lock on its row, by one of them, and counts are
    deleted by whoever comes first.
    """

    def __init__(self, chores: list[Chore]) -> None:
        self.chores = chores
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin; the first round comes after a chore's own pause."""
        now_s = time.monotonic()
        for chore in self.chores:
            chore.due_s = now_s + chore.every_s
        self._thread.start()

    def stop(self) -> None:
        """Stop after the chore at hand."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(max(0.0, min(chore.due_s for chore in self.chores) - time.monotonic())):
            for chore in self.chores:
                if chore.due_s <= time.monotonic():
                    chore.run()
                    chore.due_s = time.monotonic() + chore.every_s
            connection.close()  # an idle one would be held for nothing


def chores_make() -> list[Chore]:
    """Return what every server process does."""
    return [
        Chore("writing answer times", FLUSH_EVERY_S, frame_tally.flush),
        Chore("ending abandoned visits", SWEEP_EVERY_S, services.sessions_expire),
        Chore("pruning answer times", PRUNE_EVERY_S, frame_counts_prune),
    ]


def housekeeping_start() -> Housekeeper:
    """Start the chores of this process, and have the last counts written at its end."""
    housekeeper = Housekeeper(chores_make())
    atexit.register(frame_tally.close)
    housekeeper.start()
    return housekeeper
