"""System checks of the accounts: published passwords, and tokens that could not be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from accounts.selectors import default_accounts_list

BLACKLIST_APP = "rest_framework_simplejwt.token_blacklist"
CHANGE_HINT = "Change them with `manage.py changepassword NAME`, or disable the accounts in the admin."


@register()
def default_passwords_known(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Remind of accounts whose password is published."""
    return [
        CheckWarning(
            f"The account {name!r} still has the demonstration's password.",
            hint=CHANGE_HINT,
            id="ebrcs.W003",
        )
        for name in default_accounts_list()
    ]


@register(deploy=True)
def default_passwords_refused(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a deployment in which anybody can log in as the shop keeper."""
    return [
        Error(
            f"The account {name!r} still has the demonstration's password.",
            hint=CHANGE_HINT,
            id="ebrcs.E003",
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
