"""Forms the verdict on a track from its views, and from the verification of the best of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recognition.vision.decision.decide import ASK_LEAD, ROWS_KEPT, Candidate, Decision
from recognition.vision.lane.reasons import Reason, ReasonCode, because

State = Literal["candidate", "accepted", "ambiguous", "unknown"]
Mode = Literal["scan", "cart", "tray"]
Action = Literal["add", "remove"]

NOT_LOOKED_AT = because(ReasonCode.NOT_LOOKED_AT)

CHOICES_MAX = 3
"""Products offered in a question."""


@dataclass(frozen=True)
class CountingConfig:
    """When the views of a track suffice for a verdict.

    Attributes
    ----------
    views_early : views after which an undisputed product is accepted
    views_full : views after which the votes decide in any case
    views_last : views that suffice when the item is already gone
    share : share of the vote weight that a product needs to be accepted
    against_share : largest share of the vote weight that views accepting another product may have
    ask_share : share of the vote weight that products together need for a question
    retry_s : an unknown item in view is embedded again at this interval, as the shopper may turn it
    recheck_s : an accepted item is embedded again at this interval, as it may be exchanged in the hand
    """

    views_early: int = 3
    views_full: int = 6
    views_last: int = 2
    share: float = 0.6
    against_share: float = 0.2
    ask_share: float = 0.5
    retry_s: float = 0.5
    recheck_s: float = 1.0


@dataclass(frozen=True)
class Vote:
    """The vote of one view of a track: its match, and the quality of the view (0..1)."""

    decision: Decision
    quality: float


@dataclass(frozen=True)
class Verdict:
    """What a track is.

    Attributes
    ----------
    product_id : the product, None unless accepted
    score, margin : quality-weighted means over the views that ranked this product first; 0 for unknown
    score_count : number of those views
    choices : for ambiguous, the products to ask about, the best first; for unknown, the likeliest, offered to
        the shopper
    reason : why, by the votes and the verification
    """

    state: State
    product_id: str | None = None
    score: float = 0.0
    margin: float = 0.0
    score_count: int = 0
    choices: tuple[str, ...] = ()
    reason: Reason = NOT_LOOKED_AT


@dataclass(frozen=True)
class CountEvent:
    """One physical item came or went.

    Attributes
    ----------
    picture : uint8 (h, w, 3), RGB, the best view of the item
    reason : what caused the event
    """

    action: Action
    product_id: str
    track: int
    score: float
    margin: float
    score_count: int
    picture: NDArray[np.uint8]
    reason: Reason


@dataclass
class _Tally:
    accepted: float = 0.0
    offered: float = 0.0
    scores: list[tuple[float, float, float]] = field(default_factory=list)


def verdict_of(votes: Sequence[Vote], config: CountingConfig, *, last: bool) -> Verdict:
    """Form the verdict of the views of one track.

    A product is accepted with ``share`` of the vote weight from views that accept it, at least ``views_last``
    of them, and no more than ``against_share`` of the weight from views that accept another. Where views name
    products but none reaches that, the verdict is ambiguous; otherwise unknown.

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
        return Verdict("candidate", reason=because(ReasonCode.TOO_FEW_VIEWS, views=len(votes)))
    tallies = _tallied(votes)
    total = sum(vote.quality for vote in votes) or 1.0
    ranked = sorted(tallies.items(), key=lambda item: (-item[1].accepted, -item[1].offered, item[0]))
    if ranked:
        product_id, tally = ranked[0]
        sure = sum(1 for vote in votes if _accepts(vote.decision, product_id))
        against = _against(product_id, ranked)
        undisputed = against == 0 and sure == len(votes)
        if undisputed or (
            (last or len(votes) >= config.views_full)
            and sure >= config.views_last
            and tally.accepted >= config.share * total
            and against <= config.against_share * total
        ):
            reason = because(ReasonCode.VIEWS_ACCEPT, accepting=sure, views=len(votes))
            return _accepted(product_id, tally, reason)
    if not last and len(votes) < config.views_full:
        return Verdict("candidate", reason=because(ReasonCode.VIEWS_DISAGREE, views=len(votes)))
    return _undecided(votes, tallies, total, config)


def second_verdict_of(votes: Sequence[Vote], config: CountingConfig) -> Verdict:
    """Form a new verdict on an unknown item from its newest views, perhaps of another side.

    Each of the last ``views_early`` views has to name a product. Otherwise the item stays unknown, and the
    state returned is ``candidate``.
    """
    newest = votes[-config.views_early :]
    if any(vote.decision.state == "unknown" for vote in newest):
        return Verdict("candidate", reason=because(ReasonCode.STILL_UNKNOWN))
    return verdict_of(newest, config, last=True)


def verified_verdict_of(verdict: Verdict, decisions: Sequence[Decision], views: int) -> Verdict:
    """Combine the verdict of the votes with the verification of the best pictures.

    Where the votes are undecided, verification may accept a product or leave a few to ask about. Where they
    accept one, it stands unless the artwork matches another: then the shopper is asked.

    Parameters
    ----------
    verdict : of the votes, not ``candidate``
    decisions : on the verified pictures, the best picture first
    views : number of votes, for the count behind an accepted score
    """
    found = verdict
    for decision in decisions:
        joined = _joined(verdict, decision, views)
        if joined.state == "accepted" or verdict.state == "accepted":
            return joined
        if found.state == "unknown":
            found = joined
    return found


def _joined(verdict: Verdict, decision: Decision, views: int) -> Verdict:
    if decision.state == "unknown" or not decision.candidates:
        return verdict
    best = decision.candidates[0]
    differs = verdict.product_id is not None and best.product_id != verdict.product_id
    if decision.state == "accepted" and not differs:
        if verdict.state == "accepted":
            return verdict
        reason = because(ReasonCode.VERIFIED, because=verdict.reason)
        return Verdict("accepted", best.product_id, decision.score, decision.margin, views, reason=reason)
    if verdict.state == "unknown" or differs:
        choices = [
            each.product_id for each in decision.candidates if best.log_odds - each.log_odds < ASK_LEAD
        ]
        if verdict.product_id is not None:
            choices = [best.product_id, verdict.product_id]
        reason = because(ReasonCode.VERIFICATION_UNDECIDED, because=verdict.reason)
        return Verdict(
            "ambiguous", None, decision.score, decision.margin, views, tuple(choices[:CHOICES_MAX]), reason
        )
    return verdict


def asked_where_doubtful(verdict: Verdict, votes: Sequence[Vote], config: CountingConfig) -> Verdict:
    """Turn an acceptance that the views speak against into a question, whoever accepted it.

    They do where another product scores higher (a negative margin, as artwork can outweigh scores), or where
    more than ``against_share`` of the vote weight accepts another one. A wrong addition costs more than a
    question.
    """
    product_id = verdict.product_id
    if verdict.state != "accepted" or product_id is None:
        return verdict
    if verdict.margin >= 0 and not contradicted(product_id, votes, config):
        return verdict
    named = [product_id, *(contender.product_id for contender in contenders_of(votes, CHOICES_MAX))]
    choices = tuple(dict.fromkeys(named))[:CHOICES_MAX]
    reason = because(ReasonCode.NO_PRODUCT_SURE, products=len(choices), views=len(votes))
    return Verdict("ambiguous", None, verdict.score, verdict.margin, verdict.score_count, choices, reason)


def contradicted(product_id: str, votes: Sequence[Vote], config: CountingConfig) -> bool:
    """Return whether views with more than ``against_share`` of the weight accept another product."""
    against = _against(product_id, _tallied(votes).items())
    return against > config.against_share * sum(vote.quality for vote in votes)


def exchanged_for(mismatches: Sequence[Vote], config: CountingConfig) -> str | None:
    """Return the product that an accepted item was exchanged for, from the views that do not match it.

    The newest ``views_early`` of them must all accept the same product: an item that is turned, or half
    hidden by a hand, matches nothing for a while.
    """
    newest = mismatches[-config.views_early :]
    names = {vote.decision.candidates[0].product_id for vote in newest if vote.decision.state == "accepted"}
    sure = all(vote.decision.state == "accepted" for vote in newest)
    return names.pop() if len(newest) == config.views_early and sure and len(names) == 1 else None


def contenders_of(votes: Sequence[Vote], count: int) -> tuple[Candidate, ...]:
    """Return the likeliest products of an item, by their quality-weighted mean scores over all views.

    A product missing from a view counts there with the view's lowest score. Its photos are those that ranked
    first in any view.
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
    return tuple(_contender(each, sums[each] / total, rows[each]) for each in ranked[:count])


def _contender(product_id: str, score: float, rows: Sequence[tuple[int, ...]]) -> Candidate:
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


def _against(product_id: str, tallies: Iterable[tuple[str, _Tally]]) -> float:
    """Return the weight of the views that accept another product."""
    return sum(tally.accepted for name, tally in tallies if name != product_id)


def _accepted(product_id: str, tally: _Tally, reason: Reason) -> Verdict:
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
    if named < config.ask_share * total:
        likeliest = tuple(contender.product_id for contender in contenders_of(votes, CHOICES_MAX))
        return Verdict("unknown", choices=likeliest, reason=because(ReasonCode.NO_PRODUCT, views=views))
    ranked = sorted(tallies, key=lambda name: (-tallies[name].offered, name))
    reason = because(ReasonCode.NO_PRODUCT_SURE, products=len(tallies), views=views)
    first = tallies[ranked[0]]
    best = _accepted(ranked[0], first, reason) if first.scores else Verdict("ambiguous")
    return Verdict(
        "ambiguous",
        None,
        best.score,
        best.margin,
        best.score_count,
        choices=tuple(ranked[:CHOICES_MAX]),
        reason=reason,
    )
