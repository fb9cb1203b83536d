"""Where cameras sit: what each has seen, kept while its connection is broken so that nothing counts twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.conf import settings

from checkout.changes import Change
from checkout.threads import in_vision
from recognition.runtime import engine_running

if TYPE_CHECKING:
    from checkout.scanning import Holders
    from recognition.vision.barcodes import BarcodeWatch
    from recognition.vision.encoders.protocol import Image
    from recognition.vision.lane import Lane
    from recognition.vision.matching import Candidate, Decision
    from recognition.vision.sightings import Detection

KEEP_S = 10.0
KEPT_MAX = 4
# A camera's socket from which nothing came for so long is taken for dead when its client comes back.
SILENT_S = 2.0


@dataclass
class Seat:
    """One camera's place at a session.

    Attributes
    ----------
    lane : what is tracked; used by one holder of `turn` at a time
    changes : seen, but not yet stored
    questions : choices offered, by track
    noted : what was recorded of a track's question or its being unknown, by track and state
    counted : the change by which a track that is in the cart came into it
    codes : what looks for barcodes; None where that is switched off
    codes_held : which items had a code, by code
    scanned : tracks that a barcode settled
    overruled : the product of a track whose barcode names another than the picture
    """

    lane: Lane
    codes: BarcodeWatch | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    changes: list[Change] = field(default_factory=list)
    questions: dict[int, tuple[str, ...]] = field(default_factory=dict)
    noted: dict[tuple[int, str], UUID] = field(default_factory=dict)
    counted: dict[int, UUID] = field(default_factory=dict)
    codes_held: dict[str, Holders] = field(default_factory=dict)
    scanned: set[int] = field(default_factory=set)
    overruled: dict[int, str] = field(default_factory=dict)

    def product_of(self, item: Detection) -> str | None:
        """Return which product an item is, by its barcode if it has one and by its picture if not."""
        return self.overruled.get(item.track, item.product_id)

    @property
    def zone(self) -> list[float]:
        """Where items count: x, y, width, height, relative to the frame."""
        zone = self.lane.zone
        return [zone.x, zone.y, zone.width, zone.height]

    def set_zone(self, sides: tuple[float, float, float, float]) -> None:
        """Count in another part of the frame from now on, or raise ValueError; needs `turn`."""
        from recognition.vision.box import Box

        self.lane.set_zone(Box(*sides))


async def _nobody_waits() -> None:
    """Do nothing: no other socket can ask for this place."""


@dataclass
class Place:
    """What one socket has: its seat, and what only this client asked for.

    Attributes
    ----------
    key : by which the client knows its seat again, None where it does not say
    give_way : closes the socket and returns once the seat is free
    explains : whether answers to frames say why things are as they are
    heard_s : when something came from the client, by the clock of the event loop
    has_camera : whether a frame ever came
    """

    seat: Seat
    key: UUID | None = None
    give_way: Callable[[], Awaitable[None]] = field(default=_nobody_waits)
    explains: bool = False
    heard_s: float = field(default_factory=time.monotonic)
    has_camera: bool = False

    @property
    def is_silent(self) -> bool:
        """Whether a camera's socket has fallen silent, as when its connection broke unnoticed."""
        return self.has_camera and time.monotonic() - self.heard_s > SILENT_S


@dataclass
class Seating:
    """Knows who sits where, and keeps the seats of broken connections for some seconds.

    A client that names its seat gets it back at once: a socket that still holds it is that client's own, dead
    without the server knowing. One that does not gets the seat that was left last, or that of a camera fallen
    silent; a second client beside a living one always gets a seat of its own. Belongs to one event loop.
    """

    kept: dict[tuple[UUID, UUID | None], tuple[UUID, Seat]] = field(default_factory=dict)
    taken: dict[UUID, list[Place]] = field(default_factory=dict)

    async def enter(
        self, session_id: UUID, key: UUID | None, give_way: Callable[[], Awaitable[None]]
    ) -> Place:
        """Return a place for a new socket."""
        fresh: Seat | None = None
        while True:
            holder = self._holder(session_id, key)
            if holder is not None:
                await holder.give_way()
                continue
            _, seat = self.kept.pop((session_id, key), (None, None))
            if seat is None and key is None and fresh is not None:
                seat = self._take_over(session_id, fresh)
            seat = seat or fresh
            if seat is not None:
                break
            fresh = await in_vision(seat_make)
        place = Place(seat, key, give_way)
        self.taken.setdefault(session_id, []).append(place)
        return place

    def leave(self, session_id: UUID, place: Place) -> None:
        """Keep the seat for the client to come back."""
        places = self.taken.get(session_id, [])
        places.remove(place)
        if not places:
            del self.taken[session_id]
        name, ticket = (session_id, place.key), uuid4()
        self.kept.pop(name, None)
        self.kept[name] = (ticket, place.seat)
        ours = [each for each in self.kept if each[0] == session_id]
        for oldest in ours[:-KEPT_MAX]:
            del self.kept[oldest]
        asyncio.get_running_loop().call_later(KEEP_S, self._discard, name, ticket)

    def _holder(self, session_id: UUID, key: UUID | None) -> Place | None:
        places = self.taken.get(session_id, [])
        return next((place for place in places if key is not None and place.key == key), None)

    def _take_over(self, session_id: UUID, fresh: Seat) -> Seat | None:
        """Take the seat of a silent camera; should that live after all, it goes on with a fresh one."""
        silent = [
            place
            for place in self.taken.get(session_id, [])
            if place.key is None and place.is_silent and not place.seat.turn.locked()
        ]
        if not silent:
            return None
        newest = max(silent, key=lambda place: place.heard_s)
        seat, newest.seat = newest.seat, fresh
        return seat

    def _discard(self, name: tuple[UUID, UUID | None], ticket: UUID) -> None:
        if name in self.kept and self.kept[name][0] == ticket:
            del self.kept[name]


seating = Seating()


def seat_make() -> Seat:
    """Return a seat that has seen nothing; loads the vision libraries on first use."""
    from recognition.vision.barcodes import BarcodeWatch
    from recognition.vision.lane import Lane

    return Seat(Lane(verify=look_closer), BarcodeWatch() if settings.READ_BARCODES else None)


def look_closer(picture: Image, suspects: Sequence[Candidate]) -> Decision | None:
    """Have the process's engine, if it runs, settle what an undecided item is."""
    engine = engine_running()
    return None if engine is None else engine.verify(picture, suspects)
