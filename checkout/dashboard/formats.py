"""Numbers, changes and slots of the dashboard, written as the reader's language does."""

from __future__ import annotations

from decimal import Decimal

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from orders.periods import Number, Period
from orders.statistics import ratio

ABSENT = "–"
"""Written where there is no number."""


def period_name(days: int) -> str:
    """Return what a period is called."""
    return _("Today") if days == 1 else ngettext("%(days)d day", "%(days)d days", days) % {"days": days}


def slot_names(period: Period, *, short: bool = False) -> list[str]:
    """Return the name of each slot: an hour or a date."""
    if period.is_hourly:
        return [date_format(slot.starts, _("G:i")) for slot in period.slots]
    form = _("M j") if short else "DATE_FORMAT"
    return [date_format(slot.starts, form) for slot in period.slots]


def number(value: Number, places: int = 0) -> str:
    """Write a number with so many decimal places."""
    return str(number_format(round(Decimal(value), places), places, use_l10n=True, force_grouping=True))


def change(now: Number | None, before: Number | None) -> str:
    """Write by how many percent a number rose or fell; empty where either is absent or zero."""
    if not now or not before:
        return ""
    percent = round(100 * (float(now) / float(before) - 1))
    sign = "+" if percent > 0 else "\N{MINUS SIGN}" if percent < 0 else "±"
    return f"{sign}{number(abs(percent))}%"


def percentage(part: Number, whole: Number) -> str:
    """Write a part as a percentage of the whole."""
    share = ratio(100 * part, whole)
    return ABSENT if share is None else f"{number(share)}%"


def milliseconds(value: Number) -> str:
    """Write a time in milliseconds."""
    return _("%(number)s ms") % {"number": number(value)}
