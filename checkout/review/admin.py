"""Visits in Django admin: the story of each, every scan event, and the lines that were disputed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from catalog.models import Product
from catalog.photo_tags import thumbnail
from checkout.cart import selectors
from checkout.cart.reasons import reworded
from checkout.models import BillingItem, CheckoutSession, DisputedLine, ScanEvent
from checkout.review.disputes import DISPUTES, disputes_csv_lines, instead, seen_by, taken_for
from checkout.review.filters import DOUBTS, DisputedProductFilter, DisputeFilter, DoubtFilter
from checkout.review.story import events_told, story_tell
from ebrcs.csv_export import CsvExport
from ebrcs.read_only_admin import ReadOnlyAdmin
from orders.models import Order

NOTHING = "–"


def picture_of(event: ScanEvent, *, has_picture: bool) -> str:
    """Show what the camera saw."""
    if not has_picture:
        return NOTHING
    return thumbnail(reverse("admin:checkout_scanevent_picture", args=[event.pk]))


def product_shown(product: Product | None) -> str:
    """Show a product with its first photo and a link to it; its photos must have been fetched."""
    if product is None:
        return NOTHING
    first = product.first_photo
    photo = thumbnail(first.image.url) if first else ""
    address = reverse("admin:catalog_product_change", args=[product.pk])
    return format_html('<a class="pictured" href="{}">{}{}</a>', address, photo, product.name)


@admin.register(CheckoutSession)
class CheckoutSessionAdmin(ReadOnlyAdmin[CheckoutSession]):
    """Visits, the newest first, each with its story."""

    list_display = ("created_at", "user", "status", "line_count", "doubt_count", "order_link", "last_active")
    list_filter = (DoubtFilter, "status", "created_at")
    list_select_related = ("user", "order")
    search_fields = ("=id", "user__username", "=order__number")
    date_hierarchy = "created_at"
    fields = ("user", "status", "created_at", "last_active", "order_link")
    readonly_fields = ("order_link",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[CheckoutSession]:
        """Count lines and doubts along."""
        lines = BillingItem.objects.filter(session=OuterRef("pk"))
        doubts = ScanEvent.objects.filter(session=OuterRef("pk"), action__in=DOUBTS)
        return super().get_queryset(request).annotate(line_total=_count(lines), doubt_total=_count(doubts))

    @admin.display(description=_("cart lines"), ordering="line_total")
    def line_count(self, session: CheckoutSession) -> int:
        """Show how many lines the cart has."""
        return int(getattr(session, "line_total", 0))

    @admin.display(description=_("issues"), ordering="doubt_total")
    def doubt_count(self, session: CheckoutSession) -> int:
        """Show how often something was asked, not recognised or disputed."""
        return int(getattr(session, "doubt_total", 0))

    @admin.display(description=_("order"))
    def order_link(self, session: CheckoutSession) -> str:
        """Lead to what the visit became."""
        try:
            order = session.order
        except Order.DoesNotExist:
            return NOTHING
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:orders_order_change", args=[order.pk]), order.number
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the visit with its story beside what was in the cart at the end."""
        session = self.get_object(request, object_id)
        story: dict[str, Any] = {}
        if session is not None:
            story = {"story": story_tell(session=session), "cart": selectors.cart_get(session_id=session.pk)}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **story})


class Told:
    """Shows what scan events say of themselves."""

    @admin.display(description=_("image"))
    def picture(self, event: ScanEvent) -> str:
        """Show what the camera saw."""
        return picture_of(event, has_picture=getattr(event, "has_picture", False))

    @admin.display(description=_("reason"))
    def why(self, event: ScanEvent) -> str:
        """Say what led to it, in the reader's language."""
        return reworded(event.reason) or NOTHING

    @admin.display(description=_("session"))
    def story(self, event: ScanEvent) -> str:
        """Lead to the visit."""
        address = reverse("admin:checkout_checkoutsession_change", args=[event.session_id])
        return format_html('<a href="{}">{}</a>', address, _("View timeline"))


@admin.register(ScanEvent)
class ScanEventAdmin(Told, ReadOnlyAdmin[ScanEvent]):
    """Every event of every visit, to look for what goes wrong often."""

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
        """Leave the pictures where they are; each has an address of its own."""
        return events_told(super().get_queryset(request))

    def get_urls(self) -> list[URLPattern]:
        """Add the pictures."""
        view = self.admin_site.admin_view(self.picture_view, cacheable=True)
        return [
            path("<uuid:event_id>/picture/", view, name="checkout_scanevent_picture"),
            *super().get_urls(),
        ]

    def picture_view(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        """Answer with the small picture of an event, which never changes."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        picture = ScanEvent.objects.filter(pk=event_id).values_list("thumbnail", flat=True).first()
        if not picture:
            raise Http404
        headers = {"Cache-Control": "private, max-age=31536000, immutable"}
        return HttpResponse(bytes(picture), content_type="image/jpeg", headers=headers)


@admin.register(DisputedLine)
class DisputedLineAdmin(Told, CsvExport[DisputedLine], ReadOnlyAdmin[DisputedLine]):
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
    csv_filename = "disputed-lines.csv"

    def get_queryset(self, request: HttpRequest) -> QuerySet[DisputedLine]:
        """Keep disputes only, with the photos of the products they are about."""
        lines = events_told(super().get_queryset(request).filter(action__in=DISPUTES))
        return lines.prefetch_related("product__images", "other_product__images")

    def csv_lines(self, queryset: QuerySet[DisputedLine]) -> Iterator[str]:
        """Yield one line per dispute."""
        return disputes_csv_lines(queryset.prefetch_related(None))

    @admin.display(description=_("image"))
    def seen(self, line: DisputedLine) -> str:
        """Show the picture of the addition in dispute."""
        event = seen_by(line)
        name = "has_picture" if event is line else "about_has_picture"
        return picture_of(event, has_picture=getattr(line, name, False))

    @admin.display(description=_("recognized as"))
    def was_taken_for(self, line: DisputedLine) -> str:
        """Show what the till took it for."""
        return product_shown(taken_for(line))

    @admin.display(description=_("corrected to"))
    def put_instead(self, line: DisputedLine) -> str:
        """Show what shopper or barcode said it is."""
        return product_shown(instead(line))

    @admin.display(description=_("score"))
    def seen_score(self, line: DisputedLine) -> str:
        """Show how sure the till was."""
        score = seen_by(line).score
        return NOTHING if score is None else f"{score:.2f}"


def _count(rows: QuerySet[Any]) -> Any:
    """Return the number of rows of a subquery, without joining them."""
    counted = rows.order_by().values("session").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
