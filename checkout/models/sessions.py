"""A shopper's visit and its cart."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from checkout.models.lanes import Lane


class Source(models.TextChoices):
    """How a product came into the cart."""

    VISION = "vision", _("camera")
    BARCODE = "barcode", _("barcode")
    MANUAL = "manual", _("manual")


class CheckoutSession(models.Model):
    """One visit; it ends as an order, or expires when cancelled or idle for too long.

    It belongs to a lane, which has one at a time, or to one browser of a shopper who is logged in: `browser`
    is a hash of its login session, empty for visits of other programs.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", pgettext_lazy("session", "active")
        COMPLETED = "completed", _("completed")
        EXPIRED = "expired", _("expired")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("shopper"), on_delete=models.PROTECT, related_name="sessions"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    last_active = models.DateTimeField(_("last activity"), default=timezone.now)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)
    lane = models.ForeignKey(
        Lane,
        verbose_name=pgettext_lazy("till", "lane"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="sessions",
    )
    browser = models.CharField(max_length=64, blank=True, db_default="", editable=False)

    class Meta:
        db_table = "checkout_sessions"
        verbose_name = _("checkout session")
        verbose_name_plural = _("checkout sessions")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["last_active"], condition=Q(status="active"), name="checkout_session_active_idx"
            ),
            models.Index(fields=["user", "-created_at"], name="checkout_session_user_idx"),
            models.Index(fields=["-created_at", "-id"], name="checkout_session_time_idx"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["active", "completed", "expired"]),
                name="checkout_checkoutsession_status_known",
            ),
            models.UniqueConstraint(
                fields=["lane"], condition=Q(status="active"), name="checkout_checkoutsession_one_at_a_lane"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.get_status_display()})"


class BillingItem(models.Model):
    """A line of the cart; `avg_score` is the running mean of `score_count` accepted similarities."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(CheckoutSession, on_delete=models.CASCADE, related_name="billing_items")
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="billing_items")
    quantity = models.PositiveIntegerField(_("quantity"))
    avg_score = models.DecimalField(_("average score"), max_digits=7, decimal_places=6, null=True, blank=True)
    score_count = models.PositiveIntegerField(_("score count"), default=0)
    source = models.CharField(_("source"), max_length=10, choices=Source)
    added_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        db_table = "billing_items"
        verbose_name = _("cart line")
        verbose_name_plural = _("cart lines")
        ordering = ["added_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "product"], name="checkout_billingitem_product_unique_in_session"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=1), name="checkout_billingitem_quantity_positive"
            ),
            models.CheckConstraint(
                condition=Q(avg_score__isnull=True, score_count=0)
                | Q(avg_score__gte=-1, avg_score__lte=1, score_count__gte=1),
                name="checkout_billingitem_score_counted",
            ),
            models.CheckConstraint(
                condition=Q(source__in=Source.values),
                name="checkout_billingitem_source_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product_id}"
