"""Answer times of frames: counted in memory, stored by the hour, read as percentiles.

No frame costs a write. Each process counts into the steps of one fixed logarithmic scale and adds its counts
to the rows of the hour every few seconds. Counts of any number of processes add up, and percentiles of any
period come from their sum.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import Error, connection, transaction
from django.db.models import F
from django.utils import timezone

from checkout.models import FrameCount

logger = logging.getLogger(__name__)

STEPS_PER_DOUBLING = 8
STEP_LAST = 15 * STEPS_PER_DOUBLING
"""The last step ends at 2**15 ms, some 33 s; frames older than half a second are refused long before that."""

KEPT = timedelta(days=90)
"""How long counts are kept; the dashboard looks back 60 days: 30, and the 30 before them."""

Key = tuple[datetime, str, int]


def step_of(answer_ms: float) -> int:
    """Return the step of the time scale in which an answer time falls.

    Step s holds the times above 2**((s - 1) / 8) ms and up to 2**(s / 8) ms. Step 0 holds all up to 1 ms; the
    last step, 120, also holds all longer times.
    """
    if answer_ms <= 1:
        return 0
    return min(STEP_LAST, math.ceil(STEPS_PER_DOUBLING * math.log2(answer_ms)))


def step_ms(step: int) -> float:
    """Return the time that represents a step: its geometric mean, within 4.5% of every time in it.

    (2**(1 / 16) is 1.0443. Below 1 ms and above 33 s there is no such bound.)
    """
    return 2 ** ((step - 0.5) / STEPS_PER_DOUBLING) if step else 1.0


def percentile_ms(frames_by_step: Mapping[int, int], share: float) -> float | None:
    """Return the time within which a share of the frames was answered, by nearest rank.

    Parameters
    ----------
    frames_by_step : how many frames fell in each step
    share : between 0 and 1; 0.95 asks for the 95th percentile

    Returns
    -------
    Milliseconds, within 4.5% of the exact percentile; None where no frame was answered.
    """
    rank = math.ceil(share * sum(frames_by_step.values()))
    if rank == 0:
        return None
    seen = 0
    for step in sorted(frames_by_step):
        seen += frames_by_step[step]
        if seen >= rank:
            break
    return step_ms(step)


class FrameTally:
    """Counts the frames of a process until they are written; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: Counter[Key] = Counter()

    def note(self, *, answer_ms: float, answered: bool, dropped: int) -> None:
        """Count a frame that was answered or refused, and the frames dropped before it."""
        hour = timezone.now().replace(minute=0, second=0, microsecond=0)
        outcome = FrameCount.Outcome.ANSWERED if answered else FrameCount.Outcome.REFUSED
        with self._lock:
            self._waiting[hour, outcome.value, step_of(answer_ms) if answered else 0] += 1
            if dropped:
                self._waiting[hour, FrameCount.Outcome.DROPPED.value, 0] += dropped

    def flush(self) -> int:
        """Add the counts to the stored ones; return the number of frames.

        Counts that the database does not accept are kept for the next call.
        """
        with self._lock:
            taken, self._waiting = self._waiting, Counter()
        if not taken:
            return 0
        try:
            frame_counts_add(counts=taken)
        except Error as error:
            logger.warning("The answer times of %d frames wait for the database: %s", taken.total(), error)
            with self._lock:
                self._waiting.update(taken)
            return 0
        return taken.total()

    def close(self) -> None:
        """Write the remaining counts at the end of the process, if the database still accepts them."""
        self.flush()
        connection.close()


@transaction.atomic
def frame_counts_add(*, counts: Mapping[Key, int]) -> None:
    """Add to the stored counts.

    Several processes may do so at once: the first inserts missing rows as zero, the database itself
    increments each row, and all update the rows in the same order, so that they cannot deadlock.
    """
    keys = sorted(counts)
    FrameCount.objects.bulk_create(
        [FrameCount(hour=hour, outcome=outcome, step=step) for hour, outcome, step in keys],
        ignore_conflicts=True,
    )
    for hour, outcome, step in keys:
        row = FrameCount.objects.filter(hour=hour, outcome=outcome, step=step)
        row.update(frames=F("frames") + counts[hour, outcome, step])


def frame_counts_prune() -> int:
    """Delete the counts of hours older than any page shows; return how many rows."""
    deleted, _ = FrameCount.objects.filter(hour__lt=timezone.now() - KEPT).delete()
    return deleted


frame_tally = FrameTally()
