"""Metrics over decisions on pictures: recall, false accepts, questions, confusions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recognition.vision.decision.decide import Decision

FALSE_ACCEPT_SHARE = 0.01
"""Share of impostors accepted, at which recall is measured."""

RECALL_SHARE = 0.95
"""Share of right answers accepted, at which false accepts are measured."""


@dataclass(frozen=True)
class Answer:
    """The decision on one picture.

    Attributes
    ----------
    picture : its position among the pictures shown
    truth : its class; of an impostor one that is not registered, or set aside
    """

    picture: int
    truth: str
    decision: Decision

    @property
    def confidence(self) -> float:
        """How sure the decision is, in log-odds beyond what is needed; comparable between pictures."""
        return self.decision.confidence

    @property
    def named(self) -> str | None:
        """The likeliest product, None where nothing was found."""
        return self.decision.candidates[0].product_id if self.decision.candidates else None

    @property
    def right(self) -> bool:
        """Whether the likeliest product is the true one."""
        return self.named == self.truth

    @property
    def accepted(self) -> bool:
        """Whether it would have been added without a question."""
        return self.decision.state == "accepted"

    def within(self, count: int) -> bool:
        """Whether the true class is among the first `count` candidates."""
        return self.truth in {each.product_id for each in self.decision.candidates[:count]}


def photo_metrics(answers: Sequence[Answer], impostors: Sequence[Answer]) -> dict[str, float | None]:
    """Compute the metrics over pictures of registered products and pictures of unregistered ones.

    Returns
    -------
    dict
        Shares in 0..1; None where there are no pictures to count. Recall is of the final ranking:
        ``recall_at_1`` and ``recall_at_5`` over pictures, ``macro_recall_at_1`` the mean over classes. As
        decided: ``accepted_rate``, ``right_accept_rate`` and ``ambiguous_rate`` of registered pictures,
        ``false_accept_rate`` of impostors. With the threshold swept over all confidences:
        ``recall_at_false_accept_1pct``, the share of registered pictures accepted and named right while at
        most 1% of the impostors are accepted, and ``false_accept_rate_at_95pct_recall``, the share of
        impostors accepted once 95% of the registered pictures that are named right are.
    """
    of_class: dict[str, list[bool]] = defaultdict(list)
    for answer in answers:
        of_class[answer.truth].append(answer.right)
    return {
        "recall_at_1": share(answer.right for answer in answers),
        "macro_recall_at_1": mean(float(np.mean(right)) for right in of_class.values()),
        "recall_at_5": share(answer.within(5) for answer in answers),
        "accepted_rate": share(answer.accepted for answer in answers),
        "right_accept_rate": share(answer.accepted and answer.right for answer in answers),
        "ambiguous_rate": share(answer.decision.state == "ambiguous" for answer in answers),
        "false_accept_rate": share(answer.accepted for answer in impostors),
        "recall_at_false_accept_1pct": recall_at_false_accepts(answers, impostors),
        "false_accept_rate_at_95pct_recall": false_accepts_at_recall(answers, impostors),
    }


def recall_at_false_accepts(answers: Sequence[Answer], impostors: Sequence[Answer]) -> float | None:
    """Return the share of pictures accepted rightly at the lowest threshold that few enough impostors pass.

    The threshold is the confidence of the first impostor that must not pass; what lies above is accepted.
    """
    if not answers or not impostors:
        return None
    falling = sorted((answer.confidence for answer in impostors), reverse=True)
    # slightly more than the product, which may fall short of a whole number by rounding
    threshold = falling[int(FALSE_ACCEPT_SHARE * len(falling) + 1e-9)]
    return share(answer.right and answer.confidence > threshold for answer in answers)


def false_accepts_at_recall(
    answers: Sequence[Answer], impostors: Sequence[Answer], *, recall: float = RECALL_SHARE
) -> float | None:
    """Return the share of impostors at or above the highest threshold that enough right answers reach.

    Parameters
    ----------
    recall : share of the right answers, 0..1
    """
    right = sorted((answer.confidence for answer in answers if answer.right), reverse=True)
    if not right or not impostors:
        return None
    threshold = right[int(np.ceil(recall * len(right) - 1e-9)) - 1]
    return share(answer.confidence >= threshold for answer in impostors)


def class_metrics(answers: Sequence[Answer], photos: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Return the metrics of each registered class, in the order of the names.

    Parameters
    ----------
    photos : number of gallery photos of each registered class; one without pictures has recall None
    """
    of_class: dict[str, list[Answer]] = {name: [] for name in sorted(photos)}
    for answer in answers:
        of_class[answer.truth].append(answer)
    return {
        name: {
            "photos": photos[name],
            "queries": len(mine),
            "recall_at_1": share(answer.right for answer in mine),
            "recall_at_5": share(answer.within(5) for answer in mine),
            "right_accept_rate": share(answer.accepted and answer.right for answer in mine),
            "wrong_accept_rate": share(answer.accepted and not answer.right for answer in mine),
            "ambiguous_rate": share(answer.decision.state == "ambiguous" for answer in mine),
        }
        for name, mine in of_class.items()
    }


@dataclass(frozen=True)
class Confusion:
    """Pictures of one class that were taken for another.

    Attributes
    ----------
    answers : on these pictures, the surest first
    of : pictures of the class that were shown
    """

    truth: str
    named: str
    answers: tuple[Answer, ...]
    of: int

    @property
    def accepted(self) -> int:
        """How many of them would have been added without a question."""
        return sum(answer.accepted for answer in self.answers)


def confusions_of(answers: Sequence[Answer]) -> list[Confusion]:
    """Group wrong answers by pair of classes, those with most wrong accepts first, then with most answers."""
    pictures_of: dict[str, int] = defaultdict(int)
    pairs: dict[tuple[str, str], list[Answer]] = defaultdict(list)
    for answer in answers:
        pictures_of[answer.truth] += 1
        if answer.named is not None and not answer.right:
            pairs[answer.truth, answer.named].append(answer)
    found = [
        Confusion(
            truth,
            named,
            tuple(sorted(wrong, key=lambda each: (-each.confidence, each.picture))),
            pictures_of[truth],
        )
        for (truth, named), wrong in pairs.items()
    ]
    return sorted(found, key=lambda each: (-each.accepted, -len(each.answers), each.truth, each.named))


def mean_metrics(draws: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Average the metrics of several draws, each over the draws that have it."""
    return {name: mean(draw[name] for draw in draws) for name in draws[0]}


def share(facts: Iterable[bool]) -> float | None:
    """Return the share of facts that hold, 0..1; None without any."""
    return mean(float(fact) for fact in facts)


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of the values that are not None; None without any."""
    found = [value for value in values if value is not None]
    return float(np.mean(found)) if found else None
