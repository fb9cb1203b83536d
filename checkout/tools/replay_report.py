"""Reports on played visits: their receipts beside the truth, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from checkout.tools.replay import Report
from recognition.vision.evaluation.visit_score import VisitsScore, score_visits


def report_lines(reports: Sequence[Report]) -> Iterator[str]:
    """Yield the receipts line by line; a line that differs from the truth shows the true count."""
    for report in reports:
        verdict = {True: "right", False: "WRONG", None: "truth not known"}[report.is_right]
        yield f"{report.visit.name}: {verdict}"
        truth = report.visit.truth
        counts = report.counts
        for name in sorted(counts | (truth or {})):
            shown = "" if truth is None or truth.get(name, 0) == counts.get(name, 0) else "  <- shown "
            yield f"  {counts.get(name, 0):3d} x {name}{shown}{(truth or {}).get(name, 0) if shown else ''}"
        amount = report.cart["total_amount"]
        total = "no total" if amount is None else f"{amount} {report.cart['currency']}"
        yield f"  {report.cart['total_items']} items, {total}" + (
            f", order {report.order['number']}" if report.order else ""
        )
        if report.dropped or report.problems:
            yield f"  frames left out: {report.dropped}; errors: {dict(report.problems)}"
        if report.failure:
            yield f"  failed: {report.failure}"
        if report.lives is not None:
            yield from report.lives.lines()


def summary_line(reports: Sequence[Report]) -> str:
    """Return the share of visits whose whole cart is right (cAcc)."""
    score = visits_score(reports)
    if score is None:
        return f"{len(reports)} visits played; the truth is not known."
    right = round(score["cAcc"] * score["visits"])
    return f"cAcc {score['cAcc']:.3f}: {right} of {score['visits']} carts right"


def visits_score(reports: Sequence[Report]) -> VisitsScore | None:
    """Score the visits whose truth is known, as `manage.py evaluate --sequences` does; None without any."""
    known = [(report, report.visit.truth) for report in reports if report.visit.truth is not None]
    if not known:
        return None
    return score_visits(
        {report.visit.name: report.counts for report, _ in known},
        [{"name": report.visit.name, "cart": truth} for report, truth in known],
    )


def report_json(reports: Sequence[Report]) -> dict[str, Any]:
    """Return the reports as JSON takes them."""
    score = visits_score(reports)
    return {
        "cacc": None if score is None else score["cAcc"],
        "score": score,
        "visits": [
            {
                "name": report.visit.name,
                "right": report.is_right,
                "cart": report.cart,
                "truth": report.visit.truth,
                "frames": len(report.visit.frames),
                "answered": report.answered,
                "dropped": report.dropped,
                "errors": dict(report.problems),
                "order": report.order,
                "failure": report.failure,
                **({"tracks": report.lives.as_json()} if report.lives is not None else {}),
            }
            for report in reports
        ],
    }
