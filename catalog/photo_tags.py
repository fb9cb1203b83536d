"""The HTML of small photos, as admin shows them."""

from __future__ import annotations

from django.utils.html import format_html


def thumbnail(address: str) -> str:
    """Show a small picture; it is fetched when it comes into view."""
    return format_html('<img class="photo-thumbnail" src="{}" alt="" loading="lazy">', address)
