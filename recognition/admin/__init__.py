"""Django admin of products, photos and the index; Django finds what is registered here."""

from recognition.admin import index, products

__all__ = ["index", "products"]
