from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RecognitionConfig(AppConfig):
    """Product registration, the index of their photos, and the engine that recognizes pictures."""

    name = "recognition"
    verbose_name = _("Recognition")
