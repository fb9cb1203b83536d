"""Visits in Django admin, each with its story."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from checkout.cart import selectors
from checkout.models import BillingItem, CheckoutSession, ScanEvent, UnresolvedItem
from checkout.review.filters import DOUBTS, DoubtFilter
from checkout.review.story import timeline_of
from ebrcs.admin_site.read_only import ReadOnlyAdmin
from orders.models import Order

Outcome = UnresolvedItem.Outcome
GIVEN_UP = (Outcome.PUT_BACK, Outcome.NOT_MINE, Outcome.LEFT)


@admin.register(CheckoutSession)
class CheckoutSessionAdmin(ReadOnlyAdmin[CheckoutSession]):
    """Visits, newest first."""

    list_display = (
        "created_at",
        "user",
        "lane",
        "status",
        "line_count",
        "doubt_count",
        "given_up_count",
        "order_link",
        "last_active",
    )
    list_filter = (DoubtFilter, "status", "lane", "created_at")
    list_select_related = ("user", "order", "lane")
    search_fields = ("=id", "user__username", "=order__number")
    date_hierarchy = "created_at"
    fields = ("user", "lane", "status", "created_at", "last_active", "order_link")
    readonly_fields = ("order_link",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[CheckoutSession]:
        """Annotate each visit with its numbers of cart lines, doubts and items given up."""
        lines = BillingItem.objects.filter(session=OuterRef("pk"))
        doubts = ScanEvent.objects.filter(session=OuterRef("pk"), action__in=DOUBTS)
        given_up = UnresolvedItem.objects.filter(session=OuterRef("pk"), outcome__in=GIVEN_UP)
        visits = super().get_queryset(request)
        return visits.annotate(
            line_total=_count(lines), doubt_total=_count(doubts), given_up_total=_count(given_up)
        )

    @admin.display(description=_("cart lines"), ordering="line_total")
    def line_count(self, session: CheckoutSession) -> int:
        """Show how many lines the cart has."""
        return int(getattr(session, "line_total", 0))

    @admin.display(description=_("issues"), ordering="doubt_total")
    def doubt_count(self, session: CheckoutSession) -> int:
        """Show how many questions, unknown items and disputes there were."""
        return int(getattr(session, "doubt_total", 0))

    @admin.display(description=_("given up"), ordering="given_up_total")
    def given_up_count(self, session: CheckoutSession) -> int:
        """Show how many unresolved items were given up, or open at the end: many are a sign of theft."""
        return int(getattr(session, "given_up_total", 0))

    @admin.display(description=_("order"))
    def order_link(self, session: CheckoutSession) -> str:
        """Link to the order that the visit became."""
        try:
            order = session.order
        except Order.DoesNotExist:
            return "–"
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
        """Show the visit with its story, beside the cart as it was at the end."""
        session = self.get_object(request, object_id)
        story: dict[str, Any] = {}
        if session is not None:
            story = {"story": timeline_of(session=session), "cart": selectors.cart_get(session_id=session.pk)}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **story})


def _count(rows: QuerySet[Any]) -> Any:
    """Count the rows of a subquery by session; a join would multiply rows."""
    counted = rows.order_by().values("session").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
