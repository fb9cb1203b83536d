"""Writes amounts as the browser's `Intl` does, so that a price looks the same on every page."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from django import template
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext

register = template.Library()

SYMBOLS = {
    "AUD": "$",
    "CAD": "$",
    "CNY": "¥",
    "EUR": "€",
    "GBP": "£",
    "HKD": "$",
    "INR": "₹",
    "JPY": "¥",
    "KRW": "₩",
    "NZD": "$",
    "TWD": "$",
    "USD": "$",
    "VND": "₫",
}
WITHOUT_CENTS = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"})


@register.filter(is_safe=False)
def money(amount: Decimal | str | None, currency: str) -> str | SafeString:
    """Write an amount with the symbol of its currency, or "no price" for None."""
    if amount is None or amount == "":
        return gettext("no price")
    step = Decimal(1) if currency in WITHOUT_CENTS else Decimal("0.01")
    return _format(Decimal(amount), currency, step)


@register.filter(is_safe=False)
def money_whole(amount: Decimal | float, currency: str) -> str:
    """Write an amount without cents, for the scales of charts."""
    return _format(Decimal(amount), currency, Decimal(1))


def _format(amount: Decimal, currency: str, step: Decimal) -> str:
    number = str(number_format(amount.quantize(step, ROUND_HALF_EVEN), use_l10n=True, force_grouping=True))
    return f"{SYMBOLS[currency]}{number}" if currency in SYMBOLS else f"{currency}\N{NO-BREAK SPACE}{number}"
