"""Tracks and counts the items before one camera: frames go in, detections and cart events come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from recognition.vision.decision.decide import Decision
from recognition.vision.lane.config import MODES, LaneConfig
from recognition.vision.lane.item_counter import ItemCounter
from recognition.vision.lane.observations import (
    SIGHTINGS_MIN,
    Detection,
    Identification,
    Observation,
    Outcome,
    TrackLife,
    VerificationRequest,
)
from recognition.vision.lane.reasons import Reason, ReasonCode, because
from recognition.vision.lane.tracked_item import TrackedItem
from recognition.vision.lane.tracking import Track, Tracker
from recognition.vision.lane.voting import CountEvent, Mode
from recognition.vision.scene.crops import cut_item, sharpness
from recognition.vision.scene.foreground import ForegroundDetector, Scene
from recognition.vision.types import Box, FloatArray, Image

STEADY_S = 0.125
"""Time in which an item may move by ``LaneConfig.steady``: blur depends on speed, not on the frame rate."""

VIEWS_MAX = 8
"""Items embedded per frame, which bounds what a frame costs; the others are embedded in the next frames."""

LIFTED_SHARE = 0.5
"""Share of its box that has to show the background before an item resting on the tray counts as lifted."""


class Lane:
    """Tracks and counts the items before one camera.

    Each frame takes three steps, between which the caller does what needs the gallery: ``observe`` detects
    and tracks items and returns the crops to match; ``vote`` takes their matches and returns the items to
    verify; ``conclude`` takes the verifications and returns detections and events. A frame may be dropped
    after any step. The same frames, matches and verifications always give the same events. Not thread-safe.
    """

    def __init__(self, config: LaneConfig | None = None) -> None:
        self.config = config or LaneConfig()
        self._zone = self.config.zone
        self._foreground = ForegroundDetector(self.config.foreground)
        self._tracker = Tracker(self.config.tracking)
        self._counter = ItemCounter(self.config, self._tracker)
        self._at_s: float | None = None

    @property
    def mode(self) -> Mode:
        """How items are counted."""
        return self._counter.mode

    @property
    def zone(self) -> Box:
        """Where items count."""
        return self._zone

    def set_mode(self, mode: Mode) -> None:
        """Switch the counting mode; items in view that were counted stay counted.

        Raises
        ------
        ValueError
            For anything but ``scan``, ``cart``, ``tray``.
        """
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
        self._counter.mode = mode
        for item in self._counter.items.values():
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
        for item in self._counter.items.values():
            item.life.inside = self._in_zone(item.track)

    def observe(self, frame: Image, at_s: float) -> Observation:
        """Detect and track the items in the next frame.

        Parameters
        ----------
        frame : uint8 (h, w, 3), RGB
        at_s : when it was taken, on a monotonic clock

        Returns
        -------
        Observation
        """
        elapsed_s = 0.1 if self._at_s is None else min(max(at_s - self._at_s, 1e-3), self.config.gap_s)
        self._at_s = at_s
        self._counter.frame += 1
        self._drop_still_unknowns()
        items, passing = self._tracker.expected(elapsed_s)
        scene = self._foreground.detect(frame, elapsed_s, items, passing)
        if not scene.proposals and not self._tracker.tracks:
            return self._observed(scene, active=False)
        self._update_uncovered()
        for track in self._tracker.follow(scene.proposals, self._counter.frame, at_s, elapsed_s):
            self._counter.end(track)
        crops: list[tuple[int, Image]] = []
        qualities: list[float] = []
        for track in self._tracker.tracks:
            item = self._counter.items.get(track.id) or self._begin(track)
            item.life.last_frame, item.life.sightings = track.last_frame, track.sightings
            self._cross(item)
            item.was_inside = item.was_inside or self._in_zone(track)
            if len(crops) < VIEWS_MAX and self._wants_view(item, elapsed_s):
                crop = cut_item(frame, track.proposal)
                crops.append((track.id, crop))
                qualities.append(track.proposal.fill * float(np.sqrt(sharpness(crop) + 1e-3)))
        return self._observed(scene, crops, qualities)

    def vote(
        self, observation: Observation, embeddings: FloatArray, matches: Sequence[Decision]
    ) -> tuple[VerificationRequest, ...]:
        """Add the matches of an observation's crops to their tracks.

        Parameters
        ----------
        embeddings : float32 (n, d), one row per crop, of any norm; used to link tracks
        matches : one decision per crop, in the same order

        Returns
        -------
        tuple of VerificationRequest
            The items about to be concluded, each once in its life.

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
        return self._counter.vote(observation, embeddings, matches)

    def conclude(self, verifications: Mapping[int, Sequence[Decision]] | None = None) -> Outcome:
        """Conclude what the items are, and count them.

        Parameters
        ----------
        verifications : by track, the decisions on the pictures of its request, the best picture first; an
            item without any is concluded by its votes alone

        Returns
        -------
        Outcome
            The detections now, and since the previous outcome the events and the items left unresolved, each
            exactly once.
        """
        events = self._counter.conclude(verifications or {})
        self._rest_what_lies_still()
        shown = [
            item.detection()
            for item in self._counter.items.values()
            if item.track.seen and item.track.sightings >= SIGHTINGS_MIN
        ]
        return Outcome(tuple(shown), events, self._counter.unresolved(), self._counter.settled())

    def choose(self, track: int, product_id: str) -> CountEvent | None:
        """Identify an ambiguous or unknown track as one of its choices.

        Returns
        -------
        CountEvent or None
            None where there is no such track, the product is not among its choices, it was identified
            before, or (modes ``cart`` and ``tray``) the item does not count at this moment.
        """
        item = self._counter.find(track)
        if item is None or item.answered or product_id not in item.verdict.choices:
            return None
        return self._counter.settle(item, product_id, because(ReasonCode.CHOSEN))

    def identify(
        self, track: int, product_id: str, reason: Reason, *, counted: bool = False
    ) -> Identification:
        """Identify a track with certainty, as a barcode does; as any product, not only its choices.

        A track that is not accepted yet is settled and counts as that product, once, however often it is
        identified; a track that was accepted before keeps its product.

        Parameters
        ----------
        reason : how it was identified
        counted : whether this very item is in the cart already, counted before it had a track
        """
        item = self._counter.find(track)
        if item is None:
            return Identification(known=False, agrees=None, event=None)
        if item.verdict.state == "accepted":
            agrees = item.verdict.product_id == product_id
            code = ReasonCode.CONFIRMED if agrees else ReasonCode.CONTRADICTED
            item.note(self._counter.frame, code, product_id=product_id, because=reason)
            return Identification(known=True, agrees=agrees, event=None)
        if counted:
            item.counted, item.crossings = 1, 0
        return Identification(known=True, agrees=None, event=self._counter.settle(item, product_id, reason))

    def explain(self) -> tuple[TrackLife, ...]:
        """Return the lives of all tracks, in the order of their appearance."""
        return self._counter.lives()

    def in_view(self) -> tuple[Detection, ...]:
        """Return what is in view after the newest frame was observed, identified or not."""
        return tuple(item.detection() for item in self._counter.items.values() if item.track.seen)

    def covered(self, box: Box) -> float:
        """Return the share of a box that differs from the background in the newest frame."""
        return self._foreground.covered(box)

    def life(self, track: int) -> TrackLife | None:
        """Return the life of a track, or None where there is no such track or it is long past."""
        item = self._counter.find(track)
        return None if item is None else item.life

    def _observed(
        self,
        scene: Scene,
        crops: Sequence[tuple[int, Image]] = (),
        qualities: Sequence[float] = (),
        *,
        active: bool = True,
    ) -> Observation:
        return Observation(
            self._counter.frame,
            tuple(crops),
            tuple(qualities),
            scene.changed,
            active,
            boxes=tuple(self._counter.items[track_id].track.box for track_id, _ in crops),
            proposals=tuple(proposal.box for proposal in scene.proposals),
            unsettled=scene.unsettled,
        )

    def _begin(self, track: Track) -> TrackedItem:
        # An item that enters at the edge of the frame was outside any zone before.
        return self._counter.begin(track, inside=self._in_zone(track) and not track.entered_at_edge)

    def _in_zone(self, track: Track) -> bool:
        return self._zone.contains(track.box.centre)

    def _cross(self, item: TrackedItem) -> None:
        """Record an item moving in or out of the zone; the edge of the frame is part of the zone's edge."""
        if not item.track.seen:
            return
        inside = self._in_zone(item.track) and (item.inside or not item.track.proposal.cut_off)
        if inside != item.inside:
            item.life.inside = inside
            item.crossings += 1 if inside else -1
            item.note(self._counter.frame, ReasonCode.ENTERED_ZONE if inside else ReasonCode.LEFT_ZONE)

    def _update_uncovered(self) -> None:
        """Update which tracks are uncovered, and keep items on the tray while something covers them."""
        for track_id, share in self._foreground.resting_items_uncovered():
            if share > LIFTED_SHARE:
                self._rest(self._counter.items[track_id], resting=False)
        for track in self._tracker.tracks:
            if track.resting:
                continue
            covered = self._foreground.covered(track.box)
            track.uncovered = covered < 0.3
            if self._counter.mode == "tray" and not track.seen and covered > 0.6:
                track.missed_s = 1e-3

    def _rest_what_lies_still(self) -> None:
        """Make counted items that lie still on the tray part of the background."""
        for item in self._counter.items.values():
            track = item.track
            lies = self._counter.mode == "tray" and item.counted > 0 and track.seen and not track.resting
            if lies and track.still_s > self.config.rest_into_background_s:
                self._rest(item, resting=True)

    def _rest(self, item: TrackedItem, *, resting: bool) -> None:
        """Make an item on the tray part of the background, or remove it from there."""
        item.track.resting = resting
        if resting:
            self._foreground.add_resting_item(item.track.id, item.track.box)
        else:
            self._foreground.remove_resting_item(item.track.id)
        item.note(self._counter.frame, ReasonCode.CAME_TO_REST if resting else ReasonCode.MOVED_AGAIN)

    def _drop_still_unknowns(self) -> None:
        """Drop the tracks of unknown items that lie still, so that the background learns them."""
        for track in list(self._tracker.tracks):
            item = self._counter.items[track.id]
            if item.verdict.state == "unknown" and track.still_s > self.config.unknown_into_background_s:
                self._tracker.drop(track)
                self._counter.end(track)

    def _wants_view(self, item: TrackedItem, elapsed_s: float) -> bool:
        """Return whether an item is to be cut out and embedded in this frame; if so, note the time."""
        track = item.track
        if not track.seen or track.resting or track.sightings < SIGHTINGS_MIN or track.proposal.cut_off:
            return False
        if self._counter.mode != "cart" and not self._in_zone(track):
            return False
        if track.speed(min(elapsed_s, STEADY_S)) > self.config.steady:
            return False
        assert self._at_s is not None
        counting = self.config.counting
        pauses_s = {"candidate": 0.0, "unknown": counting.retry_s, "accepted": counting.recheck_s}
        pause_s = 0.0 if self._counter.is_questioned(item) else pauses_s.get(item.verdict.state)
        if pause_s is None or self._at_s - item.viewed_s < pause_s:
            return False
        item.viewed_s = self._at_s
        return True
