"""Lanes: the devices of a shop at which shoppers check out, one after another."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

IDLE_RANGE_S = (10, 600)
COUNTDOWN_RANGE_S = (5, 120)
RECEIPT_RANGE_S = (5, 120)


class Lane(models.Model):
    """A device of a store, paired by a code, that makes its visits under an account of its own.

    `key_hash` is the SHA-256 of the key that the paired device holds; null while none is paired. What the
    device last said of itself is in `activity` and `camera_state`; `last_seen_at` tells whether it is online.
    """

    class Mode(models.TextChoices):
        SCAN = "scan", _("scan")
        CART = "cart", _("cart")
        TRAY = "tray", _("tray")

    class Activity(models.TextChoices):
        WAITING = "waiting", _("waiting for a shopper")
        SHOPPING = "shopping", _("shopping")
        PAYING = "paying", _("paying")
        RECEIPT = "receipt", _("showing a receipt")

    class CameraState(models.TextChoices):
        LIVE = "live", _("live")
        OFF = "off", _("off")
        MUTED = "muted", _("muted")
        FROZEN = "frozen", _("frozen")
        DARK = "dark", _("dark")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.ForeignKey(
        "accounts.Store", verbose_name=_("store"), on_delete=models.PROTECT, related_name="lanes"
    )
    name = models.CharField(_("name"), max_length=60)
    code = models.CharField(
        _("code"),
        max_length=16,
        validators=[RegexValidator(r"^[A-Za-z0-9-]+$", _("Letters, digits and hyphens are allowed."))],
        help_text=_("Short, as on the sign above the lane."),
    )
    account = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("account"),
        on_delete=models.PROTECT,
        related_name="lane",
        editable=False,
    )
    key_hash = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    paired_at = models.DateTimeField(_("paired"), null=True, blank=True, editable=False)
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True, editable=False)
    activity = models.CharField(
        _("activity"), max_length=10, choices=Activity, default=Activity.WAITING, editable=False
    )
    camera_state = models.CharField(
        _("camera"), max_length=10, choices=CameraState, default=CameraState.OFF, editable=False
    )
    is_open = models.BooleanField(
        _("open"), default=True, help_text=_("A closed lane says so and takes no shoppers.")
    )
    mode = models.CharField(_("counting mode"), max_length=10, choices=Mode, default=Mode.SCAN)
    zone = models.JSONField(
        _("scan area"), null=True, blank=True, help_text=_("x, y, width, height from 0 to 1; empty: all.")
    )
    camera_label = models.CharField(
        _("camera"), max_length=200, blank=True, help_text=_("Name of the device; empty: the first.")
    )
    language = models.CharField(
        _("language"),
        max_length=5,
        blank=True,
        choices=settings.LANGUAGES,
        help_text=_("Empty: the store's."),
    )
    sound = models.BooleanField(_("sound"), default=True)
    idle_after_s = models.PositiveSmallIntegerField(
        _("asks whether the shopper is there after (s)"),
        default=60,
        validators=[MinValueValidator(IDLE_RANGE_S[0]), MaxValueValidator(IDLE_RANGE_S[1])],
    )
    idle_countdown_s = models.PositiveSmallIntegerField(
        _("then ends the visit after (s)"),
        default=20,
        validators=[MinValueValidator(COUNTDOWN_RANGE_S[0]), MaxValueValidator(COUNTDOWN_RANGE_S[1])],
    )
    receipt_leaves_after_s = models.PositiveSmallIntegerField(
        _("receipt leaves after (s)"),
        default=20,
        validators=[MinValueValidator(RECEIPT_RANGE_S[0]), MaxValueValidator(RECEIPT_RANGE_S[1])],
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        db_table = "lanes"
        verbose_name = pgettext_lazy("till", "lane")
        verbose_name_plural = pgettext_lazy("till", "lanes")
        ordering = ["store__name", "code", "id"]
        constraints = [
            models.UniqueConstraint(fields=["store", "code"], name="checkout_lane_code_unique_in_store"),
            models.CheckConstraint(condition=~Q(name=""), name="checkout_lane_name_not_blank"),
            models.CheckConstraint(condition=~Q(code=""), name="checkout_lane_code_not_blank"),
            models.CheckConstraint(
                condition=Q(mode__in=["scan", "cart", "tray"]), name="checkout_lane_mode_known"
            ),
            models.CheckConstraint(
                condition=Q(activity__in=["waiting", "shopping", "paying", "receipt"]),
                name="checkout_lane_activity_known",
            ),
            models.CheckConstraint(
                condition=Q(camera_state__in=["live", "off", "muted", "frozen", "dark"]),
                name="checkout_lane_camera_state_known",
            ),
            models.CheckConstraint(
                condition=Q(key_hash__isnull=True) | Q(paired_at__isnull=False),
                name="checkout_lane_key_paired",
            ),
            models.CheckConstraint(
                condition=Q(idle_after_s__range=IDLE_RANGE_S)
                & Q(idle_countdown_s__range=COUNTDOWN_RANGE_S)
                & Q(receipt_leaves_after_s__range=RECEIPT_RANGE_S),
                name="checkout_lane_times_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PairingCode(models.Model):
    """A code by which one device becomes a lane, once, within ten minutes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="pairing_codes")
    code_hash = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True)

    class Meta:
        db_table = "pairing_codes"
        verbose_name = _("pairing code")
        verbose_name_plural = _("pairing codes")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.lane_id} until {self.expires_at:%H:%M}"


class LaneTelemetry(models.Model):
    """How a lane did in one minute, as its page measured it; times are null where no frame was answered."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="telemetry")
    minute = models.DateTimeField(_("minute"))
    frames_per_second = models.FloatField(_("frames a second"))
    answer_p50_ms = models.FloatField(_("answer p50 (ms)"), null=True, blank=True)
    answer_p95_ms = models.FloatField(_("answer p95 (ms)"), null=True, blank=True)
    dropped = models.PositiveIntegerField(_("dropped"), default=0)
    reconnects = models.PositiveIntegerField(_("reconnects"), default=0)
    camera_state = models.CharField(_("camera"), max_length=10, choices=Lane.CameraState)

    class Meta:
        db_table = "lane_telemetry"
        verbose_name = _("lane telemetry")
        verbose_name_plural = _("lane telemetry")
        ordering = ["-minute"]
        constraints = [
            models.UniqueConstraint(fields=["lane", "minute"], name="checkout_lanetelemetry_one_a_minute"),
            models.CheckConstraint(
                condition=Q(frames_per_second__gte=0), name="checkout_lanetelemetry_rate_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(camera_state__in=["live", "off", "muted", "frozen", "dark"]),
                name="checkout_lanetelemetry_camera_known",
            ),
        ]
        indexes = [models.Index(fields=["minute"], name="checkout_telemetry_minute_idx")]

    def __str__(self) -> str:
        return f"{self.lane_id} {self.minute:%Y-%m-%d %H:%M}"
