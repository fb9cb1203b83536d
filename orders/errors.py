"""What orders refuse, each with its stable code."""

from __future__ import annotations

from typing import ClassVar

from ebrcs.errors import EbrcsError


class ReceiptLinkUnknown(EbrcsError):
    """No receipt has this link."""

    code: ClassVar[str] = "no_such_receipt_link"
    status: ClassVar[int] = 404
    title: ClassVar[str] = "There is no such receipt link"


class ReceiptLinkGone(EbrcsError):
    """The link is too old, or another browser has opened it."""

    code: ClassVar[str] = "receipt_link_gone"
    status: ClassVar[int] = 410
    title: ClassVar[str] = "The receipt link has been used or is too old"


class ReceiptNotClaimable(EbrcsError):
    """Only receipts of a lane can be added to an account, by a shopper, and only once."""

    code: ClassVar[str] = "receipt_not_claimable"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "This receipt belongs to an account already"
