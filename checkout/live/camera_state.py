"""The state of one camera of a session: its lane, its barcodes, and the changes not stored yet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from django.conf import settings

from checkout.cart.reasons import CHOSEN, CartReason
from checkout.cart.scan_events import Cause
from checkout.cart.thumbnails import thumbnail_make
from checkout.live.pending_changes import Change, Opening
from checkout.models import ScanEvent, Source
from recognition.vision.lane.reasons import Reason

if TYPE_CHECKING:
    from recognition.vision.lane.lane import Lane
    from recognition.vision.lane.observations import Detection, Outcome, UnresolvedItem
    from recognition.vision.lane.voting import CountEvent
    from recognition.vision.scene.barcodes import BarcodeReader
    from recognition.vision.types import Image

Action = ScanEvent.Action
T = TypeVar("T")
# While this many changes wait for the database, questions and unknown items are not recorded.
CHANGES_WAITING_MAX = 100
# As many as the tracks a lane remembers.
QUESTIONS_MAX = 200
ADDITIONS_MAX = 1000
UNRESOLVED_MAX = 1000
BARCODES_MAX = 100
RECORDED_STATES = {"ambiguous": Action.QUESTION, "unknown": Action.UNKNOWN}


@dataclass(frozen=True)
class BarcodeProduct:
    """The product on sale that a barcode stands for."""

    product_id: UUID
    name: str


@dataclass
class BarcodeHolders:
    """Which items carried a barcode since it came into view: tracks, and None for the code by itself.

    Attributes
    ----------
    sighting : which time the code is in view, as the reader counts
    settled : the product found for each; None where no product has the code
    """

    sighting: int
    settled: dict[int | None, BarcodeProduct | None] = field(default_factory=dict)


@dataclass
class CameraState:
    """What one camera of a session has seen.

    Attributes
    ----------
    lane : follows and counts items; used only by the holder of `lock`
    barcodes : reads barcodes; None where that is switched off
    lock : held from the observation of a frame to its conclusion, and while a command uses the lane
    changes : to be stored, in order
    storing : held while changes are stored: the socket that had the camera before may not be done yet
    questions : choices offered, by track
    recorded : id of the event that recorded a question or an unknown item, by track and state
    additions : id of the event that added a track's item to the cart, by track
    holders : which items carried a barcode, by code
    scanned : tracks that a barcode identified
    overruled : the product named by a barcode that contradicts the picture, by track
    unresolved : id of the unresolved item that a track was reported as
    """

    lane: Lane
    barcodes: BarcodeReader | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    changes: list[Change] = field(default_factory=list)
    storing: asyncio.Lock = field(default_factory=asyncio.Lock)
    questions: dict[int, tuple[str, ...]] = field(default_factory=dict)
    recorded: dict[tuple[int, str], UUID] = field(default_factory=dict)
    additions: dict[int, UUID] = field(default_factory=dict)
    holders: dict[str, BarcodeHolders] = field(default_factory=dict)
    scanned: set[int] = field(default_factory=set)
    overruled: dict[int, str] = field(default_factory=dict)
    unresolved: dict[int, UUID] = field(default_factory=dict)

    @property
    def zone(self) -> list[float]:
        """Where items count: x, y, width, height, relative to the frame."""
        zone = self.lane.zone
        return [zone.x, zone.y, zone.width, zone.height]

    def set_zone(self, sides: tuple[float, float, float, float]) -> None:
        """Count in another part of the frame from now on, or raise ValueError; the caller holds `lock`."""
        from recognition.vision.types import Box

        self.lane.set_zone(Box(*sides))

    async def store_changes(self, store: Callable[[Change], Awaitable[None]]) -> None:
        """Store the queued changes in order, one caller at a time; ends at the first that raises.

        A change is removed only once it is stored, and its event id makes it happen once.
        """
        async with self.storing:
            while self.changes:
                await store(self.changes[0])
                del self.changes[0]

    def product_of(self, item: Detection) -> str | None:
        """Return the product of an item: by a barcode that overruled the picture, else by the picture."""
        return self.overruled.get(item.track, item.product_id)

    def take_outcome(self, outcome: Outcome, pictures: Mapping[int, Image]) -> None:
        """Queue the changes of a frame and note the questions it opened; the caller holds `lock`.

        Parameters
        ----------
        pictures : the crops of the frame, by track
        """
        for item in outcome.unresolved:
            self._take_unresolved(item)
        for event in outcome.events:
            self.take_event(event)
        for track in outcome.settled:
            self._take_settled(track)
        for detection in outcome.detections:
            if detection.choices:
                keep_newest(self.questions, detection.track, detection.choices, QUESTIONS_MAX)
            self._take_doubt(detection, pictures.get(detection.track))

    def take_event(self, event: CountEvent) -> None:
        """Queue a change of the cart; the caller holds `lock`."""
        by_barcode = event.track in self.scanned
        seen = event.score_count > 0 or not by_barcode
        cause = Cause(
            source=Source.BARCODE if by_barcode else Source.VISION,
            score=event.score if seen else None,
            margin=event.margin if seen else None,
            thumbnail=thumbnail_make(event.picture),
            reason=event.reason,
        )
        added_id = None
        if event.action == "add":
            keep_newest(self.additions, event.track, cause.event_id, ADDITIONS_MAX)
        else:
            added_id = self.additions.pop(event.track, None)
        product_id = self.overruled.get(event.track, event.product_id)
        action, unresolved_id = Action(event.action), self.unresolved.get(event.track)
        change = Change(action, UUID(product_id), cause, added_id, unresolved_id=unresolved_id)
        self.changes.append(change)

    def take_answer(self, track: int, product_id: UUID) -> None:
        """Queue the answer to a question, or the choice for an unknown item; the caller holds `lock`."""
        asked_id = self.recorded.get((track, "ambiguous")) or self.recorded.get((track, "unknown"))
        cause = Cause(source=Source.MANUAL, reason=CHOSEN, about_id=asked_id)
        self.changes.append(Change(Action.ANSWER, product_id, cause))

    def take_choice(self, track: int, product_id: UUID) -> None:
        """Queue the product chosen for an unresolved item that the lane does not count, as `take_answer`."""
        if unresolved_id := self.unresolved.get(track):
            cause = Cause(source=Source.MANUAL, reason=CHOSEN)
            self.changes.append(Change(Action.ADD, product_id, cause, unresolved_id=unresolved_id))

    def holders_of(self, code: str, sighting: int) -> BarcodeHolders:
        """Return which items carried a barcode in this sighting of it; a new sighting starts empty."""
        holders = self.holders.get(code)
        if holders is None or holders.sighting != sighting:
            holders = self.holders[code] = BarcodeHolders(sighting)
            if len(self.holders) > BARCODES_MAX:
                del self.holders[next(iter(self.holders))]
        return holders

    def _take_unresolved(self, item: UnresolvedItem) -> None:
        """Queue an item that left without being counted, to be opened."""
        cause = Cause(
            score=item.score, margin=item.margin, thumbnail=thumbnail_make(item.picture), reason=item.reason
        )
        keep_newest(self.unresolved, item.track, cause.event_id, UNRESOLVED_MAX)
        self.changes.append(
            Opening(Action.UNRESOLVED, None, cause, kind=item.kind, track=item.track, choices=item.choices)
        )

    def _take_settled(self, track: int) -> None:
        """Queue the end of an item that was reported before, and that the lane settled after all."""
        if unresolved_id := self.unresolved.get(track):
            cause = Cause(reason=Reason(CartReason.SETTLED))
            self.changes.append(Change(Action.SETTLE, None, cause, unresolved_id=unresolved_id))

    def _take_doubt(self, detection: Detection, picture: Image | None) -> None:
        """Queue a question or an unknown item to be recorded, once."""
        action, key = RECORDED_STATES.get(detection.state), (detection.track, detection.state)
        if action is None or key in self.recorded or len(self.changes) >= CHANGES_WAITING_MAX:
            return
        cause = Cause(
            score=detection.score,
            margin=detection.margin,
            thumbnail=None if picture is None else thumbnail_make(picture),
        )
        self.recorded[key] = cause.event_id
        self.changes.append(Change(action, None, cause))


def keep_newest(kept: dict[int, T], track: int, value: T, most: int) -> None:
    """Keep a value for a track, and forget the oldest track where there are too many."""
    kept[track] = value
    if len(kept) > most:
        del kept[min(kept)]


def camera_state_make() -> CameraState:
    """Return the state of a camera that has seen nothing; loads the vision libraries on first use."""
    from recognition.vision.lane.lane import Lane
    from recognition.vision.scene.barcodes import BarcodeReader

    return CameraState(Lane(), BarcodeReader() if settings.READ_BARCODES else None)
