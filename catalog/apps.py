from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Products and their photos."""

    name = "catalog"
