from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CheckoutConfig(AppConfig):
    """Sessions, carts and the till's pages and socket."""

    name = "checkout"
    verbose_name = _("Checkout")
