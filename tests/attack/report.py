"""What an attack did to the bystander, and whether that is within its goal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

RATIO_MAX = 1.5
STALL_MAX_MS = 50.0
"""The longest that the event loop may be held, beyond what the idle server was."""
CLOCK_NOISE_MS = 25.0
"""An answer this much slower is no harm: a core of a busy machine is away as long."""


@dataclass(frozen=True)
class Goal:
    """What must hold while an attack runs.

    Attributes
    ----------
    ratio_max : of the bystander's 95th percentile during the attack to the one before
    stall_max_ms : how much longer than before the event loop may be held; None for no bound of its own
    memory_max_mb, disk_max_mb : by how much the server may grow, in memory and in temporary files
    answers : the only ones the attacker may get: statuses, close codes, "closed", "refused"; None for any but
        faults
    """

    ratio_max: float = RATIO_MAX
    stall_max_ms: float | None = None
    memory_max_mb: float = 300.0
    disk_max_mb: float = 64.0
    answers: frozenset[str] | None = None


@dataclass
class Row:
    """One attack as measured.

    Attributes
    ----------
    before_ms, during_ms : the bystander's 95th percentile, from a frame sent to its result
    stall_before_ms, stall_ms : the longest answer of /healthz
    memory_mb, disk_mb : growth of the server during the attack, at its peak
    answers : what the attacker was answered, and how often
    bystander : what the bystander's requests and socket were answered, and how often
    broken : what is wrong with the data afterwards, or with the attack itself
    notes : what else is worth knowing
    """

    name: str
    goal: Goal
    before_ms: float
    during_ms: float
    stall_before_ms: float
    stall_ms: float
    memory_mb: float
    disk_mb: float
    answers: Counter[str] = field(default_factory=Counter)
    bystander: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """How many times longer the bystander waited."""
        return self.during_ms / self.before_ms if self.before_ms else math.inf

    def faults(self) -> list[str]:
        """Say what is out of the goal; empty where all is within."""
        goal, found = self.goal, list(self.broken)
        slower_ms = self.during_ms - self.before_ms
        if math.isinf(self.before_ms):
            found.append("the bystander was not served before")
        elif self.ratio > goal.ratio_max and slower_ms > CLOCK_NOISE_MS:
            found.append(f"ratio {self.ratio:.1f} > {goal.ratio_max:g}")
        if goal.stall_max_ms is not None and self.stall_ms - self.stall_before_ms > goal.stall_max_ms:
            found.append(
                f"stall {self.stall_ms:.0f} ms > {self.stall_before_ms:.0f} + {goal.stall_max_ms:g} ms"
            )
        if self.memory_mb > goal.memory_max_mb:
            found.append(f"memory +{self.memory_mb:.0f} > {goal.memory_max_mb:g} MB")
        if self.disk_mb > goal.disk_max_mb:
            found.append(f"temporary files {self.disk_mb:.0f} > {goal.disk_max_mb:g} MB")
        if wrong := sorted(answer for answer in self.answers if not answer_allowed(answer, goal.answers)):
            found.append(f"answers {', '.join(wrong)}")
        if harmed := sorted(answer for answer in self.bystander if answer != "200"):
            found.append(f"the bystander got {', '.join(harmed)}")
        return found

    def payload(self) -> dict[str, Any]:
        """Return the row as JSON can hold it."""
        goal = {**asdict(self.goal), "answers": self.goal.answers and sorted(self.goal.answers)}
        ratio = round(self.ratio, 2) if math.isfinite(self.ratio) else None
        return {**vars(self), "goal": goal, "ratio": ratio, "faults": self.faults()}


def answer_allowed(answer: str, allowed: frozenset[str] | None) -> bool:
    """Whether an attacker may be answered so: as the goal lists, or else with anything but a fault."""
    if allowed is not None:
        return answer in allowed
    return not (answer.startswith("5") or answer in {"4500", "1011"})


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that a share of the values does not exceed; infinite for none."""
    if not values:
        return math.inf
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


HEADS = ("attack", "p95 before", "during", "ratio", "stall", "memory", "answers", "within")


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table; times in milliseconds, growth of memory in megabytes."""
    lines = [HEADS, tuple("---" for _ in HEADS), *(cells(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cells(row: Row) -> tuple[str, ...]:
    """Return a row as text, column by column."""
    answers = ", ".join(f"{count} x {answer}" for answer, count in row.answers.most_common(6))
    return (
        row.name,
        f"{row.before_ms:.0f}",
        f"{row.during_ms:.0f}",
        f"{row.ratio:.2f}",
        f"{row.stall_ms:.0f}",
        f"{row.memory_mb:+.0f}",
        "; ".join([answers or "none", *row.notes]),
        "; ".join(row.faults()) or "yes",
    )
