"""What a camera's view was before its connection broke, kept for a moment so that nothing counts twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from checkout.models import ScanEvent
from checkout.services import Cause
from recognition.runtime import engine_running

if TYPE_CHECKING:
    from recognition.vision.encoders.protocol import Image
    from recognition.vision.lane import Lane
    from recognition.vision.matching import Candidate, Decision

KEEP_S = 10.0


@dataclass(frozen=True)
class Change:
    """Something seen that has to be stored, however often that takes; its cause makes it happen once."""

    action: ScanEvent.Action
    product_id: UUID | None
    cause: Cause


@dataclass
class Seat:
    """One camera's place at a session.

    Attributes
    ----------
    lane : what is tracked; used by one holder of `turn` at a time
    changes : seen, but not yet stored
    questions : choices offered, by track
    noted : tracks whose question or whose being unknown was recorded
    """

    lane: Lane
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    changes: list[Change] = field(default_factory=list)
    questions: dict[int, tuple[str, ...]] = field(default_factory=dict)
    noted: set[tuple[int, str]] = field(default_factory=set)


@dataclass
class Cloakroom:
    """Keeps the seats of broken connections, the last one of each session, for some seconds."""

    kept: dict[UUID, tuple[UUID, Seat]] = field(default_factory=dict)

    def leave(self, session_id: UUID, seat: Seat) -> None:
        """Keep a seat for whoever comes back to the session."""
        ticket = uuid4()
        self.kept[session_id] = (ticket, seat)
        asyncio.get_running_loop().call_later(KEEP_S, self._discard, session_id, ticket)

    def fetch(self, session_id: UUID) -> Seat | None:
        """Return the seat that was kept for the session, once."""
        _, seat = self.kept.pop(session_id, (None, None))
        return seat

    def _discard(self, session_id: UUID, ticket: UUID) -> None:
        if session_id in self.kept and self.kept[session_id][0] == ticket:
            del self.kept[session_id]


cloakroom = Cloakroom()


def seat_make() -> Seat:
    """Return a seat that has seen nothing; loads the vision libraries on first use."""
    from recognition.vision.lane import Lane

    return Seat(Lane(verify=look_closer))


def look_closer(picture: Image, suspects: Sequence[Candidate]) -> Decision | None:
    """Have the process's engine, if it runs, settle what an undecided item is."""
    engine = engine_running()
    return None if engine is None else engine.verify(picture, suspects)
