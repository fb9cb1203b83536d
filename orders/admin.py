"""Orders in Django admin: read and exported, never changed."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from ebrcs.admin_site.csv_export import CsvExport, csv_response
from ebrcs.admin_site.read_only import ReadOnlyAdmin, ReadOnlyInline
from orders.export import orders_csv_lines
from orders.models import Order, OrderItem
from orders.templatetags.money import money


class OrderItemInline(ReadOnlyInline[OrderItem, Order]):
    """The lines of a receipt."""

    model = OrderItem
    fields = ("product_name", "quantity", "unit_price", "avg_score")
    template = "admin/orders/order_lines.html"


@admin.register(Order)
class OrderAdmin(CsvExport[Order], ReadOnlyAdmin[Order]):
    """Orders, newest first; the export has what filters, dates and search leave."""

    list_display = ("number", "user", "store", "total_items", "amount", "payment_status", "confirmed_at")
    fields = (
        "number",
        "user",
        "store",
        "confirmed_at",
        "total_items",
        "amount",
        "payment_status",
        "receipt",
        "story",
    )
    readonly_fields = ("amount", "receipt", "story")
    list_filter = ("store", "payment_status", "confirmed_at")
    list_select_related = ("user", "store")
    search_fields = ("number", "user__username", "items__product_name")
    date_hierarchy = "confirmed_at"
    inlines = (OrderItemInline,)
    actions = ("export_csv",)
    csv_filename = "orders.csv"
    show_full_result_count = False

    class Media:
        css = {"all": ["css/dashboard.css"]}

    @admin.display(description=_("total"), ordering="total_amount")
    def amount(self, order: Order) -> str:
        """Show the total as on the receipt."""
        return money(order.total_amount, order.currency)

    @admin.display(description=_("receipt"))
    def receipt(self, order: Order) -> str:
        """Link to the shopper's receipt."""
        return format_html('<a href="{}">{}</a>', reverse("receipt", args=[order.pk]), order.number)

    @admin.display(description=_("session"))
    def story(self, order: Order) -> str:
        """Link to the visit in which the cart was filled."""
        address = reverse("admin:checkout_checkoutsession_change", args=[order.session_id])
        return format_html('<a href="{}">{}</a>', address, _("View timeline"))

    def csv_lines(self, queryset: QuerySet[Order]) -> Iterator[str]:
        """Yield one line per order line."""
        return orders_csv_lines(queryset)

    @admin.action(description=_("Export selected orders as CSV"))
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse:
        """Return a CSV with one line per order line."""
        return csv_response(self.csv_filename, self.csv_lines(queryset))
