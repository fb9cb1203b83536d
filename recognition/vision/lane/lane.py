"""One till's eyes: frames go in, detections and cart events come out; everything it did can be asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from recognition.vision.decision.decide import Decision
from recognition.vision.lane.config import MODES, LaneConfig
from recognition.vision.lane.deduplication import duplicate_of, in_place_of, owner_of
from recognition.vision.lane.observations import (
    SIGHTINGS_MIN,
    Detection,
    Identification,
    Observation,
    Outcome,
    TrackLife,
)
from recognition.vision.lane.tracked_item import TrackedItem, Verify
from recognition.vision.lane.tracking import Track, Tracker
from recognition.vision.lane.voting import CountEvent, Mode, Vote, exchanged_for
from recognition.vision.scene.crops import cut_item, sharpness
from recognition.vision.scene.foreground import ForegroundDetector, Scene
from recognition.vision.types import Box, FloatArray, Image

LIFTED_BARE = 0.5
"""An item on the tray is gone from its place once so much of the place is bare."""


class Lane:
    """Counts what is shown to one camera.

    Each frame takes two steps: ``observe`` finds and follows items and says which crops to encode, and
    ``conclude`` takes their matches and gives the events. An observation whose frame was dropped in between
    need not be concluded. The same frames and matches always give the same events. Not for several threads
    at once.
    """

    def __init__(self, config: LaneConfig | None = None, verify: Verify | None = None) -> None:
        self.config = config or LaneConfig()
        self._verify = verify
        self._mode: Mode = self.config.mode
        self._zone = self.config.zone
        self._presence = ForegroundDetector(self.config.presence)
        self._tracker = Tracker(self.config.tracking)
        self._items: dict[int, TrackedItem] = {}
        self._past: deque[TrackedItem] = deque(maxlen=self.config.lives_max)
        self._events: list[CountEvent] = []
        self._questioned: set[int] = set()
        self._frame = -1
        self._at_s: float | None = None

    @property
    def mode(self) -> Mode:
        """How items are counted."""
        return self._mode

    @property
    def zone(self) -> Box:
        """Where items count."""
        return self._zone

    def set_mode(self, mode: Mode) -> None:
        """Count differently from now on; what is in view and was counted stays counted.

        Raises
        ------
        ValueError
            For anything but ``scan``, ``cart``, ``tray``.
        """
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
        self._mode = mode
        for item in self._items.values():
            item.life.inside = self._in_zone(item.track)
            item.crossings = 0
            if item.track.resting:
                self._rest(item, resting=False)

    def set_zone(self, zone: Box) -> None:
        """Count in another part of the frame from now on.

        Raises
        ------
        ValueError
            Where the zone leaves the frame or is narrower than a tenth of it.
        """
        fits = zone.x >= 0 and zone.y >= 0 and zone.x + zone.width <= 1 and zone.y + zone.height <= 1
        if not fits or zone.width < 0.1 or zone.height < 0.1:
            raise ValueError("the zone must lie in the frame and span at least a tenth of it each way")
        self._zone = zone
        for item in self._items.values():
            item.life.inside = self._in_zone(item.track)

    def observe(self, frame: Image, at_s: float) -> Observation:
        """Take in the next frame.

        Parameters
        ----------
        frame : uint8 (h, w, 3), RGB
        at_s : when it was taken, on a clock that never goes back

        Returns
        -------
        Observation
        """
        elapsed_s = 0.1 if self._at_s is None else min(max(at_s - self._at_s, 1e-3), self.config.gap_s)
        self._at_s = at_s
        self._frame += 1
        self._let_go()
        items, passing = self._tracker.expected(elapsed_s)
        scene = self._presence.detect(frame, elapsed_s, items, passing)
        if not scene.proposals and not self._tracker.tracks:
            return self._observed(scene, active=False)
        self._look_behind()
        for track in self._tracker.follow(scene.proposals, self._frame, at_s, elapsed_s):
            self._end(track)
        crops: list[tuple[int, Image]] = []
        qualities: list[float] = []
        for track in self._tracker.tracks:
            item = self._items.get(track.id) or self._begin(track)
            item.life.last_frame, item.life.sightings = track.last_frame, track.sightings
            self._cross(item)
            if self._wants_view(item, elapsed_s):
                crop = cut_item(frame, track.proposal)
                crops.append((track.id, crop))
                qualities.append(track.proposal.fill * float(np.sqrt(sharpness(crop) + 1e-3)))
        return self._observed(scene, crops, qualities)

    def conclude(
        self, observation: Observation, embeddings: FloatArray, matches: Sequence[Decision]
    ) -> Outcome:
        """Take in what the crops of an observation were found to be.

        Parameters
        ----------
        embeddings : float32 (n, d), one row per crop; of any length, used to tell items apart
        matches : one decision per crop, in the same order

        Returns
        -------
        Outcome
            Events that came about since the outcome before, each exactly once.

        Raises
        ------
        ValueError
            Where the numbers of crops, embeddings and matches differ.
        """
        count = len(observation.crops)
        if len(embeddings) != count or len(matches) != count:
            raise ValueError(
                f"expected {count} embeddings and matches, got {len(embeddings)} and {len(matches)}"
            )
        for (track_id, crop), quality, embedding, decision in zip(
            observation.crops, observation.qualities, embeddings, matches, strict=True
        ):
            item = self._items.get(track_id)
            if item is not None:
                self._vote(item, observation.frame, crop, embedding, Vote(decision, quality))
        for item in self._items.values():
            self._count(item)
        events, self._events = tuple(self._events), []
        shown = [
            item.detection()
            for item in self._items.values()
            if item.track.seen and item.track.sightings >= SIGHTINGS_MIN
        ]
        return Outcome(tuple(shown), events)

    def choose(self, track: int, product_id: str) -> CountEvent | None:
        """Say which product an ambiguous track is, or an unknown one.

        Returns
        -------
        CountEvent or None
            None where there is no such track, the product is not among its choices, it was answered
            before, or (modes ``cart`` and ``tray``) the item is not to be counted at this moment.
        """
        item = self._item(track)
        if item is None or item.answered or product_id not in item.verdict.choices:
            return None
        return self._settle(item, product_id, "chosen by the shopper")

    def identify(self, track: int, product_id: str, reason: str, *, counted: bool = False) -> Identification:
        """Say with certainty which product a track is, as a barcode does; any product, not only its choices.

        A track that is not accepted yet is settled and counts as that product, once, however often this is
        said; what was accepted before stays as it is.

        Parameters
        ----------
        reason : how it is known, for the shop keeper, such as "barcode 8801234567893"
        counted : whether this very item is in the cart already, counted before it was a track
        """
        item = self._item(track)
        if item is None:
            return Identification(known=False, agrees=None, event=None)
        if item.verdict.state == "accepted":
            agrees = item.verdict.product_id == product_id
            item.tell(self._frame, f"{product_id} {'confirmed' if agrees else 'said instead'} ({reason})")
            return Identification(known=True, agrees=agrees, event=None)
        if counted:
            item.counted, item.crossings = 1, 0
        return Identification(known=True, agrees=None, event=self._settle(item, product_id, reason))

    def explain(self) -> tuple[TrackLife, ...]:
        """Tell the life of every track, ended ones first, in the order they appeared."""
        everyone = [*self._past, *self._items.values()]
        return tuple(item.life for item in sorted(everyone, key=lambda item: item.track.id))

    def box_of(self, track: int) -> Box | None:
        """Say where a track is that is followed now, or None."""
        item = self._items.get(track)
        return None if item is None else item.track.box

    def in_view(self) -> tuple[Detection, ...]:
        """Tell what is in view after the newest frame was observed, known or not."""
        return tuple(item.detection() for item in self._items.values() if item.track.seen)

    def covered(self, box: Box) -> float:
        """Share of a box that differs from the bare counter in the newest frame."""
        return self._presence.covered(box)

    def life(self, track: int) -> TrackLife | None:
        """Tell the life of one track, or None where it is none or long past."""
        item = self._item(track)
        return None if item is None else item.life

    def _item(self, track: int) -> TrackedItem | None:
        return self._items.get(track) or next((past for past in self._past if past.track.id == track), None)

    def _settle(self, item: TrackedItem, product_id: str, reason: str) -> CountEvent | None:
        item.settle(product_id, reason, self._frame)
        before = len(self._events)
        self._count(item, gone=item.track.id not in self._items)
        return self._events.pop() if len(self._events) > before else None

    def _observed(
        self,
        scene: Scene,
        crops: Sequence[tuple[int, Image]] = (),
        qualities: Sequence[float] = (),
        *,
        active: bool = True,
    ) -> Observation:
        return Observation(
            self._frame,
            tuple(crops),
            tuple(qualities),
            scene.changed,
            active,
            places=tuple(self._items[track_id].track.box for track_id, _ in crops),
            proposals=tuple(proposal.box for proposal in scene.proposals),
            unsettled=scene.unsettled,
        )

    def _begin(self, track: Track) -> TrackedItem:
        # An item that comes in over the rim of the frame was outside of any zone before.
        inside = self._in_zone(track) and not track.born_cut_off
        item = TrackedItem(track, TrackLife(track.id, track.first_frame, track.last_frame, inside=inside))
        self._items[track.id] = item
        return item

    def _end(self, track: Track) -> None:
        item = self._items.pop(track.id)
        if item.verdict.state == "candidate":
            item.decide(self.config.counting, self._verify, self._frame, last=True)
        if self._mode == "cart" and item.inside and track.leaving():
            item.life.inside = False
            item.crossings -= 1
        heir = next((each for each in self._items.values() if duplicate_of(each, (item,)) is not None), None)
        if self._mode == "scan" and heir is not None and not track.leaving():
            heir.take_count(item, self._frame)
        else:
            self._count(item, gone=True)
        self._finish(item)

    def _finish(self, item: TrackedItem) -> None:
        self._items.pop(item.track.id, None)
        self._questioned.discard(item.track.id)
        if self._mode == "tray" and item.counted > 0:
            self._events.append(item.event("remove", "it was taken out of view", self._frame))
        item.end(self._frame)
        self._past.append(item)

    def _in_zone(self, track: Track) -> bool:
        return self._zone.contains(track.box.centre)

    def _cross(self, item: TrackedItem) -> None:
        """Note an item moving in or out of the zone, with the rim of the frame as part of the zone's edge."""
        if not item.track.seen:
            return
        inside = self._in_zone(item.track) and (item.inside or not item.track.proposal.cut_off)
        if inside != item.inside:
            item.life.inside = inside
            item.crossings += 1 if inside else -1
            item.tell(self._frame, f"moved {'into' if inside else 'out of'} the zone")

    def _look_behind(self) -> None:
        """Note whose place is bare, and keep what lies on the tray while a hand or an item covers it."""
        for track_id, bare in self._presence.resting_items_uncovered():
            if bare > LIFTED_BARE:
                self._rest(self._items[track_id], resting=False)
        for track in self._tracker.tracks:
            if track.resting:
                continue
            covered = self._presence.covered(track.box)
            track.bare = covered < 0.3
            if self._mode == "tray" and not track.seen and covered > 0.6:
                track.missed_s = 1e-3

    def _rest(self, item: TrackedItem, *, resting: bool) -> None:
        """Take an item on the tray into the picture of the counter, or out of it again."""
        item.track.resting = resting
        if resting:
            self._presence.add_resting_item(item.track.id, item.track.box)
        else:
            self._presence.remove_resting_item(item.track.id)
        item.tell(self._frame, "lies still" if resting else "is moved")

    def _let_go(self) -> None:
        for track in list(self._tracker.tracks):
            item = self._items[track.id]
            if item.verdict.state == "unknown" and track.still_s > self.config.let_go_s:
                self._tracker.drop(track)
                self._end(track)

    def _wants_view(self, item: TrackedItem, elapsed_s: float) -> bool:
        track = item.track
        if not track.seen or track.resting or track.sightings < SIGHTINGS_MIN or track.proposal.cut_off:
            return False
        if self._mode != "cart" and not self._in_zone(track):
            return False
        if track.speed(elapsed_s) > self.config.steady:
            return False
        assert self._at_s is not None
        counting = self.config.counting
        pauses_s = {"candidate": 0.0, "unknown": counting.second_look_s, "accepted": counting.recheck_s}
        pause_s = 0.0 if track.id in self._questioned else pauses_s.get(item.verdict.state)
        if pause_s is None or self._at_s - item.looked_s < pause_s:
            return False
        item.looked_s = self._at_s
        return True

    def _vote(self, item: TrackedItem, frame: int, crop: Image, embedding: FloatArray, vote: Vote) -> None:
        length = float(np.linalg.norm(embedding))
        unit = (embedding / length).astype(np.float32) if length > 0 else None
        if item.verdict.state == "accepted":
            self._look_again(item, frame, crop, unit, vote)
            return
        item.see(frame, crop, vote)
        first = item.track.embedding is None
        if unit is not None:
            item.track.remember(unit)
        earlier = self._tracker.continued(item.track) if first else None
        if earlier is not None:
            item = self._continue(earlier, item)
        if item.verdict.state in ("candidate", "unknown"):
            item.decide(self.config.counting, self._verify, self._frame, last=False)

    def _look_again(
        self, item: TrackedItem, frame: int, crop: Image, unit: FloatArray | None, vote: Vote
    ) -> None:
        """Keep comparing what was decided: the item may have been exchanged for another in the hand."""
        self._questioned.discard(item.track.id)
        known = item.track.embedding
        similarity = 0.0 if unit is None or known is None else float(known @ unit)
        counting, alike = self.config.counting, similarity >= self.config.tracking.linked_similarity
        item.see_again(frame, crop, vote, counting, alike=alike)
        other = exchanged_for([strayed for _, _, strayed in item.strayed], counting)
        if other is None or self._mode == "cart" or item.answered:
            return
        owner = owner_of(other, item, [*self._items.values(), *self._past])
        if owner is not None:
            # Two tracks changed places; both items were counted.
            item.tell(self._frame, f"looks like {other}, which track {owner.track.id} was counted as")
            item.strayed.clear()
            return
        views = item.strayed[-counting.views_early :]
        later = self._begin(self._tracker.renewed(item.track, views[0][0]))
        later.life.inside = item.inside
        item.tell(self._frame, f"exchanged for {other}")
        self._finish(item)
        for view in views:
            later.see(*view)
        if unit is not None:
            later.track.remember(unit)
        later.decide(counting, self._verify, self._frame, last=False)

    def _continue(self, earlier: Track, later: TrackedItem) -> TrackedItem:
        item = self._items[earlier.id]
        self._tracker.join(earlier, later.track)
        del self._items[later.track.id]
        item.absorb(later, self._frame)
        return item

    def _count(self, item: TrackedItem, *, gone: bool = False) -> None:
        if self._mode == "scan" and self._may_be_counted_already(item):
            return
        self._events += item.count(self._mode, self.config.rest_s, self._frame, gone=gone)
        track = item.track
        lies = self._mode == "tray" and item.counted > 0 and track.seen and not gone
        if lies and not track.resting and track.still_s > self.config.lay_s:
            self._rest(item, resting=True)

    def _may_be_counted_already(self, item: TrackedItem) -> bool:
        """Hold an item back until it is known whether another track was counted for it and then lost it."""
        other = duplicate_of(item, self._items.values())
        if other is None:
            return False
        if other.track.seen and in_place_of(item, other):
            item.withdraw(other, self._frame)
        elif len(other.strayed) < self.config.counting.views_last:
            self._questioned.add(other.track.id)
        else:
            item.take_count(other, self._frame)
        return True
