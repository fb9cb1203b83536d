"""How long work reports its progress to whoever shows it."""

from __future__ import annotations

from collections.abc import Callable

StepProgress = Callable[[str, int], Callable[[], object]]
"""Starts a step of so many pieces, and returns what is to be called after each."""


def no_progress(step: str, total: int) -> Callable[[], object]:
    """Report nothing."""
    return lambda: None
