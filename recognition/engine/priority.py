"""Lets a thread that works in the background yield to all others."""

from __future__ import annotations

import os
import threading


def thread_yield(niceness: int) -> None:
    """Lower the priority of the calling thread by so many steps, where the system can."""
    if hasattr(os, "setpriority"):  # on Linux this is the priority of the thread alone
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
