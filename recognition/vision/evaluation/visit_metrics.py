"""Metrics over played visits: carts, questions, and answer times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from recognition.vision.evaluation.recorded_visits import ShownItem
from recognition.vision.evaluation.visit_player import PlayedVisit
from recognition.vision.evaluation.visit_score import score_visits
from recognition.vision.lane.observations import SIGHTINGS_MIN, TrackLife
from recognition.vision.lane.reasons import ReasonCode


def visit_metrics(played: Sequence[PlayedVisit]) -> dict[str, Any]:
    """Compare the carts of played visits with the truth.

    Returns
    -------
    dict
        ``visits`` to ``misses`` as `score_visits` gives them. ``unknown_asked``: registered items shown that
        were asked about or called unknown, and so not silently wrong; None where the truth lists no events.
        ``answer_ms`` over all frames, ``busy_ms`` over those in which an item was encoded. ``unresolved``:
        items reported as left unresolved. ``silent_misses``: items shown, registered or not, that were
        neither added, asked about nor reported; None without events. ``wrong``: each visit whose cart is not
        right, with its differences.

    Raises
    ------
    ValueError
        Without visits.
    """
    carts = {each.visit.name: each.cart for each in played}
    score = score_visits(carts, [{"name": each.visit.name, "cart": each.visit.cart} for each in played])
    asked = [items_asked(each.visit.shown, each.lives) for each in played if each.visit.shown is not None]
    silent = [silent_misses(each) for each in played if each.visit.shown is not None]
    return {
        "visits": score["visits"],
        "cAcc": score["cAcc"],
        "count_error_mean": score["count_error_mean"],
        "false_adds": score["false_adds"],
        "misses": score["misses"],
        "doubles": score["doubles"],
        "unknown_asked": sum(asked) if asked else None,
        "answer_ms": percentiles(ms for each in played for ms in each.answer_ms),
        "busy_ms": percentiles(ms for each in played for ms in each.busy_ms),
        "frames": sum(len(each.answer_ms) for each in played),
        "items": score["items"],
        "unresolved": sum(len(each.unresolved) for each in played),
        "silent_misses": sum(silent) if silent else None,
        "false_adds_per_100_items": score["false_adds_per_100_items"],
        "wrong": [difference for each in played if (difference := _difference(each))["lines"]],
    }


def items_asked(shown: Sequence[ShownItem], lives: Iterable[TrackLife]) -> int:
    """Count the registered items whose track ended as a question or as unknown.

    Tracks and items are matched one to one by linear assignment, so that they overlap longest in time. A
    track that was accepted as an item's product has precedence, so that a hand beside it makes no question
    of it.

    Parameters
    ----------
    shown : items of the truth
    lives : tracks; those seen in fewer than ``SIGHTINGS_MIN`` frames do not count
    """
    tracks = [life for life in lives if life.sightings >= SIGHTINGS_MIN]
    if not tracks or not shown:
        return 0
    overlap = np.array(
        [
            [min(life.last_frame, item.last) - max(life.first_frame, item.first) + 1.0 for item in shown]
            for life in tracks
        ]
    )
    known = [
        [item.product is not None and life.verdict.product_id == item.product for item in shown]
        for life in tracks
    ]
    claim = np.where(overlap > 0, overlap + np.where(np.array(known), 1e6, 0.0), 0.0)
    rows, columns = linear_sum_assignment(claim, maximize=True)
    asked = 0
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        open_ended = tracks[row].verdict.state in ("ambiguous", "unknown")
        if claim[row, column] > 0 and shown[column].product is not None and open_ended:
            asked += 1
    return asked


def silent_misses(played: PlayedVisit) -> int:
    """Count the items shown, registered or not, that came to nothing: no addition, no question, no report.

    Each item needs a track of its own that overlaps it in time and came to something; tracks and items are
    matched one to one, so that as many as possible are.
    """
    shown = played.visit.shown or ()
    reported = {each.track for each in played.unresolved}
    tracks = [life for life in played.lives if life.track in reported or _came_to_something(life)]
    if not tracks or not shown:
        return len(shown)
    together = np.array(
        [
            [min(life.last_frame, item.last) >= max(life.first_frame, item.first) for item in shown]
            for life in tracks
        ]
    )
    rows, columns = linear_sum_assignment(together, maximize=True)
    return len(shown) - int(together[rows, columns].sum())


def _came_to_something(life: TrackLife) -> bool:
    return life.verdict.state == "ambiguous" or any(
        event.reason.code == ReasonCode.ADDED for event in life.story
    )


def percentiles(values_ms: Iterable[float]) -> dict[str, float | None]:
    """Return the median and the 95th percentile of times in milliseconds, None without any."""
    found = list(values_ms)
    if not found:
        return {"p50": None, "p95": None}
    return {
        "p50": round(float(np.percentile(found, 50)), 2),
        "p95": round(float(np.percentile(found, 95)), 2),
    }


def _difference(played: PlayedVisit) -> dict[str, Any]:
    products = sorted({*played.cart, *played.visit.cart})
    both = {name: (played.cart.get(name, 0), played.visit.cart.get(name, 0)) for name in products}
    return {
        "name": played.visit.name,
        "lines": {
            name: {"counted": counted, "shown": shown}
            for name, (counted, shown) in both.items()
            if counted != shown
        },
    }
