"""What the shop sells, and the photos it is recognized by.

Nothing here knows how recognition works. Adding a product is registering its photos: product, photos, vectors
and the log of the index are one transaction of `recognition.services`, which a change of name, of sale or of
photos goes through as well. So the pages and the API that manage products are in `recognition`, which may
import this app, and not the other way round. `ProductImage.embedding_id` stays here because it is a column of
the photo in the data model: `recognition` writes and reads it, and to this app it is a number.
"""

from __future__ import annotations

import uuid
from pathlib import PurePosixPath

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Cast, Concat, Length, Mod, Replace, Right, Substr, Trim
from django.db.models.lookups import Exact, In
from django.utils.translation import gettext_lazy as _

from catalog.gtin import GTIN_LENGTHS, gtin_variants, validate_gtin


def barcode_without_digits() -> models.Expression | Replace:
    """Return the SQL expression that strips every digit from the barcode, on any database."""
    expression: Replace | F = F("barcode")
    for digit in "0123456789":
        expression = Replace(expression, Value(digit), Value(""))
    assert isinstance(expression, Replace)
    return expression


def barcode_padded() -> Right:
    """Return the SQL expression of the barcode as the GTIN-14 it stands for."""
    return Right(Concat(Value("000000"), F("barcode")), 14)


def barcode_checksum() -> Mod:
    """Return the SQL expression of the GTIN checksum: 0 when the check digit is right.

    Padded to 14 digits the weights are 3, 1, 3, 1, ... from the left, the check digit weighing 1 (GS1
    General Specifications, section 7.9).
    """
    padded = barcode_padded()
    total: models.Expression | Cast | None = None
    for position in range(1, 15):
        digit = Cast(Substr(padded, position, 1), models.IntegerField())
        weighted = digit * Value(3 if position % 2 else 1)
        total = weighted if total is None else total + weighted
    return Mod(total, Value(10), output_field=models.IntegerField())


class Product(models.Model):
    """Something the shop sells; once sold, it is taken off sale instead of deleted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    price = models.DecimalField(
        _("price"), max_digits=12, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    barcode = models.CharField(
        _("barcode"),
        max_length=14,
        unique=True,
        null=True,
        blank=True,
        validators=[validate_gtin],
    )
    is_active = models.BooleanField(_("on sale"), default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("created by"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="products",
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        db_table = "products"
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["name", "id"], name="catalog_product_name_idx")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(Exact(Trim("name"), Value(""))), name="catalog_product_name_not_blank"
            ),
            models.CheckConstraint(
                condition=Q(price__isnull=True) | Q(price__gte=0), name="catalog_product_price_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(barcode__isnull=True)
                | Q(Exact(barcode_without_digits(), Value(""))) & ~Q(barcode=""),
                name="catalog_product_barcode_digits",
            ),
            models.CheckConstraint(
                condition=Q(barcode__isnull=True) | Q(In(Length("barcode"), list(GTIN_LENGTHS))),
                name="catalog_product_barcode_length",
            ),
            # PostgreSQL checks in the order of names: this one, which casts, must come after the two above.
            models.CheckConstraint(
                condition=Q(barcode__isnull=True) | Q(Exact(barcode_checksum(), Value(0))),
                name="catalog_product_barcode_sum_right",
            ),
            # With or without the zeros in front it is the same number, so a scanner could mean either.
            models.UniqueConstraint(
                barcode_padded(),
                condition=Q(barcode__isnull=False),
                name="catalog_product_barcode_number_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def first_photo(self) -> ProductImage | None:
        """The photo it is shown with; reads prefetched photos, if there are any."""
        return next(iter(self.images.all()), None)

    def clean(self) -> None:
        """Refuse the barcode of another product, however many zeros lead it, as an error of the field."""
        others = Product.objects.filter(barcode__in=gtin_variants(self.barcode or "")).exclude(pk=self.pk)
        if others.exists():
            raise ValidationError({"barcode": _("A product with this barcode already exists.")})


PHOTO_FOLDER = "products"


def product_image_path(image: ProductImage, filename: str) -> str:
    """Return where a photo is stored: by product, named by its own id, never by the client's file name."""
    return f"{PHOTO_FOLDER}/{image.product_id}/{image.id}{PurePosixPath(filename).suffix}"


class ProductImage(models.Model):
    """A photo a product is recognized by, re-encoded on upload; `embedding_id` is its row in the index."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="images")
    image = models.ImageField(
        _("photo"), db_column="image_path", upload_to=product_image_path, max_length=255
    )
    sha256 = models.CharField(_("file SHA-256"), max_length=64)
    embedding_id = models.PositiveIntegerField(_("index row"), unique=True, null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        db_table = "product_images"
        verbose_name = _("photo")
        verbose_name_plural = _("photos")
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "sha256"], name="catalog_productimage_photo_unique_in_product"
            ),
            models.CheckConstraint(
                condition=Q(Exact(Length("sha256"), Value(64))), name="catalog_productimage_sha256_length"
            ),
        ]
        indexes = [models.Index(fields=["sha256"], name="catalog_productimage_sha256")]

    def __str__(self) -> str:
        return f"{self.product_id}/{self.id}"
