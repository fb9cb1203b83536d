"""What happened to a cart, and the items that are still without an outcome."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from checkout.models.sessions import CheckoutSession, Source


class ScanEvent(models.Model):
    """What happened to the cart, when and why, with a small picture; written once, never changed.

    A correction takes out a piece of `product` and puts in one of `other_product`, if there is one. Where
    barcode and picture disagree, `product` is what the barcode names and `other_product` what the picture was
    taken for. `about` is the earlier event that this one undoes, corrects or answers. `actor` is who
    of the staff did it; null for the shopper and the camera.
    """

    class Action(models.TextChoices):
        ADD = "add", _("added")
        REMOVE = "remove", _("removed")
        QUESTION = "question", _("question asked")
        UNKNOWN = "unknown", _("not recognized")
        ANSWER = "answer", _("question answered")
        CORRECT = "correct", _("corrected")
        UNDO = "undo", _("undone")
        DISAGREE = "disagree", _("barcode mismatch")
        UNRESOLVED = "unresolved", _("left unresolved")
        DISMISS = "dismiss", _("unresolved item given up")
        SETTLE = "settle", _("unresolved item settled")
        APPROVE = "approve", _("approved by staff")
        END = "end", _("visit ended by staff")
        RESET = "reset", _("lane reset by staff")
        CAMERA = "camera", _("camera restarted by staff")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(
        CheckoutSession, verbose_name=_("session"), on_delete=models.PROTECT, related_name="scan_events"
    )
    product = models.ForeignKey(
        "catalog.Product",
        verbose_name=_("product"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="scan_events",
    )
    other_product = models.ForeignKey(
        "catalog.Product",
        verbose_name=_("other product"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="other_scan_events",
    )
    about = models.ForeignKey(
        "self",
        verbose_name=_("related event"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="later_events",
    )
    action = models.CharField(_("action"), max_length=10, choices=Action)
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    score = models.FloatField(_("score"), null=True, blank=True)
    margin = models.FloatField(_("margin"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=10, choices=Source)
    reason = models.JSONField(_("reason"), null=True, blank=True)
    thumbnail = models.BinaryField(_("image"), null=True, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("staff"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    created_at = models.DateTimeField(_("time"), auto_now_add=True)

    class Meta:
        db_table = "scan_events"
        verbose_name = _("scan event")
        verbose_name_plural = _("scan events")
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(fields=["session", "created_at"], name="checkout_scanevent_session_idx"),
            # Covers what the dashboard counts: the rows themselves are heavy with pictures.
            models.Index(
                fields=["created_at", "action", "source", "quantity"], name="checkout_scanevent_time_idx"
            ),
            models.Index(
                fields=["created_at"],
                condition=Q(action__in=["answer", "correct", "undo", "disagree"]),
                name="checkout_scan_disputed_idx",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    action__in=[
                        "add",
                        "remove",
                        "question",
                        "unknown",
                        "answer",
                        "correct",
                        "undo",
                        "disagree",
                        "unresolved",
                        "dismiss",
                        "settle",
                        "approve",
                        "end",
                        "reset",
                        "camera",
                    ]
                ),
                name="checkout_scanevent_action_known",
            ),
            models.CheckConstraint(
                condition=~Q(action="undo") | Q(about__isnull=False),
                name="checkout_scanevent_undo_names_change",
            ),
            models.UniqueConstraint(
                fields=["about"], condition=Q(action="undo"), name="checkout_scanevent_undone_once"
            ),
            models.CheckConstraint(
                condition=Q(source__in=Source.values),
                name="checkout_scanevent_source_known",
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="checkout_scanevent_quantity_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.product_id}"


class UnresolvedItem(models.Model):
    """An item that was shown and left neither added nor given back; open until it has an outcome.

    `event` recorded it, holds its picture and is its id. `track` is its number before the camera that saw it;
    `product` is what it was added as.
    """

    class Kind(models.TextChoices):
        UNDECIDED = "undecided", _("seen too briefly")
        UNKNOWN = "unknown", _("not recognized")
        UNANSWERED = "unanswered", _("question not answered")

    class Outcome(models.TextChoices):
        ADDED = "added", _("added")
        PUT_BACK = "put_back", _("put back")
        NOT_MINE = "not_mine", _("not the shopper's")
        LEFT = "left", _("still open at the end")
        SETTLED = "settled", _("settled by the camera")

    event = models.OneToOneField(
        ScanEvent, primary_key=True, on_delete=models.CASCADE, related_name="unresolved_item"
    )
    session = models.ForeignKey(CheckoutSession, on_delete=models.CASCADE, related_name="unresolved_items")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    track = models.PositiveIntegerField(_("track"), null=True, blank=True)
    choices = models.JSONField(_("choices"), default=list)
    created_at = models.DateTimeField(_("time"), auto_now_add=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, null=True, blank=True)  # noqa: DJ001
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    product = models.ForeignKey(
        "catalog.Product",
        verbose_name=_("product"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="unresolved_items",
    )

    class Meta:
        db_table = "unresolved_items"
        verbose_name = _("unresolved item")
        verbose_name_plural = _("unresolved items")
        ordering = ["created_at", "event_id"]
        indexes = [
            models.Index(fields=["session", "outcome"], name="checkout_unresolved_outcome"),
            models.Index(
                fields=["session", "created_at"],
                condition=Q(outcome__isnull=True),
                name="checkout_unresolved_open_idx",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["undecided", "unknown", "unanswered"]),
                name="checkout_unresolveditem_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(outcome__isnull=True)
                | Q(outcome__in=["added", "put_back", "not_mine", "left", "settled"]),
                name="checkout_unresolveditem_outcome_known",
            ),
            models.CheckConstraint(
                condition=Q(outcome__isnull=True, resolved_at__isnull=True)
                | Q(outcome__isnull=False, resolved_at__isnull=False),
                name="checkout_unresolveditem_outcome_timed",
            ),
            models.CheckConstraint(
                condition=Q(product__isnull=True) | Q(outcome__isnull=False, outcome="added"),
                name="checkout_unresolveditem_product_added",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} ({self.outcome or 'open'})"


class DisputedLine(ScanEvent):
    """A scan event by which the shopper or a barcode said that an item was recognized wrongly."""

    class Meta:
        proxy = True
        verbose_name = _("disputed item")
        verbose_name_plural = _("disputed items")
