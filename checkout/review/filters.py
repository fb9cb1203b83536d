"""Filters of the lists of visits and scan events in Django admin."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from catalog.models import Product
from checkout.models import CheckoutSession, DisputedLine, ScanEvent
from checkout.review.disputes import DISPUTES

Action = ScanEvent.Action
DOUBTS = (Action.QUESTION, Action.UNKNOWN, Action.UNRESOLVED, Action.DISMISS, *DISPUTES)


class DoubtFilter(admin.SimpleListFilter):
    """Visits with questions, unknown items or disputes."""

    title = _("issues")
    parameter_name = "doubt"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer all doubts together and each kind."""
        return [("any", str(_("Any issue"))), *((action.value, str(action.label)) for action in DOUBTS)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CheckoutSession]) -> QuerySet[Any]:
        """Keep the visits with such an event."""
        value = self.value()
        if value is None:
            return queryset
        actions = [action for action in DOUBTS if value in ("any", action.value)]
        return queryset.filter(Exists(ScanEvent.objects.filter(session=OuterRef("pk"), action__in=actions)))


class DisputeFilter(admin.SimpleListFilter):
    """Disputed lines of one kind."""

    title = _("action")
    parameter_name = "action__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the kinds of dispute."""
        return [(action.value, str(action.label)) for action in DISPUTES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DisputedLine]) -> QuerySet[Any]:
        """Keep those of the kind."""
        return queryset if self.value() is None else queryset.filter(action=self.value())


class DisputedProductFilter(admin.SimpleListFilter):
    """Disputed lines of one product, whether it was the wrong one or the right one."""

    title = _("product")
    parameter_name = "of"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the products that any dispute names."""
        disputed = ScanEvent.objects.filter(action__in=DISPUTES)
        products = Product.objects.filter(
            Q(Exists(disputed.filter(product=OuterRef("pk"))))
            | Q(Exists(disputed.filter(other_product=OuterRef("pk"))))
        )
        return [(str(pk), name) for pk, name in products.order_by("name").values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DisputedLine]) -> QuerySet[Any]:
        """Keep the lines that name the product."""
        value = self.value()
        if value is None:
            return queryset
        try:
            product_id = UUID(value)
        except ValueError:
            return queryset.none()
        return queryset.filter(Q(product=product_id) | Q(other_product=product_id))
