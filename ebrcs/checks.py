"""System checks of the configuration, with stable ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from ebrcs.rate_limits import proxies_trusted
from ebrcs.secret_key import secret_key_fault
from recognition.vision.encoders.torchvision_fit import torchvision_misfit


@register()
def environment_names_known(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """Warn of variables with our prefix that no setting reads, most likely misspelt."""
    return [
        CheckWarning(
            f"{name} is set, but no setting has that name.", hint="See .env.example.", id="ebrcs.W001"
        )
        for name in settings.UNKNOWN_ENVIRONMENT_NAMES
    ]


@register()
def torchvision_fits(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """Warn of a torchvision with which DINOv3 and CLIP cannot be loaded; imports neither library."""
    misfit = torchvision_misfit()
    if misfit is None:
        return []
    return [
        CheckWarning(
            f"DINOv3 and CLIP encoders cannot be loaded: {misfit.fact}.",
            hint=f"Run `{misfit.remedy}`. The compact encoder needs no torchvision.",
            id="ebrcs.W004",
        )
    ]


@register(deploy=True)
def origins_listed(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """Refuse a deployment that accepts any host name, and so any origin."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Error(
            'EBRCS_ALLOWED_HOSTS contains "*", which makes every origin a trusted one.',
            hint="List the host names shoppers use.",
            id="ebrcs.E002",
        )
    ]


@register(deploy=True)
def proxies_counted(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """Refuse a proxy that ends TLS and is not counted: all clients would share its rate limits."""
    if not settings.BEHIND_HTTPS or proxies_trusted():
        return []
    return [
        Error(
            "EBRCS_BEHIND_HTTPS says that there is a proxy, and EBRCS_PROXIES that there is none.",
            hint="Set EBRCS_PROXIES to the number of proxies that append to X-Forwarded-For, 1 for most.",
            id="ebrcs.E006",
        )
    ]


@register(deploy=True)
def secret_key_strong(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """Refuse a deployment whose secret key can be guessed: whoever knows it logs in as anybody."""
    fault = secret_key_fault(settings.SECRET_KEY)
    if not fault:
        return []
    return [
        Error(
            f"EBRCS_SECRET_KEY can be guessed: {fault}.",
            hint="Leave it empty to have one made and kept in the data folder.",
            id="ebrcs.E008",
        )
    ]
