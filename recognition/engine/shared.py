"""The engine of this process, started on first use and shared by every caller in it."""

from __future__ import annotations

import atexit
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recognition.engine.engine import Engine

_engine: Engine | None = None
_engine_lock = threading.Lock()


def engine() -> Engine:
    """Return this process's engine, starting it on first use; never waits for it to be ready."""
    global _engine  # noqa: PLW0603 - one for each process is the point
    from recognition.engine.engine import Engine  # heavy, and pages that only ask whether it runs do without

    with _engine_lock:
        if _engine is None:
            started = Engine()
            started.start()
            _engine = started
            atexit.register(engine_use, None)
        return _engine


def engine_running() -> Engine | None:
    """Return the engine if this process has one."""
    return _engine


def engine_use(replacement: Engine | None) -> None:
    """Replace the engine by another or by none, and close the one before."""
    global _engine
    with _engine_lock:
        former, _engine = _engine, replacement
    if former is not None and former is not replacement:
        former.close()
