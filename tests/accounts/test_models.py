"""The constraints of users, checked in the database itself."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("role", "owner", "accounts_user_role_known"),
        ("username", "", "accounts_user_username_not_blank"),
        ("username", "STRANGER", "accounts_user_username_unique_without_case"),
    ],
)
def test_the_database_refuses_a_user_that_breaks_a_rule(
    shopper: User, stranger: User, column: str, value: str, constraint: str
) -> None:
    with (
        pytest.raises(IntegrityError, match=constraint),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE users SET {column} = %s WHERE username = 'shopper'", [value])
    shopper.refresh_from_db()
    assert (shopper.username, shopper.role) == ("shopper", "user")


def test_only_admins_may_enter_django_admin(shopper: User, keeper: User) -> None:
    assert (shopper.is_staff, shopper.is_superuser, shopper.has_perm("x")) == (False, False, False)
    assert (keeper.is_staff, keeper.is_superuser, keeper.has_module_perms("x")) == (True, True, True)
    keeper.is_active = False
    assert (keeper.is_staff, keeper.has_perms(["x"])) == (False, False)
