"""Counts the tracked items of a lane: collects their views, concludes what they are, makes cart events."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

from recognition.vision.decision.decide import Decision
from recognition.vision.lane.config import LaneConfig
from recognition.vision.lane.deduplication import duplicate_of, same_position, switched_with
from recognition.vision.lane.observations import (
    Observation,
    TrackLife,
    UnresolvedItem,
    VerificationRequest,
)
from recognition.vision.lane.reasons import Reason, ReasonCode, because
from recognition.vision.lane.tracked_item import TrackedItem
from recognition.vision.lane.tracking import Track, Tracker
from recognition.vision.lane.unresolved import earlier_track_of, is_item, unresolved_of
from recognition.vision.lane.voting import CountEvent, Mode, Vote, exchanged_for
from recognition.vision.types import FloatArray, Image


class ItemCounter:
    """Keeps each item from its first view to its last, and counts it once.

    Attributes
    ----------
    mode : how items are counted
    frame : number of the newest frame, recorded with events
    items : by track, in view or hidden for a moment
    """

    def __init__(self, config: LaneConfig, tracker: Tracker) -> None:
        self.mode: Mode = config.mode
        self.frame = -1
        self.items: dict[int, TrackedItem] = {}
        self._config = config
        self._tracker = tracker
        self._ending: dict[int, TrackedItem] = {}
        self._past: deque[TrackedItem] = deque(maxlen=config.lives_max)
        self._events: list[CountEvent] = []
        self._questioned: set[int] = set()
        self._unresolved: list[UnresolvedItem] = []
        self._reported: set[int] = set()
        self._settled: list[int] = []

    def find(self, track: int) -> TrackedItem | None:
        """Return the item of a track, current or recently ended; None without one."""
        followed = self.items.get(track) or self._ending.get(track)
        return followed or next((past for past in self._past if past.track.id == track), None)

    def lives(self) -> tuple[TrackLife, ...]:
        """Return the lives of all tracks, in the order of their appearance."""
        everyone = [*self._past, *self._ending.values(), *self.items.values()]
        return tuple(item.life for item in sorted(everyone, key=lambda item: item.track.id))

    def is_questioned(self, item: TrackedItem) -> bool:
        """Whether an item has to be viewed now, to tell whether another one is a duplicate of it."""
        return item.track.id in self._questioned

    def begin(self, track: Track, *, inside: bool) -> TrackedItem:
        """Add the item of a new track.

        Parameters
        ----------
        inside : whether the track begins in the zone
        """
        item = TrackedItem(track, TrackLife(track.id, track.first_frame, track.last_frame, inside=inside))
        self.items[track.id] = item
        return item

    def end(self, track: Track) -> None:
        """End the item of a track; one that is not decided yet waits for its last verdict."""
        item = self.items.pop(track.id)
        self._ending[track.id] = item
        if item.verdict.state != "candidate":
            self._finish_lost(item)

    def vote(
        self, observation: Observation, embeddings: FloatArray, matches: Sequence[Decision]
    ) -> tuple[VerificationRequest, ...]:
        """Add the matches of an observation's crops to their items; return what to verify."""
        for (track_id, crop), quality, embedding, decision in zip(
            observation.crops, observation.qualities, embeddings, matches, strict=True
        ):
            item = self.items.get(track_id)
            if item is not None:
                self._take_view(item, observation.frame, crop, embedding, Vote(decision, quality))
        counting = self._config.counting
        requests = [item.vote(counting, last=True) for item in self._ending.values()]
        requests += [item.vote(counting, last=False) for item in self.items.values() if item.is_due]
        return tuple(request for request in requests if request is not None)

    def conclude(self, verifications: Mapping[int, Sequence[Decision]]) -> tuple[CountEvent, ...]:
        """Conclude what the items are and count them; return the events since the previous call."""
        for item in list(self._ending.values()):
            item.conclude(verifications.get(item.track.id, ()), self._config.counting, self.frame)
            self._finish_lost(item)
        for item in self.items.values():
            item.conclude(verifications.get(item.track.id, ()), self._config.counting, self.frame)
        for item in self.items.values():
            self._count(item)
            self._report_lying(item)
        events, self._events = tuple(self._events), []
        return events

    def unresolved(self) -> tuple[UnresolvedItem, ...]:
        """Return the items that were left unresolved since the previous call."""
        found, self._unresolved = tuple(self._unresolved), []
        return found

    def settled(self) -> tuple[int, ...]:
        """Return the tracks reported as unresolved that were settled since the previous call."""
        tracks, self._settled = tuple(self._settled), []
        return tracks

    def settle(self, item: TrackedItem, product_id: str, reason: Reason) -> CountEvent | None:
        """Identify an item from outside, by the shopper or a barcode; return the event it causes now."""
        item.settle(product_id, reason, self.frame)
        before = len(self._events)
        self._count(item, gone=item.track.id not in self.items)
        self._settle_reported(item)
        return self._events.pop() if len(self._events) > before else None

    def _finish_lost(self, item: TrackedItem) -> None:
        """Count an item whose track has ended for the last time, and retire it."""
        del self._ending[item.track.id]
        if self.mode == "cart" and item.inside and item.track.leaving():
            item.life.inside = False
            item.crossings -= 1
        heir = next((each for each in self.items.values() if duplicate_of(each, (item,)) is not None), None)
        if self.mode == "scan" and heir is not None and not item.track.leaving():
            heir.take_count(item, self.frame)
        else:
            self._count(item, gone=True)
        if self._is_left_unresolved(item):
            self._report(item)
        self._finish(item)

    def _is_left_unresolved(self, item: TrackedItem) -> bool:
        """Return whether an item that ends was due to be counted in this mode, and was not decided."""
        if self.mode == "tray" or item.verdict.state == "accepted" or item.counted:
            return False
        return item.crossings > 0 if self.mode == "cart" else item.was_inside

    def _report_lying(self, item: TrackedItem) -> None:
        """Report an undecided item that lies on the tray, where nobody may take it away again."""
        lies = self.mode == "tray" and item.inside and item.track.seen
        undecided = item.verdict.state != "accepted" and item.pending is None
        if lies and undecided and item.track.still_s > self._config.rest_into_background_s:
            self._report(item)

    def _report(self, item: TrackedItem) -> None:
        """Report an item as unresolved, once however many tracks it was on, and only if it is one."""
        if item.track.id in self._reported or not is_item(item, self._config.tracking):
            return
        earlier = earlier_track_of(item, self._past, self._config.tracking)
        if earlier is not None and (earlier.counted or earlier.track.id in self._reported):
            return
        self._unresolved.append(unresolved_of(item))
        self._reported.add(item.track.id)

    def _settle_reported(self, item: TrackedItem) -> None:
        """Settle what was reported of an item that is counted now, on this track or on an earlier one."""
        if not self._reported:
            return
        earlier = earlier_track_of(item, self._past, self._config.tracking)
        for track in {item.track.id, earlier.track.id if earlier else item.track.id} & self._reported:
            self._reported.remove(track)
            self._settled.append(track)

    def _finish(self, item: TrackedItem) -> None:
        self.items.pop(item.track.id, None)
        self._questioned.discard(item.track.id)
        if self.mode == "tray" and item.track.id in self._reported and item.verdict.state != "accepted":
            self._settle_reported(item)
        if self.mode == "tray" and item.counted > 0:
            self._events.append(item.event("remove", because(ReasonCode.TAKEN_AWAY), self.frame))
        item.end(self.frame)
        self._past.append(item)

    def _take_view(
        self, item: TrackedItem, frame: int, crop: Image, embedding: FloatArray, vote: Vote
    ) -> None:
        length = float(np.linalg.norm(embedding))
        unit = (embedding / length).astype(np.float32) if length > 0 else None
        if item.verdict.state == "accepted":
            self._recheck(item, frame, crop, unit, vote)
            return
        item.see(frame, crop, vote)
        first = item.track.embedding is None
        if unit is not None:
            item.track.remember(unit)
        earlier = self._tracker.continued(item.track) if first else None
        if earlier is not None:
            self._continue(earlier, item)

    def _recheck(
        self, item: TrackedItem, frame: int, crop: Image, unit: FloatArray | None, vote: Vote
    ) -> None:
        """Add a view of an accepted item, which may have been exchanged for another in the hand."""
        self._questioned.discard(item.track.id)
        known = item.track.embedding
        similarity = 0.0 if unit is None or known is None else float(known @ unit)
        counting, alike = self._config.counting, similarity >= self._config.tracking.linked_similarity
        item.see_again(frame, crop, vote, counting, alike=alike)
        other = exchanged_for([view for _, _, view in item.mismatches], counting)
        if other is None or self.mode == "cart" or item.answered:
            return
        switched = switched_with(other, item, [*self.items.values(), *self._past])
        if switched is not None:
            # An identity switch between two tracks; both items were counted.
            item.note(self.frame, ReasonCode.LOOKS_LIKE_COUNTED, product_id=other, track=switched.track.id)
            item.mismatches.clear()
            return
        views = item.mismatches[-counting.views_early :]
        later = self.begin(self._tracker.renewed(item.track, views[0][0]), inside=item.inside)
        item.note(self.frame, ReasonCode.EXCHANGED, product_id=other)
        self._finish(item)
        for view in views:
            later.see(*view)
        if unit is not None:
            later.track.remember(unit)

    def _continue(self, earlier: Track, later: TrackedItem) -> None:
        item = self.items[earlier.id]
        self._tracker.join(earlier, later.track)
        del self.items[later.track.id]
        item.absorb(later, self.frame)

    def _count(self, item: TrackedItem, *, gone: bool = False) -> None:
        if self.mode == "scan" and self._may_be_counted_already(item):
            return
        events = item.count(self.mode, self._config.rest_s, self.frame, gone=gone)
        if events:
            self._settle_reported(item)
        self._events += events

    def _may_be_counted_already(self, item: TrackedItem) -> bool:
        """Hold an item back until it is known whether another track was counted for it and then lost it.

        The other track is viewed at once: if it no longer shows the product, this item takes over its count.
        """
        other = duplicate_of(item, self.items.values())
        if other is None:
            return False
        if other.track.seen and same_position(item, other):
            item.withdraw(other, self.frame)
        elif len(other.mismatches) < self._config.counting.views_last:
            self._questioned.add(other.track.id)
        else:
            item.take_count(other, self.frame)
        return True
