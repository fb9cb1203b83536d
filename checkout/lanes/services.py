"""Makes lanes."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.db import transaction

from accounts.models import Store, User
from checkout.models import Lane


@transaction.atomic
def lane_create(*, store: Store, name: str, code: str, **settings: Any) -> Lane:
    """Make a lane with an account of its own, in which nobody can log in by a password.

    Raises `IntegrityError` for a code that another lane of the store has.
    """
    lane_id = uuid4()
    account = User.objects.create_user(f"lane-{lane_id.hex[:12]}", None, is_device=True)
    return Lane.objects.create(id=lane_id, store=store, name=name, code=code, account=account, **settings)
