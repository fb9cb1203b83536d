"""Receipts in Django admin: to be read and exported, never changed."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from ebrcs.read_only_admin import ReadOnlyAdmin, ReadOnlyInline
from orders.export import orders_csv_lines
from orders.models import Order, OrderItem


class OrderItemInline(ReadOnlyInline[OrderItem, Order]):
    """The lines of a receipt."""

    model = OrderItem
    fields = ("product_name", "quantity", "unit_price", "avg_score")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin[Order]):
    """Receipts, the newest first."""

    list_display = (
        "number",
        "user",
        "total_items",
        "total_amount",
        "currency",
        "payment_status",
        "confirmed_at",
    )
    list_filter = ("payment_status", "confirmed_at")
    list_select_related = ("user",)
    search_fields = ("number", "user__username", "items__product_name")
    date_hierarchy = "confirmed_at"
    inlines = (OrderItemInline,)
    actions = ("export_csv",)

    @admin.action(description=_("Export the selected orders as CSV"))
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse:
        """Answer with a table of one line per order line."""
        response = HttpResponse(orders_csv_lines(queryset), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="orders.csv"'
        return response
