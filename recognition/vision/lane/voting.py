"""Makes one decision out of the many views of a track, and cart events out of decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recognition.vision.decision.decide import ASK_LEAD, ROWS_KEPT, Candidate, Decision

State = Literal["candidate", "accepted", "ambiguous", "unknown"]
Mode = Literal["scan", "cart", "tray"]
Action = Literal["add", "remove"]


@dataclass(frozen=True)
class CountingConfig:
    """When a track has been seen well enough to say what it is.

    Attributes
    ----------
    views_early : views after which an undisputed product is accepted
    views_full : views after which the votes decide, whatever they are
    views_last : views that are enough when the item is already gone
    share : share of the vote weight a product needs to be accepted
    ask_share : share that products together need so that the shopper is asked which one it is
    choices_max : products offered in a question
    second_look_s : an unknown item still in view is looked at again this often, as the shopper may turn it
    recheck_s : an accepted item is looked at again this often, as it may be exchanged in the hand
    """

    views_early: int = 3
    views_full: int = 6
    views_last: int = 2
    share: float = 0.6
    ask_share: float = 0.5
    choices_max: int = 3
    second_look_s: float = 0.5
    recheck_s: float = 1.0


@dataclass(frozen=True)
class Vote:
    """What one view of a track said: a match, and how good the view was (0..1)."""

    decision: Decision
    quality: float


@dataclass(frozen=True)
class Verdict:
    """What a track is.

    Attributes
    ----------
    product_id : the product, None unless accepted
    score, margin : quality-weighted means over the views that saw this product first; 0 for unknown
    score_count : number of those views
    choices : for ambiguous the products to ask about, best first; for unknown the likeliest, should the
        shopper want to say which it is
    reason : the count of votes behind it, for the shop keeper
    """

    state: State
    product_id: str | None = None
    score: float = 0.0
    margin: float = 0.0
    score_count: int = 0
    choices: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class CountEvent:
    """One physical thing came or went.

    Attributes
    ----------
    picture : uint8 (h, w, 3), RGB, the best view of the item
    reason : what made the event, for the shop keeper
    """

    action: Action
    product_id: str
    track: int
    score: float
    margin: float
    score_count: int
    picture: NDArray[np.uint8]
    reason: str


@dataclass
class _Tally:
    accepted: float = 0.0
    offered: float = 0.0
    scores: list[tuple[float, float, float]] = field(default_factory=list)


def verdict_of(votes: Sequence[Vote], config: CountingConfig, *, last: bool) -> Verdict:
    """Decide what the views of one track add up to.

    A product is accepted with ``share`` of the vote weight from accepted views, at least ``views_last`` of
    them, and nothing but that product accepted in more than a fifth of the weight. Where products are named
    but none is sure enough, it is ambiguous; else unknown.

    Parameters
    ----------
    votes : all views so far, in order
    last : whether no more views will come

    Returns
    -------
    Verdict
        With state ``candidate`` while more views are needed.
    """
    if len(votes) < (config.views_last if last else config.views_early):
        return Verdict("candidate", reason=f"{len(votes)} views are not enough")
    tallies = _tallied(votes)
    total = sum(vote.quality for vote in votes) or 1.0
    ranked = sorted(tallies.items(), key=lambda item: (-item[1].accepted, -item[1].offered, item[0]))
    if ranked:
        product_id, tally = ranked[0]
        sure = sum(1 for vote in votes if _accepts(vote.decision, product_id))
        against = sum(other.accepted for name, other in ranked if name != product_id)
        counted = f"{sure} of {len(votes)} views accept it"
        undisputed = against == 0 and sure == len(votes)
        if undisputed or (
            (last or len(votes) >= config.views_full)
            and sure >= config.views_last
            and tally.accepted >= config.share * total
            and against <= 0.2 * total
        ):
            return _accepted(product_id, tally, counted)
    if not last and len(votes) < config.views_full:
        return Verdict("candidate", reason=f"{len(votes)} views disagree")
    return _undecided(votes, tallies, total, config)


def second_verdict_of(votes: Sequence[Vote], config: CountingConfig) -> Verdict:
    """Decide whether the newest views of an unknown item, perhaps turned to another side, name it after all.

    Each of the last ``views_early`` views has to name a product; one view without keeps it unknown, told by
    the state ``candidate``.
    """
    newest = votes[-config.views_early :]
    if any(vote.decision.state == "unknown" for vote in newest):
        return Verdict("candidate", reason="still unknown")
    return verdict_of(newest, config, last=True)


def closely_verdict_of(verdict: Verdict, decision: Decision, views: int) -> Verdict:
    """Join what the votes say with what a closer look at the best picture says.

    Where the votes are undecided, the closer look may accept a product or leave two to ask about. Where they
    accept one, it stands unless print speaks for another: then the shopper is asked.

    Parameters
    ----------
    verdict : of the votes, not ``candidate``
    decision : of the closer look
    views : number of votes, for the count behind an accepted score
    """
    if decision.state == "unknown" or not decision.candidates:
        return verdict
    best = decision.candidates[0]
    told_apart = verdict.product_id is not None and best.product_id != verdict.product_id
    if decision.state == "accepted" and not told_apart:
        if verdict.state == "accepted":
            return verdict
        reason = f"settled by a closer look; {verdict.reason}"
        return Verdict("accepted", best.product_id, decision.score, decision.margin, views, reason=reason)
    if verdict.state == "unknown" or told_apart:
        choices = [
            each.product_id for each in decision.candidates if best.log_odds - each.log_odds < ASK_LEAD
        ]
        if verdict.product_id is not None:
            choices = [best.product_id, verdict.product_id]
        reason = f"left open by a closer look; {verdict.reason}"
        return Verdict("ambiguous", None, decision.score, decision.margin, views, tuple(choices[:3]), reason)
    return verdict


def exchanged_for(strayed: Sequence[Vote], config: CountingConfig) -> str | None:
    """Name the product that an accepted item was exchanged for, from the views that no longer show it.

    The newest ``views_early`` of them all have to accept one product: an item that is turned, or half hidden
    by a hand, looks like nothing in between.
    """
    newest = strayed[-config.views_early :]
    names = {vote.decision.candidates[0].product_id for vote in newest if vote.decision.state == "accepted"}
    sure = all(vote.decision.state == "accepted" for vote in newest)
    return names.pop() if len(newest) == config.views_early and sure and len(names) == 1 else None


def suspects_of(votes: Sequence[Vote], count: int) -> tuple[Candidate, ...]:
    """Name the products an item most likely is, by their quality-weighted mean scores over all views.

    A product that was not named in a view counts there with the lowest score that was. Its photos are those
    that came first in any view.
    """
    views = [vote for vote in votes if vote.decision.candidates]
    total = sum(vote.quality + 1e-6 for vote in views)
    sums: dict[str, float] = {}
    rows: dict[str, list[tuple[int, ...]]] = {}
    for vote in views:
        for candidate in vote.decision.candidates:
            sums.setdefault(candidate.product_id, 0.0)
            rows.setdefault(candidate.product_id, []).append(candidate.rows or (candidate.row,))
    for vote in views:
        scores = {candidate.product_id: candidate.score for candidate in vote.decision.candidates}
        lowest = min(scores.values())
        for product_id in sums:
            sums[product_id] += (vote.quality + 1e-6) * scores.get(product_id, lowest)
    ranked = sorted(sums, key=lambda product_id: (-sums[product_id], product_id))
    return tuple(_suspect(each, sums[each] / total, rows[each]) for each in ranked[:count])


def _suspect(product_id: str, score: float, rows: Sequence[tuple[int, ...]]) -> Candidate:
    by_rank = (row for rank in zip_longest(*rows) for row in rank if row is not None)
    first = tuple(dict.fromkeys(by_rank))
    return Candidate(product_id, score, first[0], first[:ROWS_KEPT])


def _accepts(decision: Decision, product_id: str) -> bool:
    return decision.state == "accepted" and decision.candidates[0].product_id == product_id


def _tallied(votes: Sequence[Vote]) -> dict[str, _Tally]:
    tallies: dict[str, _Tally] = {}
    for vote in votes:
        decision = vote.decision
        if decision.state == "unknown" or not decision.candidates:
            continue
        best = decision.candidates[0]
        first = tallies.setdefault(best.product_id, _Tally())
        first.scores.append((vote.quality, decision.score, decision.margin))
        first.offered += vote.quality
        if decision.state == "accepted":
            first.accepted += vote.quality
            continue
        for runner_up in decision.candidates[1:2]:
            tallies.setdefault(runner_up.product_id, _Tally()).offered += 0.5 * vote.quality
    return tallies


def _accepted(product_id: str, tally: _Tally, reason: str) -> Verdict:
    weights, scores, margins = (np.array(column) for column in zip(*tally.scores, strict=True))
    weights = weights + 1e-6
    return Verdict(
        "accepted",
        product_id,
        float(np.average(scores, weights=weights)),
        float(np.average(margins, weights=weights)),
        len(tally.scores),
        reason=reason,
    )


def _undecided(
    votes: Sequence[Vote], tallies: dict[str, _Tally], total: float, config: CountingConfig
) -> Verdict:
    views = len(votes)
    named = sum(tally.offered for tally in tallies.values() if tally.scores)
    if named < config.ask_share * total or len(tallies) < 1:
        likeliest = tuple(suspect.product_id for suspect in suspects_of(votes, config.choices_max))
        return Verdict("unknown", choices=likeliest, reason=f"no product in enough of {views} views")
    ranked = sorted(tallies, key=lambda name: (-tallies[name].offered, name))
    best = _accepted(ranked[0], tallies[ranked[0]], "") if tallies[ranked[0]].scores else Verdict("ambiguous")
    return Verdict(
        "ambiguous",
        None,
        best.score,
        best.margin,
        best.score_count,
        choices=tuple(ranked[: config.choices_max]),
        reason=f"{len(tallies)} products named in {views} views, none sure",
    )
