"""One item as a lane knows it: its views, what it was found to be, and how often it was counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile

import numpy as np

from recognition.vision.decision.decide import SUSPECTS, Candidate, Decision
from recognition.vision.lane.observations import Detection, TrackLife
from recognition.vision.lane.tracking import Track
from recognition.vision.lane.voting import (
    Action,
    CountEvent,
    CountingConfig,
    Mode,
    Verdict,
    Vote,
    closely_verdict_of,
    second_verdict_of,
    suspects_of,
    verdict_of,
)
from recognition.vision.types import Image

# Looks closely at the best picture of an undecided item and the products in question, likeliest first.
Verify = Callable[[Image, tuple[Candidate, ...]], Decision | None]

# The frame, what was cut out of it, and what that was matched with.
View = tuple[int, Image, Vote]

PICTURES_KEPT = 2
"""Views of an item that may be looked at closely, some 25 ms each; hand and glare differ between them."""


@dataclass
class TrackedItem:
    """What is known about a track beyond its place.

    Attributes
    ----------
    looked_s : when it was last looked at
    counted : how often it was added, less how often removed
    crossings : how often it moved into the zone, less how often out, since that was last counted
    answered : whether somebody said what it is
    pictures : its best views so far and how good they are, the best first, for a closer look
    confirmed_frame : the last frame in which it looked like what it was found to be
    named_frame : the first frame in which it did, without a break until it was decided
    came_in : whether it came in over the rim of the frame and was recognised at once
    strayed : the newest few views in a row that looked like something else
    """

    track: Track
    life: TrackLife
    votes: list[Vote] = field(default_factory=list)
    looked_s: float = -1e9
    counted: int = 0
    crossings: int = 0
    answered: bool = False
    pictures: list[tuple[float, Image]] = field(default_factory=list)
    looked_closely: bool = False
    confirmed_frame: int = -1
    named_frame: int = -1
    came_in: bool = False
    strayed: list[View] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """What it was found to be."""
        return self.life.verdict

    @property
    def inside(self) -> bool:
        """Whether it is in the zone."""
        return self.life.inside

    def tell(self, frame: int, what: str) -> None:
        """Add a line to its story."""
        self.life.story.append(f"frame {frame}: {what}")

    def see(self, frame: int, crop: Image, vote: Vote) -> None:
        """Take in one more view."""
        self._note(frame, vote)
        self.votes.append(vote)
        self._show(crop, vote.quality)

    def see_again(self, frame: int, crop: Image, vote: Vote, config: CountingConfig, *, alike: bool) -> None:
        """Take in a view after the decision, which may show another thing by now.

        Parameters
        ----------
        alike : whether it looks like the views that were decided by
        """
        best = self._note(frame, vote)
        if best == self.verdict.product_id or alike:
            self.confirmed_frame = frame
            self.strayed.clear()
        else:
            self.strayed.append((frame, crop, vote))
            del self.strayed[: -max(config.views_early, config.views_last)]

    def absorb(self, later: TrackedItem, frame: int) -> None:
        """Take over the views of an appearance that turned out to be this item."""
        self.votes.extend(later.votes)
        self.life.views.extend(later.life.views)
        for quality, picture in later.pictures:
            self._show(picture, quality)
        self.tell(frame, f"found again as track {later.track.id}")

    def decide(self, config: CountingConfig, verify: Verify | None, frame: int, *, last: bool) -> None:
        """Say what it is, if the views suffice; a closer look, once, where they leave it open."""
        second = self.verdict.state == "unknown"
        if second:
            verdict = second_verdict_of(self.votes, config)
        else:
            verdict = verdict_of(self.votes, config, last=last)
        if verdict.state == "candidate":
            return
        verdict = self._verified(verdict, verify)
        self.life.verdict = verdict
        if verdict.state == "accepted":
            self.came_in = self.track.born_cut_off and not second
            naming = takewhile(lambda view: view[2] == verdict.product_id, reversed(self.life.views))
            frames = [view[0] for view in naming] or [frame]
            self.named_frame, self.confirmed_frame = frames[-1], frames[0]
        named = verdict.product_id or " or ".join(verdict.choices if verdict.state == "ambiguous" else ())
        self.tell(frame, f"{verdict.state} {named} ({verdict.reason})".replace("  ", " "))

    def settle(self, product_id: str, reason: str, frame: int) -> None:
        """Take somebody's word for what it is."""
        self.answered = True
        verdict = self.verdict
        self.life.verdict = Verdict(
            "accepted", product_id, verdict.score, verdict.margin, verdict.score_count, reason=reason
        )
        self.tell(frame, f"{product_id} {reason}")

    def count(self, mode: Mode, rest_s: float, frame: int, *, gone: bool = False) -> list[CountEvent]:
        """Turn what is known into events, if the mode asks for any now."""
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
                reason = "it moved " + ("in" if coming else "out")
                events.append(self.event("add" if coming else "remove", reason, frame))
            return events
        if self.counted == 0 and not gone and self.track.still_s >= rest_s and self.inside:
            return [self.event("add", f"it lies in view; {verdict.reason}", frame)]
        return []

    def event(self, action: Action, reason: str, frame: int) -> CountEvent:
        """Count it once more or once less."""
        verdict = self.verdict
        assert verdict.product_id is not None
        self.counted += 1 if action == "add" else -1
        self.tell(frame, f"{action} {verdict.product_id} ({reason})")
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
        """Tell whether it was added as this product."""
        return self.counted > 0 and self.verdict.product_id == product_id

    def take_count(self, other: TrackedItem, frame: int) -> None:
        """Be the item that another track was counted for and lost; that track shows something else now."""
        self.counted += other.counted
        self.tell(frame, f"is what was counted as track {other.track.id}")
        other.counted = 0
        other.strayed.clear()
        other.withdraw(self, frame)

    def withdraw(self, other: TrackedItem, frame: int) -> None:
        """Be nothing of one's own: what is seen here is an item that another track was counted for."""
        self.tell(frame, f"shows what track {other.track.id} was counted for")
        self.votes.clear()
        self.life.verdict = Verdict("unknown", reason=f"it shows what track {other.track.id} was counted for")

    def end(self, frame: int) -> None:
        """Keep no more than it takes to name it later: its best picture, and what was found."""
        self.tell(frame, "gone")
        self.votes.clear()
        self.strayed.clear()
        del self.pictures[1:]

    def detection(self) -> Detection:
        """Return what the shopper is shown of it."""
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

    def _note(self, frame: int, vote: Vote) -> str | None:
        """Write a view down; return the product it looks like most."""
        decision = vote.decision
        best = decision.candidates[0].product_id if decision.candidates else None
        self.life.views.append((frame, decision.state, best, decision.score, decision.margin, vote.quality))
        return best

    def _show(self, picture: Image, quality: float) -> None:
        self.pictures.append((quality, picture))
        self.pictures.sort(key=lambda shown: -shown[0])
        del self.pictures[PICTURES_KEPT:]

    def _verified(self, verdict: Verdict, verify: Verify | None) -> Verdict:
        """Look closely, once, at the best pictures, until one of them leaves little doubt."""
        if verify is None or self.looked_closely:
            return verdict
        self.looked_closely = True
        suspects, found = suspects_of(self.votes, SUSPECTS), verdict
        for _, picture in self.pictures:
            decision = verify(picture, suspects)
            if decision is None:
                return found
            closer = closely_verdict_of(verdict, decision, len(self.votes))
            if closer.state == "accepted" or verdict.state == "accepted":
                return closer
            found = closer if found.state == "unknown" else found
        return found
