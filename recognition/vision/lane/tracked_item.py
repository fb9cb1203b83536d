"""One tracked item of a lane: its views, its verdict, and how often it was counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

import numpy as np

from recognition.vision.decision.decide import Decision
from recognition.vision.decision.odds import CONTENDERS
from recognition.vision.lane.observations import Detection, TrackLife, VerificationRequest
from recognition.vision.lane.reasons import LifeEvent, Param, Reason, ReasonCode, because
from recognition.vision.lane.tracking import Track
from recognition.vision.lane.voting import (
    Action,
    CountEvent,
    CountingConfig,
    Mode,
    Verdict,
    Vote,
    asked_where_doubtful,
    contenders_of,
    second_verdict_of,
    verdict_of,
    verified_verdict_of,
)
from recognition.vision.types import Image

# Frame, crop, and what the crop was matched with.
View = tuple[int, Image, Vote]

PICTURES_KEPT = 2
"""Views of an item kept for verification, which takes some 25 ms each; hand and glare differ between them."""


@dataclass
class TrackedItem:
    """A track with its votes, its verdict and its count.

    Attributes
    ----------
    viewed_s : when it was last cut out to be embedded
    counted : how often it was added, less how often removed
    crossings : how often it moved into the zone, less how often out, not counted yet
    answered : whether the shopper or a barcode identified it
    pictures : its best views so far with their quality, the best first
    verified : whether it was verified already, which happens once
    has_news : whether a view was added since its last vote
    pending : the verdict of the votes, until it is concluded
    last_match_frame : the newest frame in which it looked like its product
    first_match_frame : the first of the unbroken run of matching frames up to its acceptance
    is_new_arrival : whether it entered at the edge of the frame and was recognized at once
    mismatches : the newest views in a row that looked like something else
    was_inside : whether it was in the zone at any time
    largest_area : share of the frame it covered in its largest view
    """

    track: Track
    life: TrackLife
    votes: list[Vote] = field(default_factory=list)
    viewed_s: float = -1e9
    counted: int = 0
    crossings: int = 0
    answered: bool = False
    pictures: list[tuple[float, Image]] = field(default_factory=list)
    verified: bool = False
    has_news: bool = False
    pending: Verdict | None = None
    last_match_frame: int = -1
    first_match_frame: int = -1
    is_new_arrival: bool = False
    mismatches: list[View] = field(default_factory=list)
    was_inside: bool = False
    largest_area: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """What it is, as far as is known."""
        return self.life.verdict

    @property
    def is_due(self) -> bool:
        """Whether it has to vote; again where a frame failed between vote and conclusion."""
        return self.has_news or self.pending is not None

    @property
    def inside(self) -> bool:
        """Whether it is in the zone."""
        return self.life.inside

    def note(self, frame: int, code: ReasonCode, **params: Param) -> None:
        """Record what happened to it in its life."""
        self.life.story.append(LifeEvent(frame, because(code, **params)))

    def see(self, frame: int, crop: Image, vote: Vote) -> None:
        """Add a view."""
        self._view(frame, vote)
        self.largest_area = max(self.largest_area, self.track.box.area)
        self.votes.append(vote)
        self.has_news = True
        self._keep(crop, vote.quality)

    def see_again(self, frame: int, crop: Image, vote: Vote, config: CountingConfig, *, alike: bool) -> None:
        """Add a view after acceptance, which may show something else by now.

        Parameters
        ----------
        alike : whether its embedding is similar to those of the views before
        """
        best = self._view(frame, vote)
        if best == self.verdict.product_id or alike:
            self.last_match_frame = frame
            self.mismatches.clear()
        else:
            self.mismatches.append((frame, crop, vote))
            del self.mismatches[: -max(config.views_early, config.views_last)]

    def absorb(self, later: TrackedItem, frame: int) -> None:
        """Take over the views of a later track that turned out to be this item."""
        self.votes.extend(later.votes)
        self.has_news = True
        self.was_inside = self.was_inside or later.was_inside
        self.largest_area = max(self.largest_area, later.largest_area)
        self.life.views.extend(later.life.views)
        for quality, picture in later.pictures:
            self._keep(picture, quality)
        self.note(frame, ReasonCode.FOUND_AGAIN, track=later.track.id)

    def vote(self, config: CountingConfig, *, last: bool) -> VerificationRequest | None:
        """Form the verdict of the views, if they suffice, and keep it as pending.

        Parameters
        ----------
        last : whether no more views will come

        Returns
        -------
        VerificationRequest or None
            What to verify before `conclude`, once in the life of an item; None where there is nothing to.
        """
        self.has_news = False
        if self.verdict.state not in ("candidate", "unknown"):
            return None
        if self.verdict.state == "unknown":
            verdict = second_verdict_of(self.votes, config)
        else:
            verdict = verdict_of(self.votes, config, last=last)
        if verdict.state == "candidate":
            return None
        self.pending = verdict
        if self.verified:
            return None
        best = [picture for _, picture in self.pictures]
        pictures = best[:1] if verdict.state == "accepted" else best
        return VerificationRequest(self.track.id, tuple(pictures), contenders_of(self.votes, CONTENDERS))

    def conclude(self, decisions: Sequence[Decision], config: CountingConfig, frame: int) -> None:
        """Turn the pending verdict into the final one, as verification leaves or changes it.

        Parameters
        ----------
        decisions : on the verified pictures, the best picture first; empty where none was verified
        """
        if self.pending is None:
            return
        second = self.verdict.state == "unknown"
        verdict = verified_verdict_of(self.pending, decisions, len(self.votes))
        verdict = asked_where_doubtful(verdict, self.votes, config)
        self.pending, self.verified = None, True
        self.life.verdict = verdict
        if verdict.state == "accepted":
            assert verdict.product_id is not None
            self.is_new_arrival = self.track.entered_at_edge and not second
            matching = takewhile(lambda view: view[2] == verdict.product_id, reversed(self.life.views))
            frames = [view[0] for view in matching] or [frame]
            self.first_match_frame, self.last_match_frame = frames[-1], frames[0]
            self.note(frame, ReasonCode.ACCEPTED, product_id=verdict.product_id, because=verdict.reason)
        elif verdict.state == "ambiguous":
            self.note(frame, ReasonCode.AMBIGUOUS, product_ids=verdict.choices, because=verdict.reason)
        else:
            self.note(frame, ReasonCode.UNKNOWN, because=verdict.reason)

    def settle(self, product_id: str, reason: Reason, frame: int) -> None:
        """Accept it as a product, as identified by the shopper or a barcode."""
        self.answered, self.pending = True, None
        verdict = self.verdict
        self.life.verdict = Verdict(
            "accepted", product_id, verdict.score, verdict.margin, verdict.score_count, reason=reason
        )
        self.note(frame, ReasonCode.IDENTIFIED, product_id=product_id, because=reason)

    def count(self, mode: Mode, rest_s: float, frame: int, *, gone: bool = False) -> list[CountEvent]:
        """Return the events that are due in this mode, and count them."""
        verdict = self.verdict
        if verdict.state != "accepted":
            return []
        if mode == "scan":
            return [self.event("add", verdict.reason, frame)] if self.counted == 0 else []
        if mode == "cart":
            events = []
            while self.crossings != 0:
                coming = self.crossings > 0
                self.crossings -= 1 if coming else -1
                reason = because(ReasonCode.MOVED_IN if coming else ReasonCode.MOVED_OUT)
                events.append(self.event("add" if coming else "remove", reason, frame))
            return events
        if self.counted == 0 and not gone and self.track.still_s >= rest_s and self.inside:
            return [self.event("add", because(ReasonCode.LIES_IN_VIEW, because=verdict.reason), frame)]
        return []

    def event(self, action: Action, reason: Reason, frame: int) -> CountEvent:
        """Return an event, and count the item once more or once less."""
        verdict = self.verdict
        assert verdict.product_id is not None
        self.counted += 1 if action == "add" else -1
        code = ReasonCode.ADDED if action == "add" else ReasonCode.REMOVED
        self.note(frame, code, product_id=verdict.product_id, because=reason)
        picture = self.pictures[0][1] if self.pictures else np.zeros((8, 8, 3), np.uint8)
        return CountEvent(
            action,
            verdict.product_id,
            self.track.id,
            verdict.score,
            verdict.margin,
            verdict.score_count,
            picture,
            reason,
        )

    def counts_as(self, product_id: str) -> bool:
        """Return whether it is counted as this product."""
        return self.counted > 0 and self.verdict.product_id == product_id

    def take_count(self, other: TrackedItem, frame: int) -> None:
        """Take over the count of another track that lost this item and shows something else now."""
        self.counted += other.counted
        self.note(frame, ReasonCode.COUNTED_AS, track=other.track.id)
        other.counted = 0
        other.mismatches.clear()
        other.withdraw(self, frame)

    def withdraw(self, other: TrackedItem, frame: int) -> None:
        """Become unknown: this track shows an item that another track was counted for."""
        reason = because(ReasonCode.SHOWS_COUNTED_ITEM, track=other.track.id)
        self.life.story.append(LifeEvent(frame, reason))
        self.votes.clear()
        self.life.verdict = Verdict("unknown", reason=reason)

    def end(self, frame: int) -> None:
        """Drop all that is not needed to identify it later; its best picture and its verdict stay."""
        self.note(frame, ReasonCode.GONE)
        self.votes.clear()
        self.mismatches.clear()
        del self.pictures[1:]

    def detection(self) -> Detection:
        """Return it as shown to the shopper."""
        verdict = self.verdict
        return Detection(
            self.track.id,
            self.track.box,
            verdict.state,
            verdict.product_id,
            verdict.score,
            verdict.margin,
            verdict.choices,
        )

    def _view(self, frame: int, vote: Vote) -> str | None:
        """Record a view in its life; return its best product."""
        decision = vote.decision
        best = decision.candidates[0].product_id if decision.candidates else None
        self.life.views.append((frame, decision.state, best, decision.score, decision.margin, vote.quality))
        return best

    def _keep(self, picture: Image, quality: float) -> None:
        self.pictures.append((quality, picture))
        self.pictures.sort(key=lambda shown: -shown[0])
        del self.pictures[PICTURES_KEPT:]
