from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CheckoutConfig(AppConfig):
    """Checkout sessions with their carts, pages and WebSocket."""

    name = "checkout"
    verbose_name = _("Checkout")

    def ready(self) -> None:
        """Let alerts follow what happens in the visits of lanes."""
        from checkout.lanes import alert_rules

        alert_rules.connect()
