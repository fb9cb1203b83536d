"""What checkout refuses, each with its stable code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from ebrcs.errors import EbrcsError

if TYPE_CHECKING:
    from catalog.models import Product


class SessionNotFound(EbrcsError):
    """There is no such session, or it belongs to someone else."""

    code: ClassVar[str] = "no_such_session"
    status: ClassVar[int] = 404
    title: ClassVar[str] = "There is no such checkout session"


class SessionNotActive(EbrcsError):
    """The session has ended; its cart can no longer change."""

    code: ClassVar[str] = "session_not_active"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "The checkout session has ended"

    def __init__(self, *, session_id: UUID, session_status: str) -> None:
        super().__init__(
            f"The checkout session is {session_status}; only an active one can be changed.",
            session_id=str(session_id),
            session_status=session_status,
        )


class SessionElsewhere(EbrcsError):
    """The visit goes on in another browser of the account; this one may continue it there, or start anew."""

    code: ClassVar[str] = "session_elsewhere"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "The checkout session goes on on another device"

    def __init__(self, *, session_id: UUID) -> None:
        super().__init__(
            f"Open /checkout/{session_id}/ to continue it here.",
            session_id=str(session_id),
        )


class LaneVisitsOnly(EbrcsError):
    """The account of a lane has the lane's visit and no other."""

    code: ClassVar[str] = "lane_visit"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "A lane has one visit, which is begun at the lane"


class TooManySessions(EbrcsError):
    """The account has as many active sessions as it may, and all are in use."""

    code: ClassVar[str] = "too_many_sessions"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "Too many checkout sessions are open"

    def __init__(self, *, limit: int) -> None:
        super().__init__(
            f"{limit} checkout sessions of one account may be open at once. End one before starting another.",
            limit=limit,
        )


class CartEmpty(EbrcsError):
    """An order needs at least one item."""

    code: ClassVar[str] = "empty_cart"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "The cart is empty"


class ItemsRefused(EbrcsError):
    """A refusal because of some products; `items` holds the id and the name of each."""

    status: ClassVar[int] = 409

    def __init__(self, products: Sequence[Product]) -> None:
        names = ", ".join(product.name for product in products)
        items = [{"product_id": str(product.pk), "name": product.name} for product in products]
        super().__init__(f"{self.title}: {names}.", items=items)


class ItemsWithoutPrice(ItemsRefused):
    """Some lines have a price and some have none: no total would be right."""

    code: ClassVar[str] = "items_without_price"
    title: ClassVar[str] = "Some items have no price"


class ItemsNotForSale(ItemsRefused):
    """Products that were withdrawn from sale."""

    code: ClassVar[str] = "items_not_for_sale"
    title: ClassVar[str] = "Some items are not for sale"


class ProductNotFound(EbrcsError):
    """No product has this id or barcode."""

    code: ClassVar[str] = "no_such_product"
    status: ClassVar[int] = 404
    title: ClassVar[str] = "There is no such product"


class BarcodeInvalid(EbrcsError):
    """The code is not a GTIN."""

    code: ClassVar[str] = "bad_barcode"
    title: ClassVar[str] = "This is not a barcode"


class QuantityOutOfRange(EbrcsError):
    """The quantity of a line is bounded."""

    code: ClassVar[str] = "quantity_out_of_range"
    title: ClassVar[str] = "The quantity is not allowed"

    def __init__(self, *, maximum: int, **data: Any) -> None:
        super().__init__(f"A quantity from 0 to {maximum} is allowed.", limit=maximum, **data)


class BadCommand(EbrcsError):
    """A text message over the socket that is not a command of the protocol."""

    code: ClassVar[str] = "bad_command"
    title: ClassVar[str] = "This is not a command"


class QuestionUnknown(EbrcsError):
    """No question was asked, or this product was not among its choices."""

    code: ClassVar[str] = "no_such_question"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "There is no such question"


class TooManyChanges(EbrcsError):
    """The session has recorded as many changes as it may; items can only be taken out."""

    code: ClassVar[str] = "too_many_changes"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "The cart has been changed too often"

    def __init__(self, *, limit: int) -> None:
        super().__init__(
            f"One checkout session records at most {limit} changes. Items can still be removed; confirm the "
            "cart, or start a new session.",
            limit=limit,
        )


class ItemNotInCart(EbrcsError):
    """The cart holds no piece of the product to correct."""

    code: ClassVar[str] = "not_in_cart"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "The cart does not hold this product"


class ChangeUnknown(EbrcsError):
    """The cart has no such change, or one that cannot be undone."""

    code: ClassVar[str] = "no_such_change"
    status: ClassVar[int] = 404
    title: ClassVar[str] = "There is no such change"


class AlreadyUndone(EbrcsError):
    """The change was undone or corrected before, perhaps in another window."""

    code: ClassVar[str] = "already_undone"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "This change has already been undone or corrected"


class UnresolvedNotFound(EbrcsError):
    """The cart has no such unresolved item."""

    code: ClassVar[str] = "unresolved_not_found"
    status: ClassVar[int] = 404
    title: ClassVar[str] = "There is no such unresolved item"


class AlreadyResolved(EbrcsError):
    """The unresolved item has its outcome, perhaps from another window."""

    code: ClassVar[str] = "already_resolved"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "This item has already been resolved"


class StaffNeeded(EbrcsError):
    """Shoppers of this shop do not give up unresolved items themselves."""

    code: ClassVar[str] = "staff_needed"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "A member of staff has to do this"


class ItemsUnresolved(EbrcsError):
    """Other items are open than the caller expected, or any where none may be; `items` holds them."""

    code: ClassVar[str] = "unresolved_items"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "The number of unresolved items is not as expected"

    def __init__(self, items: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(f"{len(items)} items are unresolved.", items=list(items))


class CartChanged(EbrcsError):
    """The cart costs something else than the shopper was shown; `cart` is the cart as it is."""

    code: ClassVar[str] = "cart_changed"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "The cart has changed"

    def __init__(self, cart: Mapping[str, Any]) -> None:
        super().__init__("The cart has changed: its total is not the expected one.", cart=dict(cart))


class NothingToUndo(EbrcsError):
    """What the change added has been removed meanwhile."""

    code: ClassVar[str] = "nothing_to_undo"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "What was added is no longer in the cart"


class AlertNotFound(EbrcsError):
    """There is no such alert, or it belongs to a store at which the caller does not work."""

    code: ClassVar[str] = "no_such_alert"
    status: ClassVar[int] = 404
    title: ClassVar[str] = "There is no such alert"


class AlertTaken(EbrcsError):
    """Another member of staff has the alert; `by` is their name."""

    code: ClassVar[str] = "alert_taken"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "Someone else takes care of this"

    def __init__(self, *, alert_id: UUID, by: str) -> None:
        super().__init__(f"{by} has it.", id=str(alert_id), by=by)


class AlertOver(EbrcsError):
    """The alert was resolved before anyone took it, or it passed by itself."""

    code: ClassVar[str] = "alert_over"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "This alert is over"


class LaneNotFound(EbrcsError):
    """There is no such lane, or it belongs to a store at which the caller does not work."""

    code: ClassVar[str] = "no_such_lane"
    status: ClassVar[int] = 404
    title: ClassVar[str] = "There is no such lane"


class NoVisit(EbrcsError):
    """Nobody shops at the lane, so there is no cart to change."""

    code: ClassVar[str] = "no_visit"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "Nobody is shopping at this lane"


class LaneLocked(EbrcsError):
    """No member of staff has unlocked the lane, or it has locked itself since."""

    code: ClassVar[str] = "locked"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "A member of staff has to unlock the lane"


class NotStaff(EbrcsError):
    """The account belongs to no member of staff."""

    code: ClassVar[str] = "not_staff"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "Only members of staff may do this"


class NotWatched(EbrcsError):
    """The caller does not watch the camera of this lane."""

    code: ClassVar[str] = "not_watched"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "You are not watching this lane"


class TooManyWatched(EbrcsError):
    """One console watches a few lanes at once."""

    code: ClassVar[str] = "too_many_watched"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "Too many lanes are watched at once"


class NoPicture(EbrcsError):
    """The lane has sent no picture within the last seconds, or the picture was never kept."""

    code: ClassVar[str] = "no_picture"
    status: ClassVar[int] = 404
    title: ClassVar[str] = "There is no picture"


class PairingRefused(EbrcsError):
    """The code is unknown, used or too old; which of them, nobody is told."""

    code: ClassVar[str] = "pairing_refused"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "This code pairs no lane"

    def __init__(self) -> None:
        super().__init__("The code is wrong, used or too old. A code works once, for ten minutes.")


class LaneKeyRefused(EbrcsError):
    """No lane has this key, or not any more."""

    code: ClassVar[str] = "lane_key_refused"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "This is no lane's key"

    def __init__(self) -> None:
        super().__init__("No lane has this key. A key holds until it is revoked or another device is paired.")


class NotALane(EbrcsError):
    """The account is no lane's."""

    code: ClassVar[str] = "not_a_lane"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "Only lanes may do this"


class NotWatching(EbrcsError):
    """Nobody watches the lane, or not this one, or not in this way."""

    code: ClassVar[str] = "not_watching"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "Nobody is watching"


class LanePictureRefused(EbrcsError):
    """A picture for staff that is too large, no JPEG, or too soon after the last one."""

    code: ClassVar[str] = "picture_refused"
    title: ClassVar[str] = "This picture is not passed on"
