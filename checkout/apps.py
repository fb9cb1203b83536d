from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CheckoutConfig(AppConfig):
    """Checkout sessions with their carts, pages and WebSocket."""

    name = "checkout"
    verbose_name = _("Checkout")
