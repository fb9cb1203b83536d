"""The payloads of products, photos and recognition over REST."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.gtin import validate_gtin
from catalog.models import Product, ProductImage
from catalog.text import text_clean
from ebrcs.api.fields import StrictBooleanField, StrictCharField, StrictDecimalField

DESCRIPTION_LENGTH = 10_000


class PhotoSerializer(serializers.ModelSerializer[ProductImage]):
    """A photo; `embedding_id` is its row in the index."""

    image_id = serializers.UUIDField(source="id", read_only=True)
    url = serializers.CharField(source="image.url", read_only=True)

    class Meta:
        model = ProductImage
        fields = ["image_id", "url", "embedding_id", "created_at"]
        read_only_fields = fields


class ProductSerializer(serializers.ModelSerializer[Product]):
    """A product; `price` is text such as "2.50", or null."""

    product_id = serializers.UUIDField(source="id", read_only=True)
    images = PhotoSerializer(many=True, read_only=True)

    class Meta:
        model = Product
        fields = [
            "product_id",
            "name",
            "description",
            "price",
            "barcode",
            "is_active",
            "images",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


@extend_schema_field({"type": "string", "format": "gtin", "maxLength": 14})
class BarcodeField(StrictCharField):
    """A GTIN with a valid check digit, or an empty text for none."""


class ProductFieldsSerializer(serializers.Serializer[object]):
    """The fields of a product that a client may set."""

    name = StrictCharField(max_length=200)
    description = StrictCharField(max_length=DESCRIPTION_LENGTH, allow_blank=True, required=False)
    price = StrictDecimalField(max_digits=12, decimal_places=2, allow_null=True, required=False)
    barcode = BarcodeField(max_length=14, allow_null=True, allow_blank=True, required=False)

    def validate_name(self, name: str) -> str:
        """Normalize the name."""
        if not (cleaned := text_clean(name)):
            raise serializers.ValidationError("A name needs a visible character.", code="blank")
        return cleaned

    def validate_barcode(self, barcode: str | None) -> str | None:
        """Accept a number with a valid check digit; an empty one means none."""
        if not barcode:
            return None
        validate_gtin(barcode)
        return barcode


class ProductChangeSerializer(ProductFieldsSerializer):
    """The fields of a product that may be changed; what is not named stays."""

    is_active = StrictBooleanField(required=False)


@extend_schema_field(
    {
        "type": "array",
        "items": {"type": "string", "format": "binary"},
        "minItems": 1,
        "maxItems": settings.IMAGE_MAX_COUNT,
    }
)
class PhotosField(serializers.ListField):
    """Files, which the service counts."""


class PhotosSerializer(serializers.Serializer[object]):
    """Photos as files; their content counts, not their names."""

    images = PhotosField(
        child=serializers.FileField(allow_empty_file=True, use_url=False),
        help_text=f"1 to {settings.IMAGE_MAX_COUNT} JPEG, PNG or WebP files.",
    )


class ProductCreateSerializer(ProductFieldsSerializer, PhotosSerializer):
    """A new product with its photos, as a form, which holds no null."""

    price = StrictDecimalField(max_digits=12, decimal_places=2, required=False)
    barcode = BarcodeField(max_length=14, allow_blank=True, required=False)


class PictureSerializer(serializers.Serializer[object]):
    """One picture as a file."""

    image = serializers.FileField(allow_empty_file=True, use_url=False, help_text="A JPEG, PNG or WebP file.")


class PhotoWarningSerializer(serializers.Serializer[object]):
    """A reason why a product would be recognized badly; `image_id` is null where it is about all photos."""

    code = serializers.CharField(
        help_text="blurred, too_dark, too_bright, washed_out, too_small, item_small, same_picture, "
        "same_picture_elsewhere, confusable, few_photos or few_views; there may be more later."
    )
    image_id = serializers.UUIDField(allow_null=True)
    detail = serializers.CharField(help_text="A sentence with what to do.")
    product_id = serializers.UUIDField(required=False, help_text="The product it may be confused with.")
    product_name = serializers.CharField(required=False)
    score = serializers.FloatField(required=False, help_text="Similarity of the two photos.")


class RegistrationSerializer(serializers.Serializer[object]):
    """What was registered; a replica that has applied `index_seq` recognizes it."""

    status = serializers.CharField(help_text="added")
    product_id = serializers.UUIDField()
    product_name = serializers.CharField()
    images_count = serializers.IntegerField(help_text="Photos added by this call.")
    total_products = serializers.IntegerField()
    total_embeddings = serializers.IntegerField()
    index_seq = serializers.IntegerField()
    warnings = PhotoWarningSerializer(
        many=True, help_text=("Warnings do not block: the photos are registered.")
    )


class MatchSerializer(serializers.Serializer[object]):
    """A product a picture may show."""

    product_id = serializers.UUIDField()
    name = serializers.CharField()
    score = serializers.FloatField(help_text="Score of its best photo, at most 1.")
    agreeing = serializers.FloatField(help_text="Share of the picture with which its artwork agrees, 0 to 1.")
    inliers = serializers.IntegerField(help_text="Keypoints of a photo of it that were found again.")


class RecognitionSerializer(serializers.Serializer[object]):
    """What a picture shows: `accepted` the first match, `ambiguous` between the first, or `unknown`."""

    state = serializers.ChoiceField(choices=["accepted", "ambiguous", "unknown"])
    score = serializers.FloatField()
    margin = serializers.FloatField(
        help_text="Lead over the best other score; below 0 where artwork decided."
    )
    confidence = serializers.FloatField(
        help_text="Log-odds of the first match above the threshold; 0 or more if accepted."
    )
    sureness = serializers.FloatField(help_text="Probability that the first match is right, 0 to 1.")
    sureness_needed = serializers.FloatField(help_text="Probability that accepting takes here, 0 to 1.")
    looked_closely = serializers.BooleanField(help_text="Whether artwork was compared.")
    matches = MatchSerializer(many=True)


class ProductQuerySerializer(serializers.Serializer[object]):
    """How the list of products may be filtered."""

    q = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="Part of the name, or a barcode."
    )
    barcode = serializers.CharField(max_length=14, required=False, allow_blank=True)
    active = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Admins only; others see what is on sale."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Normalize the search text."""
        return {**attrs, "q": text_clean(attrs.get("q", ""))}
