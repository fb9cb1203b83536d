"""How long work tells of its progress, whoever shows it."""

from __future__ import annotations

from collections.abc import Callable

# Begins a step of so many pieces and returns what is to be called after each.
Progress = Callable[[str, int], Callable[[], object]]


def no_progress(step: str, total: int) -> Callable[[], object]:
    """Tell nobody."""
    return lambda: None
