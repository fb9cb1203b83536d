"""What changes products, photos and with them the index; recognizing single pictures is in `recognizing`."""

from recognition.photos.intake import Upload
from recognition.services.products import (
    product_delete,
    product_image_delete,
    product_set_active,
    product_update,
)
from recognition.services.registration import Registration, product_images_add, product_register

__all__ = [
    "Registration",
    "Upload",
    "product_delete",
    "product_image_delete",
    "product_images_add",
    "product_register",
    "product_set_active",
    "product_update",
]
