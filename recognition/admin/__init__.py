"""Django admin of products, photos and the index; Django finds what is registered here."""

from recognition.admin import products

__all__ = ["products"]
