"""The shop of the tests on two threads, with frames that take a fixed time whatever machine it runs on."""

from __future__ import annotations

import time
from typing import Any

from tests.checkout.served import application

__all__ = ["application"]

from checkout.live import frame_worker
from checkout.live.frame_worker import FrameWorker
from checkout.live.sharing.slots import FairSlots

WORK_S = 0.1
observe = FrameWorker._observe


def observe_slowly(worker: FrameWorker, *args: Any) -> Any:
    """Take as long as a costly frame, without the processor: the machines of the tests have other work."""
    time.sleep(WORK_S)
    return observe(worker, *args)


vars(frame_worker)["vision_slots"] = FairSlots(2)
setattr(FrameWorker, "_observe", observe_slowly)  # noqa: B010 - to the type checker it is another method
