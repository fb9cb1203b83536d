"""How reports format shares."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def percent(share: float | None) -> str:
    """Format a share in 0..1 as a percentage, and None as a dash."""
    if share is None:
        return "–"
    hundredths = 100 * share
    return f"{hundredths:.0f}%" if hundredths in {0.0, 100.0} else f"{hundredths:.1f}%"
