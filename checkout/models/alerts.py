"""What staff are called for at a lane, and the log of a lane."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from checkout.models.lanes import Lane


class Alert(models.Model):
    """Something at a lane that needs a member of staff: open, taken by one of them, then resolved.

    A lane has at most one unresolved alert of a kind.
    """

    class Kind(models.TextChoices):
        HELP = "help", _("help wanted")
        UNRESOLVED = "unresolved", _("unresolved item")
        APPROVAL = "approval", _("approval needed")
        PAYMENT = "payment", _("payment trouble")
        OFFLINE = "offline", _("lane offline")
        DISMISSALS = "dismissals", _("repeated dismissals")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lane = models.ForeignKey(Lane, verbose_name=_("lane"), on_delete=models.CASCADE, related_name="alerts")
    session = models.ForeignKey(
        "checkout.CheckoutSession",
        verbose_name=_("session"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="alerts",
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    opened_at = models.DateTimeField(_("opened"), auto_now_add=True)
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("taken by"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    escalated_at = models.DateTimeField(_("escalated"), null=True, blank=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("resolved by"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Empty: it passed by itself."),
    )

    class Meta:
        db_table = "alerts"
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ["-opened_at", "-id"]
        indexes = [
            models.Index(fields=["-opened_at"], name="checkout_alert_time_idx"),
            models.Index(
                fields=["opened_at"], condition=Q(resolved_at__isnull=True), name="checkout_alert_open_idx"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["help", "unresolved", "approval", "payment", "offline", "dismissals"]),
                name="checkout_alert_kind_known",
            ),
            models.UniqueConstraint(
                fields=["lane", "kind"],
                condition=Q(resolved_at__isnull=True),
                name="checkout_alert_one_open_of_a_kind",
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True, acknowledged_by__isnull=True)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
                name="checkout_alert_acknowledged_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=False) | Q(resolved_by__isnull=True),
                name="checkout_alert_resolved_timed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.lane_id}"


class LaneEvent(models.Model):
    """An entry in the log of a lane: written once, never changed; `actor` is null for the lane itself."""

    class Kind(models.TextChoices):
        PAIRED = "paired", _("paired")
        REVOKED = "revoked", _("key revoked")
        UNLOCKED = "unlocked", _("staff PIN accepted")
        REFUSED = "refused", _("staff PIN refused")
        WATCHED = "watched", _("camera watched")
        UNWATCHED = "unwatched", _("camera no longer watched")
        RESET = "reset", _("reset")
        CAMERA = "camera", _("camera restarted")
        ENDED = "ended", _("visit ended")
        SETTINGS = "settings", _("settings changed")
        OFFLINE = "offline", _("offline")
        ONLINE = "online", _("online")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lane = models.ForeignKey(Lane, verbose_name=_("lane"), on_delete=models.CASCADE, related_name="events")
    session = models.ForeignKey(
        "checkout.CheckoutSession",
        verbose_name=_("session"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="lane_events",
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    kind = models.CharField(_("what"), max_length=10, choices=Kind)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("time"), auto_now_add=True)

    class Meta:
        db_table = "lane_events"
        verbose_name = _("lane event")
        verbose_name_plural = _("lane events")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["lane", "-created_at"], name="checkout_laneevent_lane_idx")]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "paired",
                        "revoked",
                        "unlocked",
                        "refused",
                        "watched",
                        "unwatched",
                        "reset",
                        "camera",
                        "ended",
                        "settings",
                        "offline",
                        "online",
                    ]
                ),
                name="checkout_laneevent_kind_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.lane_id}"
