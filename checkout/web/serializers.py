"""The bodies of the checkout API, as its schema describes them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from checkout.cart.cart_lines import QUANTITY_MAX
from checkout.cart.unresolved import DISMISSALS, OPEN_MAX
from checkout.models import CheckoutSession, Source, UnresolvedItem
from ebrcs.api.fields import StrictCharField, StrictDecimalField, StrictIntegerField


class StrictUuidField(serializers.UUIDField):
    """A UUID as text; a number is none."""

    def to_internal_value(self, data: Any) -> UUID:
        """Return the UUID."""
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


@extend_schema_field({"type": "string", "format": "gtin", "maxLength": 14})
class GtinField(StrictCharField):
    """A barcode with a valid check digit."""


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


class ChoiceSerializer(serializers.Serializer[object]):
    """A product that an item may be; `price` is text such as "2.50", or null."""

    product_id = serializers.UUIDField()
    name = serializers.CharField()
    image = serializers.CharField(allow_null=True)
    price = serializers.DecimalField(max_digits=12, decimal_places=2, allow_null=True)


class UnresolvedSerializer(serializers.Serializer[object]):
    """An item that was shown and left without an outcome."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=UnresolvedItem.Kind.choices)
    track = serializers.IntegerField(allow_null=True)
    image = serializers.CharField(allow_null=True, help_text="Address of the camera's picture.")
    choices = ChoiceSerializer(many=True)
    created_at = serializers.DateTimeField()


class CartSerializer(serializers.Serializer[object]):
    """The cart; `total_amount` is text such as "12.50", null while any line has no price."""

    items = CartLineSerializer(many=True)
    total_items = serializers.IntegerField()
    total_amount = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    currency = serializers.CharField()
    unresolved = UnresolvedSerializer(many=True)


class QuantitySerializer(serializers.Serializer[object]):
    """How many pieces the cart shall hold; 0 removes the line."""

    quantity = StrictIntegerField(min_value=0, max_value=QUANTITY_MAX)


class ResolveByProductSerializer(serializers.Serializer[object]):
    """The product that an unresolved item is."""

    product_id = StrictUuidField()


class ResolveByBarcodeSerializer(serializers.Serializer[object]):
    """The barcode of the product that an unresolved item is."""

    code = GtinField(max_length=14)


class DismissSerializer(serializers.Serializer[object]):
    """Why an unresolved item is given up."""

    reason = serializers.ChoiceField(choices=[(reason.value, reason.label) for reason in DISMISSALS])


class ExpectationSerializer(serializers.Serializer[object]):
    """What the shopper was shown: how many items are unresolved, and the total (null: there was none)."""

    expected_unresolved = StrictIntegerField(min_value=0, max_value=OPEN_MAX, required=False)
    expected_total = StrictDecimalField(max_digits=14, decimal_places=2, required=False, allow_null=True)


class ConfirmationSerializer(serializers.Serializer[object]):
    """The order that a cart became."""

    order_id = serializers.UUIDField()
    number = serializers.CharField()
    total_items = serializers.IntegerField()
    total_amount = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
