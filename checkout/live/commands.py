"""The text messages of the socket, parsed and validated before anything acts on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from checkout.cart.unresolved import DISMISSALS
from checkout.errors import BadCommand
from checkout.live.message_fields import Fields, fields_read, id_field, id_or_none, integer_field, text_field

TEXT_MAX_CHARACTERS = 4096
ROUNDING = 1e-3
DISMISSAL_REASONS = [reason.value for reason in DISMISSALS]


@dataclass(frozen=True)
class ItemSet:
    """Set the quantity of a line."""

    product_id: UUID
    quantity: int


@dataclass(frozen=True)
class ModeSet:
    """Switch the counting mode."""

    mode: str


@dataclass(frozen=True)
class Choose:
    """Answer which product an ambiguous item is."""

    track: int
    product_id: UUID


@dataclass(frozen=True)
class Barcode:
    """Add a product by its barcode, once under one id however often it is asked for."""

    code: str
    event_id: UUID | None = None


@dataclass(frozen=True)
class ZoneSet:
    """Count in a part of the frame: x, y, width, height, relative to it."""

    sides: tuple[float, float, float, float]


@dataclass(frozen=True)
class DebugSet:
    """Switch the explanations sent with each frame on or off."""

    is_on: bool


@dataclass(frozen=True)
class Ping:
    """Ask for a sign of life."""


@dataclass(frozen=True)
class ItemCorrect:
    """One piece was not this product: remove it, and add the other product if one is given."""

    product_id: UUID
    instead_id: UUID | None
    event_id: UUID | None


@dataclass(frozen=True)
class UnresolvedResolve:
    """Add an unresolved item as a product, or as the one with a barcode."""

    unresolved_id: UUID
    product_id: UUID | None
    code: str | None


@dataclass(frozen=True)
class UnresolvedDismiss:
    """Give an unresolved item up."""

    unresolved_id: UUID
    reason: str


@dataclass(frozen=True)
class Undo:
    """Undo a change of the cart."""

    event_id: UUID


Command = (
    ItemSet
    | ModeSet
    | Choose
    | Barcode
    | ZoneSet
    | DebugSet
    | ItemCorrect
    | UnresolvedResolve
    | UnresolvedDismiss
    | Undo
    | Ping
)


def command_parse(text: str) -> Command:
    """Parse a text message, or raise `BadCommand` with what is allowed."""
    fields = fields_read(text, characters_max=TEXT_MAX_CHARACTERS)
    kind = fields.get("type")
    read = READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise BadCommand(f"Known commands are {', '.join(READERS)}.")
    return read(fields)


def _item_correct(fields: Fields) -> ItemCorrect:
    wrong_id, instead_id = id_field(fields, "product_id"), id_or_none(fields, "instead_id")
    if wrong_id == instead_id:
        raise BadCommand("instead_id must be null or a product other than product_id.")
    return ItemCorrect(wrong_id, instead_id, id_or_none(fields, "event_id"))


def _unresolved_resolve(fields: Fields) -> UnresolvedResolve:
    unresolved_id, product_id = id_field(fields, "id"), id_or_none(fields, "product_id")
    code = None if fields.get("code") is None else text_field(fields, "code")
    if (product_id is None) == (code is None):
        raise BadCommand("Either product_id or code must be given.")
    return UnresolvedResolve(unresolved_id, product_id, code)


def _unresolved_dismiss(fields: Fields) -> UnresolvedDismiss:
    unresolved_id, reason = id_field(fields, "id"), text_field(fields, "reason")
    if reason not in DISMISSAL_REASONS:
        raise BadCommand(f"reason must be one of {', '.join(DISMISSAL_REASONS)}.")
    return UnresolvedDismiss(unresolved_id, reason)


def _truth(fields: Fields, name: str) -> bool:
    value = fields.get(name)
    if not isinstance(value, bool):
        raise BadCommand(f"{name} must be true or false.")
    return value


def _zone(fields: Fields) -> tuple[float, float, float, float]:
    """Return a zone; one that exceeds the frame by a rounding error is clipped to its edge."""
    sides = fields.get("zone")
    if (
        not isinstance(sides, list)
        or len(sides) != 4
        or not all(isinstance(side, int | float) and -1 <= side <= 2 for side in sides)
        or any(isinstance(side, bool) for side in sides)
    ):
        raise BadCommand("zone must be four numbers from 0 to 1: x, y, width, height.")
    x, y, width, height = (float(side) for side in sides)
    if 1 < x + width < 1 + ROUNDING:
        width = 1 - x
    if 1 < y + height < 1 + ROUNDING:
        height = 1 - y
    return x, y, width, height


READERS: dict[str, Callable[[Fields], Command]] = {
    "item.set": lambda fields: ItemSet(id_field(fields, "product_id"), integer_field(fields, "quantity")),
    "item.correct": _item_correct,
    "unresolved.resolve": _unresolved_resolve,
    "unresolved.dismiss": _unresolved_dismiss,
    "undo": lambda fields: Undo(id_field(fields, "event_id")),
    "mode.set": lambda fields: ModeSet(text_field(fields, "mode")),
    "choose": lambda fields: Choose(integer_field(fields, "track"), id_field(fields, "product_id")),
    "barcode": lambda fields: Barcode(text_field(fields, "code"), id_or_none(fields, "event_id")),
    "zone.set": lambda fields: ZoneSet(_zone(fields)),
    "debug.set": lambda fields: DebugSet(_truth(fields, "on")),
    "ping": lambda fields: Ping(),
}
