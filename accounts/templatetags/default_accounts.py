"""Lets admin pages warn of accounts that still have a published password."""

from __future__ import annotations

from django import template

from accounts.selectors import default_accounts_list

register = template.Library()


@register.simple_tag
def default_accounts_in_use() -> list[str]:
    """Return the names of accounts that still have the demo shop's password."""
    return default_accounts_list()
