from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CheckoutConfig(AppConfig):
    """Checkout sessions, their carts, pages and socket."""

    name = "checkout"
    verbose_name = _("Checkout")
