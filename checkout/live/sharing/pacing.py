"""Advises clients how often to send a frame, so that they send less before frames have to be dropped."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ebrcs.fair_queue import Flow

AccountT = TypeVar("AccountT", bound=Hashable)

FASTEST_S = 0.1
SLOWEST_S = 1.0
# The part of the processor time that frames may plan with: pages, sockets and chance need the rest.
TARGET_SHARE = 0.7
# A camera that has sent nothing for this long is no longer counted; longer than the slowest advice.
ACTIVE_S = 3.0
# Weight of the newest frame in the mean work of a camera's frames.
NEWEST_WEIGHT = 0.1
RECOUNT_S = 0.2


@dataclass
class CameraLoad:
    """What a camera costs.

    Attributes
    ----------
    work_s : mean time of processors that a frame took
    seen_s : when the last frame came, on the monotonic clock
    """

    work_s: float
    seen_s: float


@dataclass
class Pacer:
    """Measures the work that the frames of each camera make, and shares out the time there is for it.

    All accounts have the same claim. Those that need less than their share at ten frames a second are advised
    nothing slower; what they leave is shared by the others, and the cameras of an account slow down alike.

    Parameters
    ----------
    capacity : seconds of work a second
    """

    capacity: float
    _cameras: dict[Flow, CameraLoad] = field(default_factory=dict)
    _slowdowns: Mapping[Hashable, float] = field(default_factory=dict)
    _counted_s: float = 0.0

    def note(self, flow: Flow, work_s: float | None, now_s: float) -> None:
        """Take in that a frame of a camera came, and what it cost; None where it was refused."""
        load = self._cameras.setdefault(flow, CameraLoad(work_s or 0.0, now_s))
        load.seen_s = now_s
        if work_s is not None:
            load.work_s += NEWEST_WEIGHT * (work_s - load.work_s)

    def advice_ms(self, flow: Flow, now_s: float) -> int:
        """Return how long a camera should wait from one frame to the next."""
        if now_s - self._counted_s > RECOUNT_S:
            self._counted_s = now_s
            self._cameras = {
                each: load for each, load in self._cameras.items() if now_s - load.seen_s < ACTIVE_S
            }
            demands: dict[Hashable, float] = {}
            for each, load in self._cameras.items():
                demands[each.account] = demands.get(each.account, 0.0) + load.work_s / FASTEST_S
            self._slowdowns = slowdowns(demands, self.capacity)
        slowdown = self._slowdowns.get(flow.account, 1.0)
        return round(1000 * min(SLOWEST_S, FASTEST_S * slowdown))


def slowdowns(demands: Mapping[AccountT, float], capacity: float) -> dict[AccountT, float]:
    """Return by how much each account has to slow down for all to fit; 1 where it fits as it is.

    Max-min fair: the least demanding account is served in full as long as its demand is below an equal share
    of what is left.
    """
    found = {}
    left, waiting = capacity, len(demands)
    for account, demand in sorted(demands.items(), key=lambda item: item[1]):
        given = min(demand, left / waiting)
        found[account] = demand / given if given > 0 else 1.0
        left, waiting = left - given, waiting - 1
    return found
