"""The shop whose name stands on a page."""

from __future__ import annotations

from django import template
from django.template import Context

from accounts.models import Store
from accounts.page_store import page_store_known

register = template.Library()


@register.simple_tag(takes_context=True)
def page_shop(context: Context) -> Store:
    """Return the store of a page; the one read last where a page about an error has no context."""
    found: Store | None = context.get("shop")
    return page_store_known() if found is None else found
