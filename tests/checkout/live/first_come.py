"""The control of `slow_vision`: its two threads are given to whoever came first."""

from __future__ import annotations

from tests.checkout.live.slow_vision import application

__all__ = ["application"]

from checkout.live import frame_worker
from tests.checkout.live.sharing.first_come_slots import FirstComeSlots

vars(frame_worker)["vision_slots"] = FirstComeSlots(2)
