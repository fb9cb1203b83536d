"""Ends asyncio tasks, whatever they do with a cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

CANCEL_AGAIN_S = 0.2


async def tasks_end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel tasks until they have ended; a caller cancelled meanwhile still waits for them.

    Once is not enough: a call into a database thread swallows a cancellation that arrives after the thread's
    call back into the event loop has ended, and so does the client of the channel layer now and then.
    """
    cancelled = False
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)
        except asyncio.CancelledError:
            cancelled = True
    await asyncio.gather(*tasks, return_exceptions=True)
    if cancelled:
        raise asyncio.CancelledError
