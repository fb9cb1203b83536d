"""System checks of the accounts: published passwords, and tokens that could not be taken back."""

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
    """Remind of accounts whose password is published."""
    return default_passwords_found(CheckWarning, "ebrcs.W003")


@register(deploy=True)
def default_passwords_refused(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a deployment in which anybody can log in as the shop keeper."""
    return default_passwords_found(Error, "ebrcs.E003")


def default_passwords_found(kind: type[CheckWarning | Error], check_id: str) -> list[CheckMessage]:
    """Return a message for each account whose password is published."""
    return [
        kind(
            f"The account {name!r} still has the demonstration's password.",
            hint="Change them with `manage.py changepassword NAME`, or disable the accounts in the admin.",
            id=check_id,
        )
        for name in default_accounts_list()
    ]


@register()
def token_blacklist_installed(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse to run without the blacklist: the token library would keep none and say nothing."""
    if apps.is_installed(BLACKLIST_APP):
        return []
    return [
        Error(
            "Used refresh tokens cannot be blacklisted.",
            hint=f'Add "{BLACKLIST_APP}" to INSTALLED_APPS.',
            id="ebrcs.E004",
        )
    ]
