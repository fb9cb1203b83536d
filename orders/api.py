"""Orders over REST."""

from __future__ import annotations

from typing import cast

from django.db.models import QuerySet
from rest_framework import generics, serializers

from accounts.models import User
from orders import selectors
from orders.models import Order, OrderItem


class OrderItemSerializer(serializers.ModelSerializer[OrderItem]):
    """A line of an order; `unit_price` is text such as "2.50", `score` the mean similarity or null."""

    product_id = serializers.UUIDField(read_only=True)
    score = serializers.FloatField(source="avg_score", read_only=True, allow_null=True)

    class Meta:
        model = OrderItem
        fields = ["product_id", "product_name", "quantity", "score", "unit_price"]
        read_only_fields = fields


class OrderSerializer(serializers.ModelSerializer[Order]):
    """An order; `total_amount` is text such as "12.50", or null in a shop without prices."""

    order_id = serializers.UUIDField(source="id", read_only=True)
    items = OrderItemSerializer(many=True, read_only=True)

    class Meta:
        model = Order
        fields = [
            "order_id",
            "number",
            "confirmed_at",
            "total_items",
            "total_amount",
            "currency",
            "payment_status",
            "items",
        ]
        read_only_fields = fields


class OrderListView(generics.ListAPIView[Order]):
    """List orders, newest first; an admin sees those of all users."""

    queryset = Order.objects.none()
    serializer_class = OrderSerializer

    def get_queryset(self) -> QuerySet[Order]:
        """Return the orders the user may see."""
        return selectors.order_list(user=cast("User", self.request.user))


class OrderDetailView(generics.RetrieveAPIView[Order]):
    """Show one order; someone else's is answered with 404."""

    queryset = Order.objects.none()
    serializer_class = OrderSerializer
    lookup_url_kwarg = "order_id"

    def get_queryset(self) -> QuerySet[Order]:
        """Return the orders the user may see."""
        return selectors.order_list(user=cast("User", self.request.user))
