from django.apps import AppConfig


class RecognitionConfig(AppConfig):
    """The eyes: encoders, the index and what it is fed with."""

    name = "recognition"
