"""Products with their photos in Django admin, saved through the services."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.forms import BaseModelFormSet, ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from catalog.models import Product, ProductImage
from catalog.photo_tags import thumbnail
from ebrcs.errors import EbrcsError
from recognition.admin.audit_page import check_page, check_progress
from recognition.admin.coach_admin import CoachedProductAdmin, PhotosFilter, photo_advice_of
from recognition.admin.forms import ProductForm
from recognition.admin.try_page import try_page
from recognition.services import (
    Upload,
    product_delete,
    product_image_delete,
    product_images_add,
    product_register,
    product_set_active,
    product_update,
)


class PhotoInline(admin.TabularInline[ProductImage, Product]):
    """The photos of a product with their state in the index; new ones come through the form's field."""

    model = ProductImage
    extra = 0
    fields = ("thumbnail", "advice", "state", "created_at")
    readonly_fields = ("thumbnail", "advice", "state", "created_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Photos are added many at once, by the field above."""
        return False

    @admin.display(description=_("photo"))
    def thumbnail(self, image: ProductImage) -> str:
        """Show the photo, linked to its full size."""
        return format_html(
            '<a href="{0}"><img class="photo-thumbnail" src="{0}" alt="{1}" loading="lazy"></a>',
            image.image.url,
            image.product.name,
        )

    @admin.display(description=_("suggestions"))
    def advice(self, image: ProductImage) -> str:
        """Say what is wrong with the photo and what to do."""
        return photo_advice_of(image)

    @admin.display(description=_("index status"))
    def state(self, image: ProductImage) -> str:
        """Say whether the photo can be matched."""
        if image.embedding_id is None:
            return str(_("not indexed yet"))
        if not image.product.is_active:
            return str(_("row %(row)d, withdrawn (product not on sale)") % {"row": image.embedding_id})
        return str(_("row %(row)d, active") % {"row": image.embedding_id})


@admin.register(Product)
class ProductAdmin(CoachedProductAdmin):
    """Products with their photos; saved through the services, so that every checkout knows them at once."""

    form = ProductForm
    inlines = (PhotoInline,)
    list_display = (
        "thumbnail",
        "name",
        "price",
        "barcode",
        "photo_count",
        "photo_advice",
        "is_active",
        "updated_at",
    )
    list_display_links = ("thumbnail", "name")
    list_filter = ("is_active", PhotosFilter)
    search_fields = ("name", "barcode", "description")
    list_per_page = 50
    actions = ("put_on_sale", "take_off_sale")
    fieldsets = (
        (None, {"fields": ("name", "description", "price", "barcode", "is_active")}),
        (_("Photos"), {"fields": ("photos",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        """Annotate the number of photos."""
        products = super().get_queryset(request).prefetch_related("images")
        return products.annotate(photo_total=Count("images"))

    @admin.display(description=_("photo"))
    def thumbnail(self, product: Product) -> str:
        """Show the first photo."""
        first = product.first_photo
        return thumbnail(first.image.url) if first else "–"

    @admin.display(description=_("photo count"), ordering="photo_total")
    def photo_count(self, product: Product) -> int:
        """Show how many photos there are."""
        return int(getattr(product, "photo_total", 0))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show and save outside a transaction, so that photos are embedded before any lock is taken.

        A refusal of the services becomes an error of the form, which keeps what was typed.
        """
        arguments = (request, object_id, form_url, extra_context)
        try:
            return self._changeform_view(*arguments)  # type: ignore[attr-defined,no-any-return]
        except EbrcsError as error:
            request.refusal = error.detail  # type: ignore[attr-defined]
            return self._changeform_view(*arguments)  # type: ignore[attr-defined,no-any-return]

    def get_form(
        self, request: HttpRequest, obj: Product | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Pass the form what the services have just refused."""
        form = super().get_form(request, obj, change, **kwargs)
        return type("ProductForm", (form,), {"refusal": getattr(request, "refusal", "")})

    def save_model(self, request: HttpRequest, obj: Product, form: ModelForm[Product], change: bool) -> None:
        """Register a new product, or change one and add the photos that came."""
        uploads = [Upload(filename=file.name or "", data=file.read()) for file in form.cleaned_data["photos"]]
        if not change:
            registration = product_register(
                name=obj.name,
                description=obj.description,
                price=obj.price,
                barcode=obj.barcode,
                uploads=uploads,
                created_by=request.user if request.user.is_authenticated else None,
            )
            obj.pk = registration.product.pk
            obj._state.adding = False
            self.coach(request, registration.product, registration.images)
            if not form.cleaned_data["is_active"]:
                product_set_active(product_id=obj.pk, is_active=False)
            return
        changes = {name: form.cleaned_data[name] for name in form.changed_data if name != "photos"}
        if changes:
            product_update(product_id=obj.pk, **changes)
        if uploads:
            self.coach(request, obj, product_images_add(product_id=obj.pk, uploads=uploads).images)

    def save_formset(
        self, request: HttpRequest, form: Any, formset: BaseModelFormSet[Any, Any], change: bool
    ) -> None:
        """Delete the photos that were ticked, which withdraws them at once."""
        formset.save(commit=False)
        for image in formset.deleted_objects:
            product_image_delete(image_id=image.pk)

    def delete_model(self, request: HttpRequest, obj: Product) -> None:
        """Delete through the service, which withdraws the photos."""
        product_delete(product_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        """Delete through the service, one by one."""
        for product in queryset:
            product_delete(product_id=product.pk)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Product], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Turn a refusal during an action into a message."""
        try:
            return super().response_action(request, queryset, *args, **kwargs)
        except EbrcsError as error:
            self.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    @admin.action(description=_("Put selected products on sale"))
    def put_on_sale(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        """Let every checkout recognize them again."""
        self._set_active(request, queryset, is_active=True)

    @admin.action(description=_("Take selected products off sale"))
    def take_off_sale(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        """Withdraw them from every checkout."""
        self._set_active(request, queryset, is_active=False)

    def _set_active(self, request: HttpRequest, queryset: QuerySet[Product], *, is_active: bool) -> None:
        for product_id in queryset.values_list("pk", flat=True):
            product_set_active(product_id=UUID(str(product_id)), is_active=is_active)
        count = queryset.count()
        text = ngettext("%(count)d product updated.", "%(count)d products updated.", count)
        self.message_user(request, text % {"count": count})

    def get_urls(self) -> list[URLPattern]:
        """Add the pages to try a picture and to check all products."""
        guarded = self.admin_site.admin_view
        return [
            path("try/", guarded(partial(try_page, model_admin=self)), name="catalog_product_try"),
            path("check/", guarded(check_page), name="catalog_product_check"),
            path("check/progress/", guarded(check_progress), name="catalog_product_check_progress"),
            *super().get_urls(),
        ]
