"""A visit's story in Django admin: what was added or removed, when, why, and what the camera saw."""

from __future__ import annotations

import base64

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from checkout.models import BillingItem, CheckoutSession, ScanEvent
from ebrcs.read_only_admin import ReadOnlyAdmin, ReadOnlyInline


class BillingItemInline(ReadOnlyInline[BillingItem, CheckoutSession]):
    """The cart."""

    model = BillingItem
    fields = ("product", "quantity", "avg_score", "score_count", "source", "added_at")


class PictureMixin:
    """Shows the small picture stored with a scan event."""

    @admin.display(description=_("picture"))
    def picture(self, event: ScanEvent) -> str:
        """Show the picture from the row itself."""
        if not event.thumbnail:
            return "–"
        encoded = base64.b64encode(bytes(event.thumbnail)).decode()
        return format_html('<img class="photo-thumbnail" src="data:image/jpeg;base64,{}" alt="">', encoded)


class ScanEventInline(PictureMixin, ReadOnlyInline[ScanEvent, CheckoutSession]):
    """What happened, in order."""

    model = ScanEvent
    fields = (
        "picture",
        "created_at",
        "action",
        "product",
        "quantity",
        "source",
        "score",
        "margin",
        "reason",
    )


@admin.register(CheckoutSession)
class CheckoutSessionAdmin(ReadOnlyAdmin[CheckoutSession]):
    """Visits, the newest first."""

    list_display = ("id", "user", "status", "line_count", "created_at", "last_active")
    list_filter = ("status", "created_at")
    list_select_related = ("user",)
    search_fields = ("=id", "user__username")
    date_hierarchy = "created_at"
    inlines = (BillingItemInline, ScanEventInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CheckoutSession]:
        """Count the lines of each cart along."""
        return super().get_queryset(request).annotate(line_total=Count("billing_items"))

    @admin.display(description=_("cart lines"), ordering="line_total")
    def line_count(self, session: CheckoutSession) -> int:
        """Show how many lines the cart has."""
        return int(getattr(session, "line_total", 0))


@admin.register(ScanEvent)
class ScanEventAdmin(PictureMixin, ReadOnlyAdmin[ScanEvent]):
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
        "session",
    )
    list_filter = ("action", "source", "created_at")
    list_select_related = ("product", "session")
    search_fields = ("product__name", "=session__id")
    fields = (*list_display, "reason")
    readonly_fields = fields
    ordering = ("-created_at", "-id")
    show_full_result_count = False
