"""The bodies of the checkout API, as its schema describes them."""

from __future__ import annotations

from rest_framework import serializers

from checkout.cart.cart_lines import QUANTITY_MAX
from checkout.models import CheckoutSession, Source
from ebrcs.api.fields import StrictIntegerField


class SessionSerializer(serializers.Serializer[object]):
    """A checkout session; `order_id` is set once it was confirmed."""

    session_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=CheckoutSession.Status.choices)
    created_at = serializers.DateTimeField()
    last_active = serializers.DateTimeField()
    order_id = serializers.UUIDField(allow_null=True)


class TicketSerializer(serializers.Serializer[object]):
    """A ticket that opens the socket once, as `?ticket=`."""

    ticket = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class CartLineSerializer(serializers.Serializer[object]):
    """A product in the cart; `unit_price` is text such as "2.50", `avg_score` a number or null."""

    product_id = serializers.UUIDField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = serializers.DecimalField(max_digits=12, decimal_places=2, allow_null=True)
    avg_score = serializers.FloatField(allow_null=True)
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]
    image = serializers.CharField(allow_null=True, help_text="Address of the first photo.")


class CartSerializer(serializers.Serializer[object]):
    """The cart; `total_amount` is text such as "12.50", null while any line has no price."""

    items = CartLineSerializer(many=True)
    total_items = serializers.IntegerField()
    total_amount = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    currency = serializers.CharField()


class QuantitySerializer(serializers.Serializer[object]):
    """How many pieces the cart shall hold; 0 removes the line."""

    quantity = StrictIntegerField(min_value=0, max_value=QUANTITY_MAX)


class ConfirmationSerializer(serializers.Serializer[object]):
    """The order that a cart became."""

    order_id = serializers.UUIDField()
    number = serializers.CharField()
    total_items = serializers.IntegerField()
    total_amount = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
