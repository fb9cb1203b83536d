"""The bodies of the staff's API, as its schema describes them."""

from __future__ import annotations

from rest_framework import serializers

from accounts.pins import PIN_DIGITS_MAX
from checkout.cart.cart_lines import QUANTITY_MAX
from checkout.models import Alert, Lane
from checkout.staff.commands import LANE_COMMANDS, OUTCOMES, REASON_MAX_CHARACTERS
from checkout.web.serializers import CartSerializer, GtinField, StrictUuidField
from ebrcs.api.fields import StrictBooleanField, StrictCharField, StrictIntegerField

STAFF_NUMBER_MAX = 2**31 - 1


class PictureSerializer(serializers.Serializer[object]):
    """A picture of an item that was before the camera."""

    url = serializers.CharField()
    at = serializers.DateTimeField()


class TelemetrySerializer(serializers.Serializer[object]):
    """How a lane did in its last minute; times in ms, null where no frame was answered."""

    fps = serializers.FloatField()
    p50_ms = serializers.FloatField(allow_null=True)
    p95_ms = serializers.FloatField(allow_null=True)
    dropped = serializers.IntegerField()


class LaneViewSerializer(serializers.Serializer[object]):
    """A lane with its visit; `session_id` and `cart` are null while nobody shops."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    code = serializers.CharField()
    store = serializers.CharField()
    status = serializers.ChoiceField(choices=["offline", "needs_help", "busy", "online"])
    activity = serializers.ChoiceField(choices=Lane.Activity.choices)
    camera = serializers.ChoiceField(choices=Lane.CameraState.choices)
    last_seen_at = serializers.DateTimeField(allow_null=True)
    is_open = serializers.BooleanField()
    session_id = serializers.UUIDField(allow_null=True)
    cart = CartSerializer(allow_null=True)
    pictures = PictureSerializer(many=True)
    telemetry = TelemetrySerializer(allow_null=True)
    watched_by = serializers.ListField(child=serializers.CharField())


class AlertViewSerializer(serializers.Serializer[object]):
    """An alert; `mine` where the caller has it."""

    id = serializers.UUIDField()
    lane_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Alert.Kind.choices)
    opened_at = serializers.DateTimeField()
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    acknowledged_by = serializers.CharField(allow_null=True)
    mine = serializers.BooleanField()
    escalated = serializers.BooleanField()


class LaneListSerializer(serializers.Serializer[object]):
    """The lanes of the caller's stores."""

    lanes = LaneViewSerializer(many=True)


class AlertListSerializer(serializers.Serializer[object]):
    """The alerts that are not over."""

    alerts = AlertViewSerializer(many=True)


class PairingCodeSerializer(serializers.Serializer[object]):
    """A code by which one device becomes the lane, and the QR code of its page as SVG."""

    code = serializers.CharField()
    expires_at = serializers.DateTimeField()
    qr_svg = serializers.CharField()


class PinSerializer(serializers.Serializer[object]):
    """Staff number and PIN."""

    staff_number = StrictIntegerField(min_value=1, max_value=STAFF_NUMBER_MAX)
    pin = StrictCharField(max_length=PIN_DIGITS_MAX, write_only=True)


class StaffNameSerializer(serializers.Serializer[object]):
    """Who unlocked the lane."""

    name = serializers.CharField()


class UnlockedSerializer(serializers.Serializer[object]):
    """Who unlocked the lane, and for how many seconds without use."""

    staff = StaffNameSerializer()
    expires_in_s = serializers.IntegerField()


class WhySerializer(serializers.Serializer[object]):
    """A reason in the words of the member of staff, on one line."""

    reason = StrictCharField(max_length=REASON_MAX_CHARACTERS, required=False, allow_blank=True)


class CartSetSerializer(WhySerializer):
    """Set how many pieces of a product are in the cart."""

    action = serializers.ChoiceField(choices=["cart.set"])
    product_id = StrictUuidField()
    quantity = StrictIntegerField(min_value=0, max_value=QUANTITY_MAX)


class ResolveAsProductSerializer(WhySerializer):
    """Add an unresolved item as a product."""

    action = serializers.ChoiceField(choices=["unresolved.resolve"])
    id = StrictUuidField()
    product_id = StrictUuidField()


class ResolveAsBarcodeSerializer(WhySerializer):
    """Add an unresolved item as the product with a barcode."""

    action = serializers.ChoiceField(choices=["unresolved.resolve"])
    id = StrictUuidField()
    code = GtinField(max_length=14)


class GiveUpSerializer(WhySerializer):
    """Give an unresolved item up; without an outcome it was put back."""

    action = serializers.ChoiceField(choices=["unresolved.dismiss"])
    id = StrictUuidField()
    outcome = serializers.ChoiceField(choices=OUTCOMES, required=False)


class AtDeviceSerializer(WhySerializer):
    """End the visit, let the shopper pay, or do something about the device."""

    action = serializers.ChoiceField(choices=["visit.end", *LANE_COMMANDS])


class ChangedCartSerializer(serializers.Serializer[object]):
    """The cart as it is now; null where no visit goes on."""

    cart = CartSerializer(allow_null=True)


class LaneSettingsSerializer(serializers.Serializer[object]):
    """Settings of the device; those that are left out stay."""

    mode = serializers.ChoiceField(choices=Lane.Mode.choices, required=False)
    zone = serializers.ListField(
        child=serializers.FloatField(min_value=0, max_value=1),
        min_length=4,
        max_length=4,
        allow_null=True,
        required=False,
        help_text="x, y, width and height of the scan area, from 0 to 1; null for the whole picture.",
    )
    camera_label = StrictCharField(max_length=200, allow_blank=True, required=False)
    sound = StrictBooleanField(required=False)
