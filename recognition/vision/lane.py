"""One till's eyes: frames go in, detections and cart events come out; everything it did can be asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from recognition.vision.box import WHOLE_FRAME, Box
from recognition.vision.counting import (
    CartEvent,
    CountingConfig,
    Mode,
    Verdict,
    Vote,
    second_verdict_of,
    suspects_of,
    verdict_of,
)
from recognition.vision.crops import cut_item, sharpness
from recognition.vision.encoders.protocol import Image
from recognition.vision.layout import FloatArray
from recognition.vision.matching import SUSPECTS
from recognition.vision.presence import Presence, PresenceConfig
from recognition.vision.sightings import Detection, Observation, Outcome, TrackLife
from recognition.vision.tracking import Track, Tracker, TrackingConfig

if TYPE_CHECKING:
    from recognition.vision.matching import Candidate, Decision

# Looks closely at the best picture of an undecided item and the products in question, likeliest first.
Verify = Callable[[Image, tuple["Candidate", ...]], "Decision | None"]

__all__ = ["Box", "CartEvent", "Detection", "Lane", "LaneConfig", "Observation", "Outcome", "TrackLife"]

MODES: tuple[Mode, ...] = ("scan", "cart", "tray")


@dataclass(frozen=True)
class LaneConfig:
    """How one till watches and counts.

    Attributes
    ----------
    zone : where items count, relative to the frame
    steady : an item that moves more than this share of its size between two frames is too blurred to look at
    rest_s : in ``tray`` an item counts once it lies still this long
    let_go_s : an unknown thing that lies still this long becomes part of the counter
    gap_s : a longer pause between two frames counts as this long, so that a broken connection ends no track
    lives_max : ended tracks that are remembered for questions and explanations
    """

    mode: Mode = "scan"
    zone: Box = WHOLE_FRAME
    steady: float = 0.3
    rest_s: float = 0.4
    let_go_s: float = 20.0
    gap_s: float = 0.5
    lives_max: int = 200
    presence: PresenceConfig = field(default_factory=PresenceConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    counting: CountingConfig = field(default_factory=CountingConfig)


@dataclass
class _Item:
    """What the lane knows about a track beyond its place."""

    track: Track
    life: TrackLife
    inside: bool
    votes: list[Vote] = field(default_factory=list)
    picture: Image | None = None
    picture_quality: float = -1.0
    looked_s: float = -1e9
    sharpest: float = 0.0
    counted: int = 0
    crossings: int = 0
    answered: bool = False
    verified: bool = False

    @property
    def verdict(self) -> Verdict:
        return self.life.verdict


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
        self._presence = Presence(self.config.presence)
        self._tracker = Tracker(self.config.tracking)
        self._items: dict[int, _Item] = {}
        self._past: deque[_Item] = deque(maxlen=self.config.lives_max)
        self._events: list[CartEvent] = []
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
            item.inside = self._in_zone(item.track)
            item.crossings = 0

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
            item.inside = self._in_zone(item.track)

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
        scene = self._presence.look(frame, elapsed_s, self._tracker.expected(elapsed_s))
        if not scene.proposals and not self._tracker.tracks:
            return Observation(self._frame, at_s, (), (), scene.changed, active=False)
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
        return Observation(self._frame, at_s, tuple(crops), tuple(qualities), scene.changed, active=True)

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
        return Outcome(tuple(self._detections()), events)

    def choose(self, track: int, product_id: str) -> CartEvent | None:
        """Say which product an ambiguous track is, or an unknown one.

        Returns
        -------
        CartEvent or None
            None where there is no such track, the product is not among its choices, it was answered
            before, or (modes ``cart`` and ``tray``) the item is not to be counted at this moment.
        """
        item = self._items.get(track) or next((past for past in self._past if past.track.id == track), None)
        if item is None or item.answered or product_id not in item.verdict.choices:
            return None
        item.answered = True
        verdict = item.verdict
        item.life.verdict = Verdict(
            "accepted",
            product_id,
            verdict.score,
            verdict.margin,
            verdict.score_count,
            reason="chosen by the shopper",
        )
        item.life.story.append(f"frame {self._frame}: {product_id} chosen")
        before = len(self._events)
        self._count(item, gone=track not in self._items)
        return self._events.pop() if len(self._events) > before else None

    def explain(self) -> tuple[TrackLife, ...]:
        """Tell the life of every track, ended ones first, in the order they appeared."""
        everyone = [*self._past, *self._items.values()]
        return tuple(item.life for item in sorted(everyone, key=lambda item: item.track.id))

    def _begin(self, track: Track) -> _Item:
        life = TrackLife(track.id, track.first_frame, track.last_frame)
        # An item that comes in over the rim of the frame was outside of any zone before.
        item = _Item(track, life, inside=self._in_zone(track) and not track.born_cut_off)
        self._items[track.id] = item
        return item

    def _end(self, track: Track) -> None:
        item = self._items.pop(track.id)
        if item.verdict.state == "candidate":
            self._decide(item, last=True)
        if self._mode == "cart" and item.inside and track.leaving():
            item.inside = False
            item.crossings -= 1
        self._count(item, gone=True)
        if self._mode == "tray" and item.counted > 0:
            self._emit(item, "remove", "it was taken out of view")
        item.life.story.append(f"frame {self._frame}: gone")
        self._past.append(item)

    def _in_zone(self, track: Track) -> bool:
        return self._zone.contains(track.box.centre)

    def _cross(self, item: _Item) -> None:
        """Note an item moving in or out of the zone, with the rim of the frame as part of the zone's edge."""
        if not item.track.seen:
            return
        inside = self._in_zone(item.track) and (item.inside or not item.track.proposal.cut_off)
        if inside != item.inside:
            item.inside = inside
            item.crossings += 1 if inside else -1
            item.life.story.append(f"frame {self._frame}: moved {'into' if inside else 'out of'} the zone")

    def _look_behind(self) -> None:
        """Note whose place is bare, and keep what lies on the tray while a hand or an item covers it."""
        for track in self._tracker.tracks:
            covered = self._presence.covered(track.box)
            track.bare = covered < 0.3
            if self._mode == "tray" and not track.seen and covered > 0.6:
                track.missed_s = 1e-3

    def _let_go(self) -> None:
        for track in list(self._tracker.tracks):
            item = self._items[track.id]
            if item.verdict.state == "unknown" and track.still_s > self.config.let_go_s:
                self._tracker.drop(track)
                self._end(track)

    def _wants_view(self, item: _Item, elapsed_s: float) -> bool:
        track = item.track
        if not track.seen or track.sightings < 2 or track.proposal.cut_off:
            return False
        if self._mode != "cart" and not self._in_zone(track):
            return False
        speed = float(np.hypot(*track.velocity)) * elapsed_s / max(float(np.sqrt(track.box.area)), 1e-6)
        if speed > self.config.steady:
            return False
        assert self._at_s is not None
        state = item.verdict.state
        pause_s = self.config.counting.second_look_s
        if state == "candidate" or (state == "unknown" and self._at_s - item.looked_s >= pause_s):
            item.looked_s = self._at_s
            return True
        return False

    def _vote(self, item: _Item, frame: int, crop: Image, embedding: FloatArray, vote: Vote) -> None:
        decision, quality = vote.decision, vote.quality
        best = decision.candidates[0].product_id if decision.candidates else None
        item.life.views.append((frame, decision.state, best, decision.score, decision.margin, quality))
        item.votes.append(vote)
        if quality > item.picture_quality:
            item.picture, item.picture_quality = crop, quality
        first = item.track.embedding is None
        length = float(np.linalg.norm(embedding))
        if length > 0:
            item.track.remember((embedding / length).astype(np.float32))
        earlier = self._tracker.continued(item.track) if first else None
        if earlier is not None:
            item = self._continue(earlier, item)
        if item.verdict.state in ("candidate", "unknown"):
            self._decide(item, last=False)

    def _continue(self, earlier: Track, later: _Item) -> _Item:
        item = self._items[earlier.id]
        self._tracker.join(earlier, later.track)
        del self._items[later.track.id]
        item.votes.extend(later.votes)
        item.life.views.extend(later.life.views)
        if later.picture is not None and later.picture_quality > item.picture_quality:
            item.picture, item.picture_quality = later.picture, later.picture_quality
        item.life.story.append(f"frame {self._frame}: found again as track {later.track.id}")
        return item

    def _decide(self, item: _Item, *, last: bool) -> None:
        counting = self.config.counting
        if item.verdict.state == "unknown":
            verdict = second_verdict_of(item.votes, counting)
        else:
            verdict = verdict_of(item.votes, counting, last=last)
        if verdict.state == "candidate":
            return
        verdict = self._verified(item, verdict)
        item.life.verdict = verdict
        named = verdict.product_id or " or ".join(verdict.choices if verdict.state == "ambiguous" else ())
        item.life.story.append(
            f"frame {self._frame}: {verdict.state} {named} ({verdict.reason})".replace("  ", " ")
        )

    def _verified(self, item: _Item, verdict: Verdict) -> Verdict:
        """Look closely, once for each item, where the votes left it undecided."""
        if verdict.state == "accepted" or self._verify is None or item.verified or item.picture is None:
            return verdict
        item.verified = True
        decision = self._verify(item.picture, suspects_of(item.votes, SUSPECTS))
        if decision is None or decision.state != "accepted":
            return verdict
        return Verdict(
            "accepted",
            decision.candidates[0].product_id,
            decision.score,
            decision.margin,
            len(item.votes),
            reason=f"settled by a closer look; {verdict.reason}",
        )

    def _count(self, item: _Item, *, gone: bool = False) -> None:
        """Turn what is known about an item into an event, if the mode asks for one now."""
        verdict = item.verdict
        if verdict.state != "accepted":
            return
        if self._mode == "scan":
            if item.counted == 0:
                self._emit(item, "add", verdict.reason)
        elif self._mode == "cart":
            while item.crossings != 0:
                coming = item.crossings > 0
                item.crossings -= 1 if coming else -1
                self._emit(item, "add" if coming else "remove", "it moved " + ("in" if coming else "out"))
        elif item.counted == 0 and not gone and item.track.still_s >= self.config.rest_s and item.inside:
            self._emit(item, "add", f"it lies in view; {verdict.reason}")

    def _emit(self, item: _Item, action: str, reason: str) -> None:
        verdict = item.verdict
        assert verdict.product_id is not None
        item.counted += 1 if action == "add" else -1
        picture = item.picture if item.picture is not None else np.zeros((8, 8, 3), np.uint8)
        self._events.append(
            CartEvent(
                "add" if action == "add" else "remove",
                verdict.product_id,
                item.track.id,
                verdict.score,
                verdict.margin,
                verdict.score_count,
                picture,
                reason,
            )
        )
        item.life.story.append(f"frame {self._frame}: {action} {verdict.product_id} ({reason})")

    def _detections(self) -> list[Detection]:
        return [
            Detection(
                item.track.id,
                item.track.box,
                item.verdict.state,
                item.verdict.product_id,
                item.verdict.score,
                item.verdict.margin,
                item.verdict.choices,
            )
            for item in self._items.values()
            if item.track.seen and item.track.sightings >= 2
        ]
