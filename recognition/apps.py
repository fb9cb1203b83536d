from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RecognitionConfig(AppConfig):
    """The eyes: encoders, the index and what it is fed with."""

    name = "recognition"
    verbose_name = _("Recognition")
