"""Scan events in Django admin: every event of every visit, and the disputed lines among them."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from catalog.models import Product
from catalog.photo_tags import thumbnail
from checkout.cart.reasons import stored_reason_say
from checkout.models import DisputedLine, ScanEvent
from checkout.review.disputes import DISPUTES, addition_of, disputes_csv_lines, replaced_by, taken_for
from checkout.review.filters import DisputedProductFilter, DisputeFilter
from checkout.review.story import events_with_products
from ebrcs.admin_site.csv_export import CsvExport
from ebrcs.admin_site.read_only import ReadOnlyAdmin

ABSENT = "–"


def picture_of(event: ScanEvent, *, has_picture: bool) -> str:
    """Return the HTML of what the camera saw."""
    if not has_picture:
        return ABSENT
    return thumbnail(reverse("admin:checkout_scanevent_picture", args=[event.pk]))


def product_shown(product: Product | None) -> str:
    """Return the HTML of a product: photo, name and link; its photos must have been prefetched."""
    if product is None:
        return ABSENT
    first = product.first_photo
    photo = thumbnail(first.image.url) if first else ""
    address = reverse("admin:catalog_product_change", args=[product.pk])
    return format_html('<a class="pictured" href="{}">{}{}</a>', address, photo, product.name)


class EventColumns:
    """Columns that all scan events have."""

    @admin.display(description=_("image"))
    def picture(self, event: ScanEvent) -> str:
        """Show what the camera saw."""
        return picture_of(event, has_picture=getattr(event, "has_picture", False))

    @admin.display(description=_("reason"))
    def why(self, event: ScanEvent) -> str:
        """Show what led to it, in the reader's language."""
        return stored_reason_say(event.reason) or ABSENT

    @admin.display(description=_("session"))
    def story(self, event: ScanEvent) -> str:
        """Link to the story of the visit."""
        address = reverse("admin:checkout_checkoutsession_change", args=[event.session_id])
        return format_html('<a href="{}">{}</a>', address, _("View timeline"))


@admin.register(ScanEvent)
class ScanEventAdmin(EventColumns, ReadOnlyAdmin[ScanEvent]):
    """Every event of every visit, to find what often goes wrong."""

    list_display = (
        "picture",
        "created_at",
        "action",
        "product",
        "quantity",
        "source",
        "score",
        "margin",
        "story",
    )
    list_display_links = ("created_at",)
    list_filter = ("action", "source", "created_at")
    list_select_related = ("product",)
    search_fields = ("product__name", "=session__id")
    fields = (*list_display, "other_product", "about", "why")
    readonly_fields = fields
    ordering = ("-created_at", "-id")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScanEvent]:
        """Defer the pictures; each has an address of its own."""
        return events_with_products(super().get_queryset(request))

    def get_urls(self) -> list[URLPattern]:
        """Add the pictures."""
        view = self.admin_site.admin_view(self.picture_view, cacheable=True)
        return [
            path("<uuid:event_id>/picture/", view, name="checkout_scanevent_picture"),
            *super().get_urls(),
        ]

    def picture_view(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        """Serve the small picture of an event, which never changes."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        picture = ScanEvent.objects.filter(pk=event_id).values_list("thumbnail", flat=True).first()
        if not picture:
            raise Http404
        headers = {"Cache-Control": "private, max-age=31536000, immutable"}
        return HttpResponse(bytes(picture), content_type="image/jpeg", headers=headers)


@admin.register(DisputedLine)
class DisputedLineAdmin(EventColumns, CsvExport[DisputedLine], ReadOnlyAdmin[DisputedLine]):
    """Lines that were corrected, undone, or contradicted by a barcode; what was seen, and what it is."""

    list_display = ("created_at", "action", "seen", "was_taken_for", "put_instead", "seen_score", "story")
    list_filter = (DisputeFilter, DisputedProductFilter, "created_at")
    search_fields = ("product__name", "other_product__name", "=session__id")
    date_hierarchy = "created_at"
    fields = (
        "created_at",
        "action",
        "seen",
        "was_taken_for",
        "put_instead",
        "quantity",
        "seen_score",
        "why",
        "story",
    )
    readonly_fields = fields
    ordering = ("-created_at", "-id")
    list_per_page = 50
    show_full_result_count = False
    csv_filename = "disputed-items.csv"

    def get_queryset(self, request: HttpRequest) -> QuerySet[DisputedLine]:
        """Keep only disputes, with the photos of the products they are about."""
        lines = events_with_products(super().get_queryset(request).filter(action__in=DISPUTES))
        return lines.prefetch_related("product__images", "other_product__images")

    def csv_lines(self, queryset: QuerySet[DisputedLine]) -> Iterator[str]:
        """Yield one line per dispute."""
        return disputes_csv_lines(queryset.prefetch_related(None))

    @admin.display(description=_("image"))
    def seen(self, line: DisputedLine) -> str:
        """Show the picture of the addition in dispute."""
        event = addition_of(line)
        name = "has_picture" if event is line else "about_has_picture"
        return picture_of(event, has_picture=getattr(line, name, False))

    @admin.display(description=_("recognized as"))
    def was_taken_for(self, line: DisputedLine) -> str:
        """Show what the item was taken for."""
        return product_shown(taken_for(line))

    @admin.display(description=_("corrected to"))
    def put_instead(self, line: DisputedLine) -> str:
        """Show what shopper or barcode said it is."""
        return product_shown(replaced_by(line))

    @admin.display(description=_("score"))
    def seen_score(self, line: DisputedLine) -> str:
        """Show the score of the addition in dispute."""
        score = addition_of(line).score
        return ABSENT if score is None else f"{score:.2f}"
