"""Puts the receipts of played visits into words, next to what was really shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from checkout.replay import Report


def report_lines(reports: Sequence[Report]) -> Iterator[str]:
    """Yield one receipt after the other; a line that is not as it should be says so."""
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


def summary_line(reports: Sequence[Report]) -> str:
    """Return the share of visits whose whole cart is right (cAcc)."""
    known = [report.is_right for report in reports if report.is_right is not None]
    if not known:
        return f"{len(reports)} visits played; the truth is not known."
    return f"cAcc {sum(known) / len(known):.3f}: {sum(known)} of {len(known)} carts right"


def report_json(reports: Sequence[Report]) -> dict[str, Any]:
    """Return all that is known of the visits, for machines."""
    known = [report.is_right for report in reports if report.is_right is not None]
    return {
        "cacc": sum(known) / len(known) if known else None,
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
            }
            for report in reports
        ],
    }
