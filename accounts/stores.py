"""The stores of the shop; one is there from the first start, made from the settings."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from accounts.models import Store

FIRST_STORE_ID = UUID("00000000-0000-4000-8000-000000000001")


def store_default() -> Store:
    """Return the oldest store, which is made from the settings where there is none; safe at any time."""
    store = Store.objects.order_by("created_at", "pk").first()
    if store is None:
        store, _ = Store.objects.get_or_create(
            pk=FIRST_STORE_ID,
            defaults={
                "name": settings.STORE_NAME,
                "currency": settings.CURRENCY,
                "time_zone": settings.TIME_ZONE,
                "language": settings.LANGUAGE_CODE,
            },
        )
    return store
