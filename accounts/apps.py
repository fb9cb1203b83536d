from typing import Any

from django.apps import AppConfig
from django.apps import apps as apps_now
from django.db.models.signals import post_migrate
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
        post_migrate.connect(first_store_make, sender=self, dispatch_uid="accounts.first_store_make")


def first_store_make(*, apps: Any = apps_now, **_kwargs: Any) -> None:
    """Make the first store as soon as there is a table for it; without a store no page has a name."""
    from accounts.stores import FIRST_STORE_ID, first_store_fields

    try:
        stores = apps.get_model("accounts", "Store").objects
    except LookupError:  # migrated back to before there were stores
        return
    if not stores.exists():
        stores.get_or_create(pk=FIRST_STORE_ID, defaults=first_store_fields())
