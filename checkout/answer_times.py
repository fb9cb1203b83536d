"""How long frames waited for their answers: counted in memory, kept in the database, read as percentiles.

No frame costs a write. A process counts into the steps of a time scale that is the same everywhere and adds
its counts to those of the hour every few seconds; counts of any number of processes add up, and percentiles
of any period come from their sum.
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
"""The last step ends at 2**15 ms, some 33 s; a frame older than half a second is refused long before."""

KEPT = timedelta(days=90)
"""How long counts are kept; the dashboard looks back 60 days: 30, and the 30 before them."""

Key = tuple[datetime, str, int]


def step_of(answer_ms: float) -> int:
    """Return the step of the time scale in which an answer time falls.

    Step s holds the times above 2**((s - 1) / 8) ms up to 2**(s / 8) ms; step 0 all up to 1 ms, the last
    step, 120, all above as well.
    """
    if answer_ms <= 1:
        return 0
    return min(STEP_LAST, math.ceil(STEPS_PER_DOUBLING * math.log2(answer_ms)))


def step_ms(step: int) -> float:
    """Return the time that stands for a step: the geometric middle, within 4.5% of every time in it.

    (2**(1 / 16) is 1.0443. Below 1 ms and above 33 s nothing is promised.)
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
    Milliseconds, within 4.5% of the percentile of the times themselves; None where no frame was answered.
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
    """Counts the frames of a process until they are written; any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: Counter[Key] = Counter()

    def note(self, *, answer_ms: float, answered: bool, dropped: int) -> None:
        """Count a frame that got its answer or was refused, and those left out before it."""
        hour = timezone.now().replace(minute=0, second=0, microsecond=0)
        outcome = FrameCount.Outcome.ANSWERED if answered else FrameCount.Outcome.REFUSED
        with self._lock:
            self._waiting[hour, outcome.value, step_of(answer_ms) if answered else 0] += 1
            if dropped:
                self._waiting[hour, FrameCount.Outcome.DROPPED.value, 0] += dropped

    def flush(self) -> int:
        """Add what was counted to the stored counts; return the number of frames.

        What the database does not take now is kept for the next time.
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
        """Write the rest at the end of the process, if the database still takes it."""
        self.flush()
        connection.close()


@transaction.atomic
def frame_counts_add(*, counts: Mapping[Key, int]) -> None:
    """Add to the stored counts.

    Several processes may do so at once: rows that are missing are inserted as zero by whoever comes first,
    each is raised by the database itself, and all go through the rows in the same order, so that none waits
    for one who waits for it.
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
    """Delete the counts of hours that no page shows any more; return how many."""
    deleted, _ = FrameCount.objects.filter(hour__lt=timezone.now() - KEPT).delete()
    return deleted


frame_tally = FrameTally()
