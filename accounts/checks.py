"""System checks of accounts: published passwords, and refresh tokens that could not be revoked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from accounts.selectors import default_accounts_list

BLACKLIST_APP = "rest_framework_simplejwt.token_blacklist"


@register()
def default_passwords_known(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Warn of accounts that still have a published password."""
    return default_passwords_found(CheckWarning, "ebrcs.W003")


@register(deploy=True)
def default_passwords_refused(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a deployment in which anyone can log in as the shop keeper."""
    return default_passwords_found(Error, "ebrcs.E003")


def default_passwords_found(kind: type[CheckWarning | Error], check_id: str) -> list[CheckMessage]:
    """Return a message for each account that still has a published password."""
    return [
        kind(
            f"The account {name!r} still has the published password of the demo shop.",
            hint="Change it with `manage.py changepassword NAME`, or disable the account in the admin.",
            id=check_id,
        )
        for name in default_accounts_list()
    ]


@register()
def token_blacklist_installed(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse to run without the blacklist app: the token library would silently blacklist nothing."""
    if apps.is_installed(BLACKLIST_APP):
        return []
    return [
        Error(
            "Used refresh tokens cannot be blacklisted.",
            hint=f'Add "{BLACKLIST_APP}" to INSTALLED_APPS.',
            id="ebrcs.E004",
        )
    ]
