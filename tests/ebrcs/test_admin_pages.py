"""Every page of Django admin opens: the list of each table, and each row in it."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from catalog.models import Product, ProductImage
from checkout.lanes.alerts import alert_open
from checkout.models import Alert, BillingItem, CheckoutSession, DisputedLine, ScanEvent, Source
from orders.models import Order, OrderItem
from recognition.models import Embedding, IndexEvent, IndexState
from tests.checkout.lanes.makers import lane_make

pytestmark = pytest.mark.django_db
OURS = ("accounts", "catalog", "checkout", "orders", "recognition")
# The index page is no list and needs an engine: tests/recognition/admin/test_product_admin.py opens it.
REGISTERED = [
    model for model in admin.site._registry if model._meta.app_label in OURS and model is not IndexState
]


@pytest.fixture
def shop(shopper: User) -> None:
    """Put one row into every table."""
    product = Product.objects.create(name="Rye bread", price="3.20")
    photo = ProductImage.objects.create(
        product=product, image="products/a.jpg", sha256="a" * 64, embedding_id=0
    )
    IndexState.objects.update_or_create(id=1, defaults={"row_count": 1, "last_seq": 1})
    row = Embedding.objects.create(
        id=0, product_image=photo, vector=bytes(5120), label="Rye bread", encoder_fingerprint="f" * 64
    )
    IndexEvent.objects.create(seq=1, kind="add", embedding=row)
    alert_open(lane=lane_make(), kind="help")
    session = CheckoutSession.objects.create(user=shopper, status=CheckoutSession.Status.COMPLETED)
    BillingItem.objects.create(session=session, product=product, quantity=2, source=Source.MANUAL)
    added = ScanEvent.objects.create(
        session=session, product=product, action="add", source=Source.VISION, score=0.8, thumbnail=b"\xff\xd8"
    )
    ScanEvent.objects.create(
        session=session, product=product, action="correct", source=Source.MANUAL, about=added
    )
    order = Order.objects.create(
        number="T-1", user=shopper, session=session, total_items=2, total_amount="6.40", currency="EUR"
    )
    OrderItem.objects.create(
        order=order, product=product, product_name="Rye bread", quantity=2, unit_price="3.20"
    )


def page_request(user: User) -> HttpRequest:
    request = RequestFactory().get("/admin/")
    request.user = user
    return request


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model.__name__)
def test_the_list_and_every_row_open(shop: None, keeper: User, client: Client, model: type[User]) -> None:
    client.force_login(keeper)
    base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert client.get(reverse(f"{base}_changelist")).status_code == 200
    rows = list(admin.site._registry[model].get_queryset(page_request(keeper)))
    assert rows
    for row in rows:
        page = client.get(reverse(f"{base}_change", args=[row.pk]))
        assert page.status_code == 200
        assert page.context["original"] == row


@pytest.mark.parametrize(
    "model", [CheckoutSession, ScanEvent, DisputedLine, Order, Embedding, IndexEvent, Alert]
)
def test_what_happened_cannot_be_changed(
    shop: None, keeper: User, client: Client, model: type[CheckoutSession]
) -> None:
    client.force_login(keeper)
    base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    row = model._default_manager.latest("pk")
    stored = list(model._default_manager.order_by("pk").values())
    assert client.post(reverse(f"{base}_change", args=[row.pk]), {"status": "active"}).status_code == 403
    assert client.post(reverse(f"{base}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert list(model._default_manager.order_by("pk").values()) == stored
