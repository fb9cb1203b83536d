"""What was sold: orders, whose receipts never change."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Order(models.Model):
    """The receipt of one checkout session; each session becomes at most one order."""

    class PaymentStatus(models.TextChoices):
        MOCK_PAID = "mock_paid", _("paid (demo)")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField(_("number"), max_length=20, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("shopper"), on_delete=models.PROTECT, related_name="orders"
    )
    session = models.OneToOneField(
        "checkout.CheckoutSession",
        verbose_name=_("session"),
        on_delete=models.PROTECT,
        related_name="order",
    )
    store = models.ForeignKey(
        "accounts.Store",
        verbose_name=_("store"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="orders",
    )
    total_items = models.PositiveIntegerField(_("items"))
    total_amount = models.DecimalField(_("total"), max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3)
    confirmed_at = models.DateTimeField(_("confirmed"), auto_now_add=True)
    payment_status = models.CharField(
        _("payment"), max_length=20, choices=PaymentStatus, default=PaymentStatus.MOCK_PAID
    )

    class Meta:
        db_table = "orders"
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-confirmed_at", "-id"]
        indexes = [
            models.Index(fields=["user", "-confirmed_at", "-id"], name="orders_order_user_time_idx"),
            models.Index(fields=["-confirmed_at", "-id"], name="orders_order_time_idx"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(total_items__gte=1), name="orders_order_items_positive"),
            models.CheckConstraint(
                condition=Q(total_amount__isnull=True) | Q(total_amount__gte=0),
                name="orders_order_amount_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(payment_status__in=["mock_paid"]), name="orders_order_payment_status_known"
            ),
            models.CheckConstraint(condition=~Q(number=""), name="orders_order_number_not_blank"),
        ]

    def __str__(self) -> str:
        return self.number


class OrderItem(models.Model):
    """A line of a receipt: name and price as they were at the moment of sale."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, verbose_name=_("order"), on_delete=models.PROTECT, related_name="items")
    product = models.ForeignKey(
        "catalog.Product", verbose_name=_("product"), on_delete=models.PROTECT, related_name="order_items"
    )
    product_name = models.CharField(_("name"), max_length=200)
    quantity = models.PositiveIntegerField(_("quantity"))
    unit_price = models.DecimalField(_("unit price"), max_digits=12, decimal_places=2, null=True, blank=True)
    avg_score = models.DecimalField(_("average score"), max_digits=7, decimal_places=6, null=True, blank=True)

    class Meta:
        db_table = "order_items"
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ["product_name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "product"], name="orders_orderitem_product_unique"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="orders_orderitem_quantity_positive"),
            models.CheckConstraint(
                condition=Q(unit_price__isnull=True) | Q(unit_price__gte=0),
                name="orders_orderitem_price_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(avg_score__isnull=True) | Q(avg_score__gte=-1, avg_score__lte=1),
                name="orders_orderitem_score_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product_name}"


class ReceiptLink(models.Model):
    """A link that shows one receipt without an account, in the browser that opens it first."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(
        Order, verbose_name=_("order"), on_delete=models.CASCADE, related_name="receipt_links"
    )
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    opened_at = models.DateTimeField(_("opened"), null=True, blank=True)

    class Meta:
        db_table = "receipt_links"
        verbose_name = _("receipt link")
        verbose_name_plural = _("receipt links")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.order_id} until {self.expires_at:%Y-%m-%d %H:%M}"
