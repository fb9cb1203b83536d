from django.apps import AppConfig


class CheckoutConfig(AppConfig):
    """Sessions, carts and the till's pages and socket."""

    name = "checkout"
