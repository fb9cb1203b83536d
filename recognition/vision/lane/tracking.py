"""Tracks items from frame to frame: one track from entering the view to leaving it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from recognition.vision.scene.proposals import Proposal
from recognition.vision.types import Box, FloatArray

_IMPOSSIBLE = 1e6


@dataclass(frozen=True)
class TrackingConfig:
    """How far apart in position, colour and time two sightings of one item may be.

    Attributes
    ----------
    reach : largest distance between expected and detected centre, in item sizes
    cost_max : largest assignment cost: the sum of distance, missing overlap and colour difference
    missed_s : how long a track survives while its item is hidden in the middle of the view
    moved_s : the same where the background shows at its last position: it was carried off and may turn up
        elsewhere
    left_s : the same for an item that was leaving the view
    newborn_s : a track younger than this that loses its item was a flicker and ends at once
    cut_off_s : what the edge of the frame cuts off for longer than this is no item: a shopper, a sleeve
    linked_similarity : cosine of two embeddings from which a new track continues a hidden one
    """

    reach: float = 1.6
    cost_max: float = 2.2
    missed_s: float = 1.0
    moved_s: float = 0.45
    left_s: float = 0.25
    newborn_s: float = 0.15
    cut_off_s: float = 1.5
    linked_similarity: float = 0.8


@dataclass
class Track:
    """One item tracked through the view.

    Attributes
    ----------
    box, proposal : where and how it was last seen
    velocity : (x, y), shares of the frame per second
    histogram : running mean of its colours, unit length
    embedding : running mean of its embeddings, unit length; None before the first
    missed_s : time since it was last seen, 0 while in view
    still_s : for how long it has not moved
    resting : whether it lies on the tray as part of the background; then it needs no sighting
    cut_off_s : for how long the edge of the frame has cut it off, less the time it did not
    uncovered : whether the background shows at its last position
    entered_at_edge : whether the edge of the frame cut it off when it was first seen
    """

    id: int
    proposal: Proposal
    first_frame: int
    first_s: float
    last_frame: int
    last_s: float
    histogram: FloatArray
    velocity: tuple[float, float] = (0.0, 0.0)
    missed_s: float = 0.0
    uncovered: bool = False
    sightings: int = 1
    still_s: float = 0.0
    resting: bool = False
    cut_off_s: float = 0.0
    embedding: FloatArray | None = None
    entered_at_edge: bool = field(init=False)

    def __post_init__(self) -> None:
        self.entered_at_edge = self.proposal.cut_off

    @property
    def box(self) -> Box:
        """Where it was last seen."""
        return self.proposal.box

    @property
    def seen(self) -> bool:
        """Whether it was found in the newest frame."""
        return self.missed_s == 0.0

    def expected(self, ahead_s: float) -> Box:
        """Return the predicted box; a hidden item is expected where it was hidden."""
        if not self.seen:
            return self.box
        return self.box.moved(self.velocity[0] * ahead_s, self.velocity[1] * ahead_s)

    def speed(self, elapsed_s: float) -> float:
        """Return how far it moves in a time, in units of its size."""
        return float(np.hypot(*self.velocity)) * elapsed_s / max(float(np.sqrt(self.box.area)), 1e-6)

    def leaving(self) -> bool:
        """Return whether it was leaving the frame when last seen."""
        if self.proposal.cut_off:
            return True
        soon = self.box.moved(self.velocity[0] * 0.15, self.velocity[1] * 0.15)
        return soon.x < 0 or soon.y < 0 or soon.x + soon.width > 1 or soon.y + soon.height > 1

    def remember(self, embedding: FloatArray) -> None:
        """Add the embedding of a view (unit length) to the running mean."""
        mean = embedding if self.embedding is None else 0.7 * self.embedding + 0.3 * embedding
        self.embedding = (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)


class Tracker:
    """Assigns proposals to tracks; feed it every frame in order."""

    def __init__(self, config: TrackingConfig | None = None) -> None:
        self.config = config or TrackingConfig()
        self.tracks: list[Track] = []
        self._next_id = 1

    def expected(self, ahead_s: float) -> tuple[list[Box], list[Box]]:
        """Return the predicted boxes of the tracked items, and those of tracks that are no items."""
        moving = [track for track in self.tracks if not track.resting]
        items = [track.expected(ahead_s) for track in moving if track.cut_off_s <= self.config.cut_off_s]
        passing = [track.expected(ahead_s) for track in moving if track.cut_off_s > self.config.cut_off_s]
        return items, passing

    def follow(self, proposals: Sequence[Proposal], frame: int, at_s: float, elapsed_s: float) -> list[Track]:
        """Assign the proposals of the next frame to tracks; begin and end tracks.

        Returns
        -------
        list of Track
            The tracks that ended with this frame, already out of ``tracks``.
        """
        pairs = self._assigned(proposals, elapsed_s)
        taken = set(pairs.values())
        for index, track in enumerate(self.tracks):
            if index in pairs:
                self._sight(track, proposals[pairs[index]], frame, at_s)
            elif not track.resting:
                track.missed_s += elapsed_s
        ended = [track for track in self.tracks if self._is_over(track)]
        self.tracks = [track for track in self.tracks if not self._is_over(track)]
        for index, proposal in enumerate(proposals):
            if index not in taken:
                self.tracks.append(
                    Track(self._next_id, proposal, frame, at_s, frame, at_s, histogram=proposal.histogram)
                )
                self._next_id += 1
        return ended

    def continued(self, track: Track) -> Track | None:
        """Return the hidden track that this one continues, by embedding and position, or None."""
        if track.embedding is None or track.entered_at_edge:
            return None
        for hidden in self.tracks:
            if hidden.seen or hidden.embedding is None or hidden.leaving() or hidden is track:
                continue
            near = _distance(hidden.box, track.box) < 2 * self.config.reach
            if near and float(hidden.embedding @ track.embedding) >= self.config.linked_similarity:
                return hidden
        return None

    def join(self, earlier: Track, later: Track) -> None:
        """Continue the earlier track with the state of the later one, and remove the later one."""
        earlier.proposal, earlier.velocity = later.proposal, later.velocity
        earlier.last_frame, earlier.last_s = later.last_frame, later.last_s
        earlier.sightings += later.sightings
        earlier.missed_s = later.missed_s
        self.tracks.remove(later)

    def renewed(self, track: Track, first_frame: int) -> Track:
        """Replace a track by a new one, of another item that it has shown since a frame, and return that."""
        later = Track(
            self._next_id,
            track.proposal,
            first_frame,
            track.last_s,
            track.last_frame,
            track.last_s,
            track.proposal.histogram,
        )
        later.velocity, later.sightings, later.entered_at_edge = track.velocity, track.sightings, True
        self._next_id += 1
        self.tracks[self.tracks.index(track)] = later
        return later

    def drop(self, track: Track) -> None:
        """Remove a track."""
        self.tracks.remove(track)

    def _sight(self, track: Track, proposal: Proposal, frame: int, at_s: float) -> None:
        since_s = max(at_s - track.last_s, 1e-3)
        before, now = track.box.centre, proposal.box.centre
        step = ((now[0] - before[0]) / since_s, (now[1] - before[1]) / since_s)
        track.velocity = (
            0.3 * track.velocity[0] + 0.7 * step[0],
            0.3 * track.velocity[1] + 0.7 * step[1],
        )
        track.still_s = track.still_s + since_s if np.hypot(*step) < 0.25 else 0.0
        mean = 0.8 * track.histogram + 0.2 * proposal.histogram
        track.histogram = (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)
        track.proposal, track.last_frame, track.last_s = proposal, frame, at_s
        track.missed_s = 0.0
        step_s = since_s if proposal.cut_off else -since_s
        track.cut_off_s = float(np.clip(track.cut_off_s + step_s, 0.0, 2 * self.config.cut_off_s))
        track.sightings += 1

    def _is_over(self, track: Track) -> bool:
        if track.seen:
            return False
        if track.last_s - track.first_s < self.config.newborn_s:
            return True
        if track.leaving():
            return track.missed_s > self.config.left_s
        return track.missed_s > (self.config.moved_s if track.uncovered else self.config.missed_s)

    def _assigned(self, proposals: Sequence[Proposal], elapsed_s: float) -> dict[int, int]:
        if not self.tracks or not proposals:
            return {}
        cost = np.array(
            [[self._cost(track, proposal, elapsed_s) for proposal in proposals] for track in self.tracks]
        )
        rows, columns = linear_sum_assignment(cost)
        return {
            int(row): int(column)
            for row, column in zip(rows, columns, strict=True)
            if cost[row, column] <= self.config.cost_max
        }

    def _cost(self, track: Track, proposal: Proposal, elapsed_s: float) -> float:
        if track.resting:
            return _IMPOSSIBLE
        expected = track.expected(elapsed_s)
        # It moved on or stopped: a carried item may brake within one frame. Moving on costs less, which tells
        # identical items apart when their paths cross.
        away = min(_distance(expected, proposal.box), _distance(track.box, proposal.box) + 0.3)
        if away > self.config.reach:
            return _IMPOSSIBLE
        overlap = max(expected.iou(proposal.box), track.box.iou(proposal.box))
        colour = 1.0 - float(track.histogram @ proposal.histogram)
        return away + 0.5 * (1.0 - overlap) + 1.5 * colour


def _distance(one: Box, other: Box) -> float:
    """Return the distance of the centres in mean item sizes; width and height of the frame count alike."""
    size = 0.5 * (np.sqrt(one.area) + np.sqrt(other.area))
    return float(np.hypot(one.centre[0] - other.centre[0], one.centre[1] - other.centre[1]) / max(size, 1e-6))
