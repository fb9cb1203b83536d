from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, their roles and how they log in."""

    name = "accounts"
