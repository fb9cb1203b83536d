"""Stores, staff and lanes to test with."""

from __future__ import annotations

from typing import Any

from accounts.models import Store, User
from accounts.stores import store_default
from checkout.lanes.services import lane_create
from checkout.models import Lane
from tests.conftest import PASSWORD


def store_make(name: str = "Corner Shop", **fields: Any) -> Store:
    """Make another store than the first."""
    defaults = {"currency": "EUR", "time_zone": "UTC", "language": "en"}
    return Store.objects.create(name=name, **{**defaults, **fields})


def staff_make(username: str = "mina", *, store: Store | None = None, **fields: Any) -> User:
    """Make a member of staff, of the first store unless another is named."""
    return User.objects.create_user(
        username, PASSWORD, role=User.Role.STAFF, store=store or store_default(), **fields
    )


def lane_make(name: str = "Lane 1", code: str = "1", *, store: Store | None = None, **fields: Any) -> Lane:
    """Make a lane of the first store, unless another is named; no device is paired with it."""
    return lane_create(store=store or store_default(), name=name, code=code, **fields)
