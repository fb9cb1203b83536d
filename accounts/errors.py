"""What accounts refuse, each with its stable code."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from ebrcs.errors import EbrcsError


class InvalidCredentials(EbrcsError):
    """Name and password do not match an account that may log in; it is not told which was wrong."""

    code: ClassVar[str] = "invalid_credentials"
    status: ClassVar[int] = 401
    title: ClassVar[str] = "This name and password do not match an open account"


class TokenNotValid(EbrcsError):
    """A refresh token that is damaged, too old, used up, or whose user may no longer log in."""

    code: ClassVar[str] = "token_not_valid"
    status: ClassVar[int] = 401
    title: ClassVar[str] = "The token is not valid"


class TokenUsedBefore(TokenNotValid):
    """A refresh token that was exchanged or revoked at the time `used_at`."""

    def __init__(self, *, used_at: datetime) -> None:
        super().__init__("The token has already been used.")
        self.used_at = used_at


class UsernameTaken(EbrcsError):
    """Another account has this name, perhaps in other letter case."""

    code: ClassVar[str] = "username_taken"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "This name is taken"


class PinInvalid(EbrcsError):
    """A PIN that may not be set."""

    code: ClassVar[str] = "bad_pin"
    title: ClassVar[str] = "This PIN cannot be used"


class PinRefused(EbrcsError):
    """Staff number and PIN belong to nobody who may help here; it is not told which was wrong."""

    code: ClassVar[str] = "pin_refused"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "Staff number or PIN is wrong"


class DeviceAccount(EbrcsError):
    """The account of a device has no owner: it can do what its device is for, and nothing with itself."""

    code: ClassVar[str] = "device_account"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "This account belongs to a device"
