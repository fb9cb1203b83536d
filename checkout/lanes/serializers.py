"""The bodies of the lane API, as its schema describes them."""

from __future__ import annotations

from django.conf import settings
from rest_framework import serializers

from checkout.models import Lane
from ebrcs.api.fields import StrictCharField

CODE_MAX_CHARACTERS = 64
KEY_MAX_CHARACTERS = 128
REASONS = ("start_over", "idle")


class LaneSerializer(serializers.Serializer[object]):
    """A lane and its settings; `store` is the store's name."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    code = serializers.CharField()
    store = serializers.CharField()
    mode = serializers.ChoiceField(choices=Lane.Mode.choices)
    zone = serializers.ListField(
        child=serializers.FloatField(),
        allow_null=True,
        help_text="x, y, width and height of the scan area, from 0 to 1; null for the whole picture.",
    )
    camera_label = serializers.CharField(allow_blank=True)
    language = serializers.ChoiceField(choices=settings.LANGUAGES)
    sound = serializers.BooleanField()
    is_open = serializers.BooleanField()
    store_is_open = serializers.BooleanField(help_text="Whether its store is open now, by its hours.")
    idle_after_s = serializers.IntegerField()
    idle_countdown_s = serializers.IntegerField()
    receipt_leaves_after_s = serializers.IntegerField()


class PairingSerializer(serializers.Serializer[object]):
    """A pairing code, with or without its hyphen."""

    code = StrictCharField(max_length=CODE_MAX_CHARACTERS)


class PairedSerializer(serializers.Serializer[object]):
    """The lane that a device has become, and its key, which is shown this once."""

    lane = LaneSerializer()
    key = serializers.CharField()


class KeySerializer(serializers.Serializer[object]):
    """The key of a lane."""

    key = StrictCharField(max_length=KEY_MAX_CHARACTERS)


class VisitEndSerializer(serializers.Serializer[object]):
    """Why a visit ends."""

    reason = serializers.ChoiceField(choices=REASONS)


class VisitSerializer(serializers.Serializer[object]):
    """The visit that is active now."""

    session_id = serializers.UUIDField()
