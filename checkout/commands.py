"""The text messages of the socket, checked and typed before anything acts on them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from checkout.errors import BadCommand

TEXT_MAX_CHARACTERS = 4096


@dataclass(frozen=True)
class ItemSet:
    """Set the quantity of a line."""

    product_id: UUID
    quantity: int


@dataclass(frozen=True)
class ModeSet:
    """Count in another way."""

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
class Ping:
    """Ask for a sign of life."""


Command = ItemSet | ModeSet | Choose | Barcode | Ping
NAMES = ("item.set", "mode.set", "choose", "barcode", "ping")


def command_parse(text: str) -> Command:
    """Return the command a text message is, or raise `BadCommand` with what is allowed."""
    if len(text) > TEXT_MAX_CHARACTERS:
        raise BadCommand(f"A command may have up to {TEXT_MAX_CHARACTERS} characters.")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise BadCommand("A command is a JSON object.") from None
    if not isinstance(fields, dict):
        raise BadCommand("A command is a JSON object.")
    match fields.get("type"):
        case "item.set":
            return ItemSet(_product_id(fields), _integer(fields, "quantity"))
        case "mode.set":
            return ModeSet(_text(fields, "mode"))
        case "choose":
            return Choose(_integer(fields, "track"), _product_id(fields))
        case "barcode":
            return Barcode(_text(fields, "code"))
        case "ping":
            return Ping()
    raise BadCommand(f"Known commands are {', '.join(NAMES)}.")


def _product_id(fields: dict[str, Any]) -> UUID:
    try:
        return UUID(_text(fields, "product_id"))
    except ValueError:
        raise BadCommand("product_id has to be the id of a product.") from None


def _integer(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadCommand(f"{name} has to be a whole number.")
    return value


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise BadCommand(f"{name} has to be a text.")
    return value
