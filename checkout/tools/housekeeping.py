"""Periodic work of every server: watches lanes, ends abandoned visits, stores times, deletes old rows."""

from __future__ import annotations

import atexit
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from accounts.services import tokens_prune
from checkout.answer_times import frame_counts_prune, frame_tally
from checkout.cart import services
from checkout.lanes.presence import lanes_watch
from checkout.lanes.telemetry import telemetry_prune
from ebrcs.background import FailureLog, Worker
from orders.receipt_links import receipt_links_forget

logger = logging.getLogger(__name__)

LANES_EVERY_S = 2.0
FLUSH_EVERY_S = 10.0
SWEEP_EVERY_S = 60.0
PRUNE_EVERY_S = 3600.0


@dataclass
class Chore:
    """Work repeated every `every_s` seconds, first after one such pause; `work` may raise."""

    name: str
    every_s: float
    work: Callable[[], object]
    due_s: float = field(init=False)
    failures: FailureLog = field(init=False)

    def __post_init__(self) -> None:
        self.due_s = time.monotonic() + self.every_s
        message = f"{self.name} fails; it is tried again every {self.every_s:.0f} s"
        self.failures = FailureLog(logger, message)

    @property
    def is_failing(self) -> bool:
        """Whether the last attempt failed."""
        return bool(self.failures.reason)

    def run(self) -> None:
        """Do the work; a failure is logged and does not stop the other chores."""
        try:
            self.work()
        except Exception as error:  # noqa: BLE001 - logged, and tried again
            self.failures.note(error)
        else:
            self.failures.clear()
        self.due_s = time.monotonic() + self.every_s


class Housekeeper(Worker):
    """Runs the chores; every server process has one.

    Several may run at once: each visit is ended under the lock on its row, by one of them, and expired counts
    are deleted by the first that finds them.
    """

    name = "housekeeping"
    fails_message = "housekeeping fails"

    def __init__(self, chores: list[Chore]) -> None:
        super().__init__()
        self.chores = chores

    @property
    def failure(self) -> str:
        """The chores that fail."""
        return ", ".join(chore.name for chore in self.chores if chore.is_failing)

    def work(self) -> float:
        """Run the chores that are due; return the seconds until the next one is."""
        for chore in self.chores:
            if chore.due_s <= time.monotonic():
                chore.run()
        return max(0.0, min(chore.due_s for chore in self.chores) - time.monotonic())


def chores_make() -> list[Chore]:
    """Return the chores of a server process."""
    return [
        Chore("watching lanes", LANES_EVERY_S, lanes_watch),
        Chore("writing answer times", FLUSH_EVERY_S, frame_tally.flush),
        Chore("ending abandoned visits", SWEEP_EVERY_S, services.sessions_expire),
        Chore("pruning answer times", PRUNE_EVERY_S, frame_counts_prune),
        Chore("pruning telemetry of lanes", PRUNE_EVERY_S, telemetry_prune),
        Chore("pruning expired tokens", PRUNE_EVERY_S, tokens_prune),
        Chore("forgetting receipt links", PRUNE_EVERY_S, receipt_links_forget),
    ]


def housekeeping_start() -> Housekeeper:
    """Start the chores of this process; the last counts are written at its exit."""
    housekeeper = Housekeeper(chores_make())
    atexit.register(frame_tally.close)
    housekeeper.start()
    return housekeeper
