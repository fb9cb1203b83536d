"""Reads text messages of sockets and their fields, or raises `BadCommand` with what is allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from checkout.errors import BadCommand

Fields = Mapping[str, Any]


def fields_read(text: str, *, characters_max: int) -> dict[str, Any]:
    """Return the fields of a message, which is a JSON object."""
    if len(text) > characters_max:
        raise BadCommand(f"A command may have up to {characters_max} characters.")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise BadCommand("A command is a JSON object.") from None
    if not isinstance(fields, dict):
        raise BadCommand("A command is a JSON object.")
    return fields


def text_field(fields: Fields, name: str) -> str:
    """Return a field that must be a string."""
    value = fields.get(name)
    if not isinstance(value, str):
        raise BadCommand(f"{name} must be a string.")
    return value


def integer_field(fields: Fields, name: str) -> int:
    """Return a field that must be a whole number."""
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadCommand(f"{name} must be a whole number.")
    return value


def id_field(fields: Fields, name: str) -> UUID:
    """Return a field that must be a UUID."""
    try:
        return UUID(text_field(fields, name))
    except ValueError:
        raise BadCommand(f"{name} must be a UUID.") from None


def id_or_none(fields: Fields, name: str) -> UUID | None:
    """Return a field that must be a UUID, null, or left out."""
    return None if fields.get(name) is None else id_field(fields, name)
