"""How shares are written in reports."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def percent(share: float | None) -> str:
    """Write a share in 0..1 as a percentage, a dash where there is none."""
    if share is None:
        return "–"
    hundredths = 100 * share
    return f"{hundredths:.0f}%" if hundredths in {0.0, 100.0} else f"{hundredths:.1f}%"
