from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, their roles and how they log in."""

    name = "accounts"

    def ready(self) -> None:
        """Import the checks so that Django registers them."""
        from accounts import checks  # noqa: F401
