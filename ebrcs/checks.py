"""System checks of the configuration, with stable ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning


@register()
def environment_names_known(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """Name variables that look meant for us but that nothing reads: most likely a misspelling."""
    return [
        CheckWarning(
            f"{name} is set, but no setting has that name.", hint="See .env.example.", id="ebrcs.W001"
        )
        for name in settings.UNKNOWN_ENVIRONMENT_NAMES
    ]


@register(deploy=True)
def origins_listed(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """Refuse a deployment in which any host name, and so any origin, would be accepted."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Error(
            'EBRCS_ALLOWED_HOSTS contains "*", which makes every origin a trusted one.',
            hint="List the host names shoppers use.",
            id="ebrcs.E002",
        )
    ]
