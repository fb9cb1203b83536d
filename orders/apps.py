from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Receipts."""

    name = "orders"
