"""URLs of the products and recognition API, below /api/."""

from __future__ import annotations

from django.urls import URLPattern, path

from recognition import api

urlpatterns: list[URLPattern] = [
    path("products", api.ProductListView.as_view(), name="api-products"),
    path("products/<uuid:product_id>", api.ProductDetailView.as_view(), name="api-product"),
    path("products/<uuid:product_id>/images", api.ProductImagesView.as_view(), name="api-product-images"),
    path(
        "products/<uuid:product_id>/images/<uuid:image_id>",
        api.ProductImageView.as_view(),
        name="api-product-image",
    ),
    path("recognize", api.RecognizeView.as_view(), name="api-recognize"),
]
