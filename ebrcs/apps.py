from django.apps import AppConfig


class EbrcsConfig(AppConfig):
    """Registers the system checks."""

    name = "ebrcs"

    def ready(self) -> None:
        """Import the checks so that Django registers them."""
        from ebrcs import checks  # noqa: F401
