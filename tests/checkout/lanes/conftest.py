"""A lane of the first store, and a member of its staff."""

from __future__ import annotations

import pytest

from accounts.models import User
from checkout.models import Lane
from tests.checkout.lanes.makers import lane_make, staff_make


@pytest.fixture
def lane(db: None) -> Lane:
    return lane_make()


@pytest.fixture
def staff(db: None) -> User:
    return staff_make()
