"""What recognition refuses: each error is a fact with a code, and data that helps."""

from __future__ import annotations

from typing import ClassVar

from ebrcs.errors import EbrcsError


class EngineNotReady(EbrcsError):
    """The engine cannot answer now; `reasons` hold why, and what to do."""

    code: ClassVar[str] = "engine_not_ready"
    status: ClassVar[int] = 503
    title: ClassVar[str] = "Recognition is not ready"

    @classmethod
    def because(cls, reasons: list[str]) -> EngineNotReady:
        """Make one of several reasons, which are joined in the message and listed in the data."""
        return cls(" ".join(reasons), reasons=reasons)


class EngineBusy(EbrcsError):
    """More pictures are waiting than can be answered in time."""

    code: ClassVar[str] = "engine_busy"
    status: ClassVar[int] = 503
    title: ClassVar[str] = "Recognition is busy"


class EncoderFailed(EbrcsError):
    """The encoder raised on a picture; the log has the trace."""

    code: ClassVar[str] = "encoder_failed"
    status: ClassVar[int] = 503
    title: ClassVar[str] = "The picture could not be embedded"


class EncoderMismatch(EbrcsError):
    """The encoder in use is not the one the index was made with; their vectors must never meet."""

    code: ClassVar[str] = "encoder_mismatch"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "The index was made with another encoder"


class DuplicatePhoto(EbrcsError):
    """A photo is already known, in the same upload or in the shop."""

    code: ClassVar[str] = "duplicate_photo"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "A photo already exists"


class PhotoCountWrong(EbrcsError):
    """An upload brings no photo, or more than one call may bring."""

    code: ClassVar[str] = "photo_count"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "Wrong number of photos"


class ProductInvalid(EbrcsError):
    """A field of the product has a value it must not have; `errors` names each with the reason."""

    code: ClassVar[str] = "invalid_product"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "The product cannot be saved like this"


class ProductSold(EbrcsError):
    """A product that is on a receipt, in a cart or in the record of a visit cannot be deleted."""

    code: ClassVar[str] = "product_sold"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "The product has been sold"


class ProductUnknown(EbrcsError):
    """There is no product with this id."""

    code: ClassVar[str] = "no_such_product"
    status: ClassVar[int] = 404
    title: ClassVar[str] = "There is no such product"


class PhotoUnknown(EbrcsError):
    """There is no photo with this id."""

    code: ClassVar[str] = "no_such_photo"
    status: ClassVar[int] = 404
    title: ClassVar[str] = "There is no such photo"
