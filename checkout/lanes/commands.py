"""The text messages of a lane's socket, parsed and validated before anything acts on them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware

from checkout.errors import BadCommand
from checkout.lanes.telemetry import Minute
from checkout.live.message_fields import Fields, fields_read
from checkout.models import Alert, Lane

TEXT_MAX_CHARACTERS = 16_384
"""A description of a WebRTC connection has some 4,000."""
PEER_MAX_CHARACTERS = 200
FRAMES_PER_SECOND_MAX = 240.0
ANSWER_MAX_MS = 600_000.0
COUNT_MAX = 1_000_000
TROUBLES = (Alert.Kind.PAYMENT.value, Alert.Kind.APPROVAL.value)


@dataclass(frozen=True)
class Heartbeat:
    """The page is there, and what it does."""

    activity: str
    camera_state: str


@dataclass(frozen=True)
class Telemetry:
    """What the page measured in one minute."""

    measured: Minute


@dataclass(frozen=True)
class Help:
    """A shopper calls staff, about an unresolved item where one is named."""

    unresolved_id: UUID | None


@dataclass(frozen=True)
class HelpCancel:
    """The shopper needs no help any more."""


@dataclass(frozen=True)
class Trouble:
    """Something that a shopper cannot mend."""

    kind: str


@dataclass(frozen=True)
class Signal:
    """A message of WebRTC to a member of staff who watches."""

    peer: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Ping:
    """Ask for a sign of life."""


LaneCommand = Heartbeat | Telemetry | Help | HelpCancel | Trouble | Signal | Ping


def lane_command_parse(text: str) -> LaneCommand:
    """Parse a text message, or raise `BadCommand` with what is allowed."""
    fields = fields_read(text, characters_max=TEXT_MAX_CHARACTERS)
    kind = fields.get("type")
    read = READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise BadCommand(f"Known commands are {', '.join(READERS)}.")
    return read(fields)


def _choice(fields: Fields, name: str, allowed: tuple[str, ...]) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or value not in allowed:
        raise BadCommand(f"{name} must be one of {', '.join(allowed)}.")
    return value


def _number(fields: Fields, name: str, most: float) -> float:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise BadCommand(f"{name} must be a number from 0 to {most:.0f}.")
    return float(value)


def _number_or_none(fields: Fields, name: str, most: float) -> float | None:
    return None if fields.get(name) is None else _number(fields, name, most)


def _count(fields: Fields, name: str) -> int:
    value = _number(fields, name, COUNT_MAX)
    if not math.isclose(value, round(value)):
        raise BadCommand(f"{name} must be a whole number.")
    return round(value)


def _minute(fields: Fields) -> datetime:
    value = fields.get("minute")
    try:
        moment = parse_datetime(value) if isinstance(value, str) and len(value) < 40 else None
    except ValueError:
        moment = None
    if moment is None or not is_aware(moment):
        raise BadCommand("minute must be a time with its zone, as in 2026-11-28T06:00:00Z.")
    return moment


def _telemetry(fields: Fields) -> Telemetry:
    return Telemetry(
        Minute(
            minute=_minute(fields),
            frames_per_second=_number(fields, "fps", FRAMES_PER_SECOND_MAX),
            answer_p50_ms=_number_or_none(fields, "p50_ms", ANSWER_MAX_MS),
            answer_p95_ms=_number_or_none(fields, "p95_ms", ANSWER_MAX_MS),
            dropped=_count(fields, "dropped"),
            reconnects=_count(fields, "reconnects"),
            camera_state=_choice(fields, "camera", CAMERA_STATES),
        )
    )


def _help(fields: Fields) -> Help:
    value = fields.get("unresolved_id")
    if value is None:
        return Help(None)
    try:
        return Help(UUID(value))
    except (ValueError, AttributeError, TypeError):
        raise BadCommand("unresolved_id must be a UUID or null.") from None


def _signal(fields: Fields) -> Signal:
    peer, data = fields.get("peer"), fields.get("data")
    if not isinstance(peer, str) or not 0 < len(peer) <= PEER_MAX_CHARACTERS:
        raise BadCommand("peer must be the text that named who watches.")
    if not isinstance(data, dict):
        raise BadCommand("data must be an object.")
    return Signal(peer, data)


ACTIVITIES = tuple(str(value) for value in Lane.Activity.values)
CAMERA_STATES = tuple(str(value) for value in Lane.CameraState.values)
READERS: dict[str, Callable[[Fields], LaneCommand]] = {
    "heartbeat": lambda fields: Heartbeat(
        _choice(fields, "activity", ACTIVITIES), _choice(fields, "camera", CAMERA_STATES)
    ),
    "telemetry": _telemetry,
    "help": _help,
    "help.cancel": lambda fields: HelpCancel(),
    "trouble": lambda fields: Trouble(_choice(fields, "kind", TROUBLES)),
    "signal": _signal,
    "ping": lambda fields: Ping(),
}
