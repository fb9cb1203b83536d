from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Users, their roles and how they log in."""

    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        """Import the checks so that Django registers them, and what hears of changed stores."""
        from accounts import checks, page_store  # noqa: F401
