"""Shows the coach's warnings in Django admin: after an upload, beside each photo, and in the list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from catalog.models import Product, ProductImage
from recognition.photos.checks import photo_checks_complete
from recognition.photos.coach import (
    PhotoWarning,
    product_warnings,
    products_needing_photos,
    registration_warnings,
)

SHORT_ADVICE: dict[str, Promise | str] = {
    "blurred": _("blurred"),
    "too_dark": _("too dark"),
    "too_bright": _("overexposed"),
    "washed_out": _("washed out"),
    "too_small": _("low resolution"),
    "item_small": _("product too small"),
    "same_picture": _("duplicate photo"),
    "same_picture_elsewhere": _("photo of another product"),
    "few_photos": _("too few photos"),
    "few_views": _("only one side shown"),
}

_WARNINGS_ATTRIBUTE = "_photo_warnings"


class PhotosFilter(admin.SimpleListFilter):
    """Filters products by whether the coach has a warning about their photos."""

    title = _("photo issues")
    parameter_name = "photos"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Name the two choices."""
        return [("needed", _("needs better photos")), ("good", _("good photos"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> QuerySet[Product]:
        """Narrow the list down."""
        if self.value() not in {"needed", "good"}:
            return queryset
        needing = products_needing_photos()
        if self.value() == "needed":
            return queryset.filter(pk__in=needing)
        return queryset.exclude(pk__in=needing)


class CoachedProductAdmin(admin.ModelAdmin[Product]):
    """Adds the warnings of the coach to the pages of products."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Fetch the warnings of all products of a page at once."""
        response = super().changelist_view(request, extra_context)
        page = getattr(response, "context_data", None) or {}
        if "cl" in page:
            products = list(page["cl"].result_list)
            page["cl"].result_list = products
            warnings_keep(products)
        return response

    @admin.display(description=_("photo issues"))
    def photo_advice(self, product: Product) -> SafeString | str:
        """List what is weak about the photos."""
        found = warnings_of(product)
        if not found:
            return "–"
        risky = [each.other for each in found if each.code == "confusable" and each.other]
        alike = sorted({other.product.name for other in risky})
        counts = Counter(each.code for each in found if each.code in SHORT_ADVICE)
        notes = [
            f"{SHORT_ADVICE[code]} ({count})" if count > 1 else str(SHORT_ADVICE[code])
            for code, count in counts.items()
        ]
        notes += [str(_("looks like %(name)s") % {"name": name}) for name in alike]
        return format_html('<ul class="photo-advice">{}</ul>', _items(notes))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show what concerns the product as a whole above its photos."""
        product = context.get("original")
        if isinstance(product, Product):
            photo_checks_complete(list(product.images.all()))
            found = warnings_of(product)
            context["photo_warnings"] = [each for each in found if each.image is None]
            context["look_alikes"] = [each for each in found if each.code == "confusable"]
        return super().render_change_form(request, context, *args, **kwargs)

    def coach(self, request: HttpRequest, product: Product, images: Collection[ProductImage]) -> None:
        """Show the warnings about photos that have just been uploaded."""
        found = registration_warnings(product, images)
        counts = Counter((each.image is not None, each.detail) for each in found)
        for (of_photo, detail), count in counts.items():
            if of_photo and len(images) > 1:
                photos = ngettext("%(count)d photo", "%(count)d photos", count) % {"count": count}
                self.message_user(request, f"{product.name}, {photos}: {detail}", messages.WARNING)
            else:
                self.message_user(request, f"{product.name}: {detail}", messages.WARNING)


def warnings_keep(products: list[Product]) -> None:
    """Fetch the warnings of products together and keep them with each."""
    found = product_warnings(products)
    for product in products:
        setattr(product, _WARNINGS_ATTRIBUTE, found[product.pk])


def warnings_of(product: Product) -> list[PhotoWarning]:
    """Return the warnings kept with a product, which are fetched first where none are."""
    if not hasattr(product, _WARNINGS_ATTRIBUTE):
        warnings_keep([product])
    found: list[PhotoWarning] = getattr(product, _WARNINGS_ATTRIBUTE)
    return found


def photo_advice_of(image: ProductImage) -> SafeString | str:
    """Return the warnings about one photo as a list."""
    own = [each.detail for each in warnings_of(image.product) if each.image and each.image.pk == image.pk]
    return format_html('<ul class="photo-advice">{}</ul>', _items(own)) if own else "–"


def _items(lines: Iterable[str]) -> SafeString:
    return format_html_join("", "<li>{}</li>", ((line,) for line in lines))
