from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Users, their roles and how they log in."""

    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        """Import the checks so that Django registers them, and listen: for changed stores, and for logins."""
        from django.contrib.auth.signals import user_logged_in

        from accounts import checks, page_store  # noqa: F401
        from accounts.browsers import browser_remember

        user_logged_in.connect(browser_remember, dispatch_uid="accounts.browser_remember")
