"""Disputed lines: where a shopper or a barcode said that the till was wrong; what it took an item for."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from catalog.models import Product
from checkout.models import DisputedLine, ScanEvent
from ebrcs.admin_site.csv_export import csv_lines

Action = ScanEvent.Action
DISPUTES = (Action.CORRECT, Action.UNDO, Action.DISAGREE)
COLUMNS = (
    "time",
    "session",
    "shopper",
    "what",
    "taken_for",
    "instead",
    "quantity",
    "source",
    "score",
    "margin",
    "reason",
)
LINES_AT_ONCE = 1_000


def taken_for(line: DisputedLine) -> Product | None:
    """Return what the till took the item for: where a barcode disagrees, what the picture looked like."""
    return line.other_product if line.action == Action.DISAGREE else line.product


def instead(line: DisputedLine) -> Product | None:
    """Return what it is by the word of the shopper or the barcode; None where nothing took its place."""
    return line.product if line.action == Action.DISAGREE else line.other_product


def seen_by(line: DisputedLine) -> ScanEvent:
    """Return the event that put the item there, which has its score; else the line itself."""
    return line.about if line.about is not None and line.about.action == Action.ADD else line


def disputes_csv_lines(lines: QuerySet[DisputedLine]) -> Iterator[str]:
    """Yield a CSV with one line for each dispute; source and score are those of the addition in dispute."""
    return csv_lines(COLUMNS, map(_row, lines.select_related("session__user").iterator(LINES_AT_ONCE)))


def _row(line: DisputedLine) -> tuple[object, ...]:
    seen = seen_by(line)
    return (
        line.created_at,
        str(line.session_id),
        line.session.user.username,
        line.action,
        taken_for(line) and str(taken_for(line)),
        instead(line) and str(instead(line)),
        line.quantity,
        seen.source,
        None if seen.score is None else round(seen.score, 4),
        None if seen.margin is None else round(seen.margin, 4),
        line.reason or seen.reason,
    )
