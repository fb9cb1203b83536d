"""The thread pools for the slow work of sockets, so that the event loop stays free."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar, copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.db import InterfaceError, InternalError, OperationalError

from checkout.live.sharing.pacing import TARGET_SHARE, Pacer
from checkout.live.sharing.slots import FairSlots
from ebrcs.fair_queue import Flow

P = ParamSpec("P")
T = TypeVar("T")
# Each thread holds at most one database connection; a slow call of one socket must not stop the others.
DATABASE_THREADS = 8
VISION_THREADS = max(2, os.cpu_count() or 1)
# What the database raises while it is away, or has become read-only as after a failover: it may come back.
DATABASE_AWAY = (OperationalError, InterfaceError, InternalError)
DATABASE_SILENT = "The database does not answer."
database_pool = ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="checkout-database")
vision_pool = ThreadPoolExecutor(VISION_THREADS, thread_name_prefix="checkout-vision")
# A pool is handed no more than it has threads for: what waits, waits here, where its order is fair. A socket
# has commands, frames and its watch, none of which should wait for the others.
database_slots = FairSlots(DATABASE_THREADS, per_flow=3)
vision_slots = FairSlots(VISION_THREADS)
pacer = Pacer(VISION_THREADS * TARGET_SHARE)
socket_flow: ContextVar[Flow | None] = ContextVar("socket_flow", default=None)


def flow_now() -> Flow:
    """Return the flow of the socket that this task belongs to; outside of any, one of its own."""
    return socket_flow.get() or Flow(None, object())


def pace_now_ms() -> int:
    """Return how long this task's camera should wait from one frame to the next."""
    return pacer.advice_ms(flow_now(), time.monotonic())


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that uses the database in its pool."""
    run = database_sync_to_async(function, thread_sensitive=False, executor=database_pool)
    async with database_slots.slot(flow_now()):
        return await run(*args, **kwargs)


async def in_vision(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that works on pictures in its pool, once it is this socket's turn."""
    async with vision_slots.slot(flow_now()):
        return await in_vision_thread(function, *args, **kwargs)


async def in_vision_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function in the vision pool, in which the caller has a slot.

    A cancelled caller still waits for its thread. Otherwise the next holder of a camera's lock would use the
    lane while that thread still does.
    """
    work = partial(copy_context().run, function, *args, **kwargs)
    running = asyncio.get_running_loop().run_in_executor(vision_pool, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with suppress(asyncio.CancelledError):  # `tasks_end` cancels again and again
                await asyncio.wait([running])
        raise
