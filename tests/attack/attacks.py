"""What an attack is: something that prepares, waits for the word, and then attacks for some seconds."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.attack.report import Goal
from tests.attack.wire import Caller

# Of what nobody has to take; "closed" and "refused" are of the connection.
REFUSALS = frozenset(
    {"400", "401", "403", "404", "405", "408", "411", "413", "415", "429", "closed", "refused"}
)
PATIENCE_S = 40.0
"""How long an attack may go on after its time, as the last answers come in."""
DECODED = REFUSALS | {"200", "503"}  # of a picture: 503 where enough are being decoded


@dataclass
class Target:
    """What is attacked, from which address, with which accounts, and what came of it.

    Attributes
    ----------
    ports : of the servers; the bystander is at the first
    address : of the attacker; every attack has one of its own
    broken, notes : as in a row of the report
    limit : what ends the attack where the last answers do not come in
    """

    ports: list[int]
    seconds: float
    address: str
    admin: str
    attackers: list[str]
    products: list[str]
    doomed: list[str]
    frames: str
    answers: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    deadline_s: float = 0.0
    limit: asyncio.Timeout | None = None

    async def begin(self) -> None:
        """Say that everything is prepared, and wait for the word."""
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        self.deadline_s = time.monotonic() + self.seconds
        if self.limit:
            self.limit.reschedule(asyncio.get_running_loop().time() + self.seconds + PATIENCE_S)

    def goes_on(self) -> bool:
        """Whether there is time left."""
        return time.monotonic() < self.deadline_s

    def caller(self, number: int | None = None, *, token: str = "", server: int = 0) -> Caller:
        """Return a caller at the attacker's address, with the account of a number."""
        found = token or ("" if number is None else self.attackers[number % len(self.attackers)])
        return Caller(self.ports[server % len(self.ports)], self.address, found, self.answers)

    async def repeat(self, act: Callable[[], Awaitable[Any]], *, together: int) -> None:
        """Do something again and again until the time is up, several at once."""

        async def one() -> None:
            while self.goes_on():
                await act()

        await asyncio.gather(*(one() for _ in range(together)))

    def clip(self) -> list[bytes]:
        """Return the frames of the demo shop's clip."""
        return [path.read_bytes() for path in sorted(Path(self.frames).glob("*.jpg"))]


Run = Callable[[Target], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Attack:
    """An attack with its goal; `after` are questions of SQL that nothing may answer."""

    name: str
    run: Run
    goal: Goal
    after: Sequence[str] = ()


REGISTRY: dict[str, Attack] = {}


def attack(name: str, goal: Goal, *, after: Sequence[str] = ()) -> Callable[[Run], Run]:
    """Register an attack."""

    def register(run: Run) -> Run:
        REGISTRY[name] = Attack(name, run, goal, after)
        return run

    return register
