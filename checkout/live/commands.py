"""The text messages of the socket, parsed and validated before anything acts on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from checkout.cart.unresolved import DISMISSALS
from checkout.errors import BadCommand

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
    """Add a product by its barcode."""

    code: str


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
    if len(text) > TEXT_MAX_CHARACTERS:
        raise BadCommand(f"A command may have up to {TEXT_MAX_CHARACTERS} characters.")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise BadCommand("A command is a JSON object.") from None
    if not isinstance(fields, dict):
        raise BadCommand("A command is a JSON object.")
    kind = fields.get("type")
    read = READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise BadCommand(f"Known commands are {', '.join(READERS)}.")
    return read(fields)


def _id(fields: dict[str, Any], name: str) -> UUID:
    try:
        return UUID(_text(fields, name))
    except ValueError:
        raise BadCommand(f"{name} must be a UUID.") from None


def _id_or_none(fields: dict[str, Any], name: str) -> UUID | None:
    return None if fields.get(name) is None else _id(fields, name)


def _item_correct(fields: dict[str, Any]) -> ItemCorrect:
    wrong_id, instead_id = _id(fields, "product_id"), _id_or_none(fields, "instead_id")
    if wrong_id == instead_id:
        raise BadCommand("instead_id must be null or a product other than product_id.")
    return ItemCorrect(wrong_id, instead_id, _id_or_none(fields, "event_id"))


def _unresolved_resolve(fields: dict[str, Any]) -> UnresolvedResolve:
    unresolved_id, product_id = _id(fields, "id"), _id_or_none(fields, "product_id")
    code = None if fields.get("code") is None else _text(fields, "code")
    if (product_id is None) == (code is None):
        raise BadCommand("Either product_id or code must be given.")
    return UnresolvedResolve(unresolved_id, product_id, code)


def _unresolved_dismiss(fields: dict[str, Any]) -> UnresolvedDismiss:
    unresolved_id, reason = _id(fields, "id"), _text(fields, "reason")
    if reason not in DISMISSAL_REASONS:
        raise BadCommand(f"reason must be one of {', '.join(DISMISSAL_REASONS)}.")
    return UnresolvedDismiss(unresolved_id, reason)


def _integer(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadCommand(f"{name} must be a whole number.")
    return value


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise BadCommand(f"{name} must be a string.")
    return value


def _truth(fields: dict[str, Any], name: str) -> bool:
    value = fields.get(name)
    if not isinstance(value, bool):
        raise BadCommand(f"{name} must be true or false.")
    return value


def _zone(fields: dict[str, Any]) -> tuple[float, float, float, float]:
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


READERS: dict[str, Callable[[dict[str, Any]], Command]] = {
    "item.set": lambda fields: ItemSet(_id(fields, "product_id"), _integer(fields, "quantity")),
    "item.correct": _item_correct,
    "unresolved.resolve": _unresolved_resolve,
    "unresolved.dismiss": _unresolved_dismiss,
    "undo": lambda fields: Undo(_id(fields, "event_id")),
    "mode.set": lambda fields: ModeSet(_text(fields, "mode")),
    "choose": lambda fields: Choose(_integer(fields, "track"), _id(fields, "product_id")),
    "barcode": lambda fields: Barcode(_text(fields, "code")),
    "zone.set": lambda fields: ZoneSet(_zone(fields)),
    "debug.set": lambda fields: DebugSet(_truth(fields, "on")),
    "ping": lambda fields: Ping(),
}
