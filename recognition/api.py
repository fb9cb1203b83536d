"""Products, their photos, and the recognition of single pictures over REST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiRequest, OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from accounts.permissions import IsShopAdmin
from catalog.images import PhotoTooLarge
from catalog.models import Product, ProductImage
from catalog.selectors import product_list
from recognition import services
from recognition.engine.shared import engine
from recognition.errors import PhotoUnknown
from recognition.photos.coach import registration_warnings
from recognition.serializers import (
    PhotosSerializer,
    PictureSerializer,
    ProductChangeSerializer,
    ProductCreateSerializer,
    ProductQuerySerializer,
    ProductSerializer,
    RecognitionSerializer,
    RegistrationSerializer,
)
from recognition.services.checks import product_require
from recognition.services.recognizing import TOP_MATCHES, pictures_recognize

# What a file may be, for readers of the schema; its content decides.
PICTURES = {"contentType": "image/jpeg, image/png, image/webp"}


def checked(kind: type[serializers.Serializer[object]], data: Any, **options: Any) -> dict[str, Any]:
    """Return the validated values of a body."""
    body = kind(data=data, **options)
    body.is_valid(raise_exception=True)
    return cast("dict[str, Any]", body.validated_data)


def upload_read(file: UploadedFile[Any]) -> services.Upload:
    """Read a file into memory, unless its size alone rules it out."""
    filename, limit = file.name or "photo", settings.IMAGE_MAX_BYTES
    if (file.size or 0) > limit:
        raise PhotoTooLarge(filename, f"{file.size} bytes; up to {limit} are allowed.", limit=limit)
    return services.Upload(filename=filename, data=file.read())


def uploads_read(files: Sequence[UploadedFile[Any]]) -> list[services.Upload]:
    """Read files into memory, unless there are more than a registration may have."""
    if len(files) > settings.IMAGE_MAX_COUNT:
        return [services.Upload(filename=file.name or "photo", data=b"") for file in files]
    return [upload_read(file) for file in files]


def registration_answer(registration: services.Registration) -> Response:
    """Return what was registered, with the warnings about it."""
    body = {
        "status": "added",
        "product_id": str(registration.product.pk),
        "product_name": registration.product.name,
        "images_count": len(registration.images),
        "total_products": registration.total_products,
        "total_embeddings": registration.total_embeddings,
        "index_seq": registration.index_seq,
        "warnings": [
            warning.payload() for warning in registration_warnings(registration.product, registration.images)
        ],
    }
    return Response(body, status=status.HTTP_201_CREATED)


class ProductListView(generics.ListAPIView[Product]):
    """Lists products for anyone logged in, and registers new ones for admins."""

    queryset = Product.objects.none()
    serializer_class = ProductSerializer
    parser_classes = [MultiPartParser]

    @property
    def throttle_scope(self) -> str:
        """Only registering is limited."""
        return "upload" if self.request.method == "POST" else ""

    def get_permissions(self) -> list[BasePermission]:
        """Require an admin for registering."""
        return [IsShopAdmin() if self.request.method == "POST" else IsAuthenticated()]

    def get_queryset(self) -> QuerySet[Product]:
        """Return what the caller may see: shoppers only what is on sale."""
        asked = checked(ProductQuerySerializer, self.request.query_params)
        admin = cast("User", self.request.user).is_admin
        active = asked["active"] if admin else True
        return product_list(q=asked["q"], barcode=asked.get("barcode", ""), active=active)

    @extend_schema(parameters=[ProductQuerySerializer], operation_id="product_list")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List products by name."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request={
            "multipart/form-data": OpenApiRequest(ProductCreateSerializer, encoding={"images": PICTURES})
        },
        responses={201: RegistrationSerializer},
        operation_id="product_register",
    )
    def post(self, request: Request) -> Response:
        """Register a product with its photos: all of them or nothing."""
        values = checked(ProductCreateSerializer, request.data)
        registration = services.product_register(
            name=values["name"],
            description=values.get("description", ""),
            price=values.get("price"),
            barcode=values.get("barcode"),
            uploads=uploads_read(values["images"]),
            created_by=cast("User", request.user),
        )
        return registration_answer(registration)


class ProductDetailView(APIView):
    """Shows, changes and deletes a product."""

    permission_classes = [IsShopAdmin]

    @extend_schema(responses=ProductSerializer, operation_id="product_get")
    def get(self, request: Request, product_id: UUID) -> Response:
        """Show a product."""
        return Response(ProductSerializer(product_require(product_id)).data)

    @extend_schema(
        request=ProductChangeSerializer, responses=ProductSerializer, operation_id="product_update"
    )
    def patch(self, request: Request, product_id: UUID) -> Response:
        """Change a product; `is_active` false withdraws it from every checkout at once."""
        changes = checked(ProductChangeSerializer, request.data, partial=True)
        services.product_update(product_id=product_id, **changes)
        return Response(ProductSerializer(product_require(product_id)).data)

    @extend_schema(
        responses={204: OpenApiResponse(description="The product is gone.")}, operation_id="product_delete"
    )
    def delete(self, request: Request, product_id: UUID) -> Response:
        """Delete a product that was never sold."""
        services.product_delete(product_id=product_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ProductImagesView(APIView):
    """Adds photos."""

    permission_classes = [IsShopAdmin]
    parser_classes = [MultiPartParser]
    throttle_scope = "upload"

    @extend_schema(
        request={"multipart/form-data": OpenApiRequest(PhotosSerializer, encoding={"images": PICTURES})},
        responses={201: RegistrationSerializer},
        operation_id="product_images_add",
    )
    def post(self, request: Request, product_id: UUID) -> Response:
        """Add photos to a product: all of them or none."""
        values = checked(PhotosSerializer, request.data)
        uploads = uploads_read(values["images"])
        return registration_answer(services.product_images_add(product_id=product_id, uploads=uploads))


class ProductImageView(APIView):
    """Deletes photos."""

    permission_classes = [IsShopAdmin]

    @extend_schema(
        responses={204: OpenApiResponse(description="The photo is gone.")},
        operation_id="product_image_delete",
    )
    def delete(self, request: Request, product_id: UUID, image_id: UUID) -> Response:
        """Delete a photo; it matches nothing from now on."""
        if not ProductImage.objects.filter(pk=image_id, product_id=product_id).exists():
            raise PhotoUnknown(f"The product has no photo {image_id}.", image_id=str(image_id))
        services.product_image_delete(image_id=image_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RecognizeView(APIView):
    """Recognizes single pictures."""

    parser_classes = [MultiPartParser]
    throttle_scope = "recognize"

    @extend_schema(
        request={"multipart/form-data": OpenApiRequest(PictureSerializer, encoding={"image": PICTURES})},
        responses=RecognitionSerializer,
        operation_id="recognize",
    )
    def post(self, request: Request) -> Response:
        """Return which products a picture may show; changes no cart."""
        upload = upload_read(checked(PictureSerializer, request.data)["image"])
        engine().require_ready()
        pictures = [(upload.filename, upload.data)]
        answer = pictures_recognize(pictures, top=TOP_MATCHES)[0]
        return Response(RecognitionSerializer(answer).data)
