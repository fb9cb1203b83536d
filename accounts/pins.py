"""The PINs by which staff identify at a lane: set, cleared and checked."""

from __future__ import annotations

import re
from itertools import pairwise
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction

from accounts.errors import PinInvalid, PinRefused
from accounts.models import User
from ebrcs.rate_limits import rate_limit_check

PIN_DIGITS_MIN = 6
PIN_DIGITS_MAX = 12
WELL_FORMED = re.compile(rf"[0-9]{{{PIN_DIGITS_MIN},{PIN_DIGITS_MAX}}}")
RUNS = ({0}, {1}, {9})
"""Steps from digit to digit, modulo ten, of 111111, 123456 and 654321."""


def pin_validate(pin: str) -> None:
    """Raise `PinInvalid` for a PIN that may not be set: of another length, or among the first tried."""
    if not WELL_FORMED.fullmatch(pin):
        raise PinInvalid(f"A PIN has {PIN_DIGITS_MIN} to {PIN_DIGITS_MAX} digits.")
    digits = [int(digit) for digit in pin]
    steps = {(after - before) % 10 for before, after in pairwise(digits)}
    if steps in RUNS:
        raise PinInvalid("A PIN may not be one digit repeated, nor digits in a row such as 123456 or 654321.")


@transaction.atomic
def pin_set(*, user: User, pin: str) -> None:
    """Give a member of staff or an admin a new PIN, and a staff number if there is none yet.

    The row stays locked until commit: whoever loses the role at the same time does not keep the PIN.
    """
    pin_validate(pin)
    stored = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not stored.helps_shoppers:
        raise PinInvalid("Only members of staff and admins whose account is open have a PIN.")
    stored.staff_number_assign()
    stored.pin = make_password(pin)
    stored.save(update_fields=["pin"])
    user.staff_number, user.pin = stored.staff_number, stored.pin


def pin_clear(*, user: User) -> None:
    """Take the PIN away; the staff number stays."""
    User.objects.filter(pk=user.pk).update(pin="")
    user.pin = ""


def pin_user(*, store_id: UUID, staff_number: int, pin: str, place: str) -> User:
    """Return who has this staff number and PIN and may help at the lanes of a store.

    The attempt is counted before anything is looked up, for the place it comes from and for the number. It is
    not told what was wrong, and an unknown number takes as long as a wrong PIN.

    Parameters
    ----------
    place : what attempts are counted by, such as the id of a lane

    Raises
    ------
    PinRefused
        When number and PIN belong to nobody who may help there.
    TooManyRequests
        When the place or the number has been tried too often.
    """
    rate_limit_check("pin", f"place:{place}")
    rate_limit_check("pin", f"staff:{staff_number}")
    if not WELL_FORMED.fullmatch(pin):
        raise PinRefused
    user = User.objects.filter(staff_number=staff_number).first()
    if user is None or not user.pin or not user.works_at(store_id):
        make_password(pin)  # takes as long as a comparison
        raise PinRefused
    if not check_password(pin, user.pin):
        raise PinRefused
    return user
