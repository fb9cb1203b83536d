"""Disputed lines: where a shopper or a barcode said that an item was recognized wrongly."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from catalog.models import Product
from checkout.cart.reasons import stored_reason_say
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
    """Return the product the item was taken for: where a barcode disagrees, the one in the picture."""
    return line.other_product if line.action == Action.DISAGREE else line.product


def replaced_by(line: DisputedLine) -> Product | None:
    """Return the product it is, according to the shopper or the barcode; None where none was named."""
    return line.product if line.action == Action.DISAGREE else line.other_product


def addition_of(line: DisputedLine) -> ScanEvent:
    """Return the event that added the item, which has its picture and score, or else the line itself."""
    return line.about if line.about is not None and line.about.action == Action.ADD else line


def disputes_csv_lines(lines: QuerySet[DisputedLine]) -> Iterator[str]:
    """Yield a CSV with one line for each dispute; source, score and margin are those of the addition."""
    return csv_lines(COLUMNS, map(_row, lines.select_related("session__user").iterator(LINES_AT_ONCE)))


def _row(line: DisputedLine) -> tuple[object, ...]:
    addition = addition_of(line)
    return (
        line.created_at,
        str(line.session_id),
        line.session.user.username,
        line.action,
        taken_for(line) and str(taken_for(line)),
        replaced_by(line) and str(replaced_by(line)),
        line.quantity,
        addition.source,
        None if addition.score is None else round(addition.score, 4),
        None if addition.margin is None else round(addition.margin, 4),
        stored_reason_say(line.reason or addition.reason),
    )
