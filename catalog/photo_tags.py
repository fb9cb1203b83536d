"""The HTML of small photos in Django admin."""

from __future__ import annotations

from django.utils.html import format_html


def thumbnail(address: str) -> str:
    """Return the HTML of a small picture, loaded when it scrolls into view."""
    return format_html('<img class="photo-thumbnail" src="{}" alt="" loading="lazy">', address)
