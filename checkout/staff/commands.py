"""What members of staff ask for, over the console's socket or at the lane, validated before anything acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from checkout.cart.unresolved import DISMISSALS
from checkout.errors import BadCommand
from checkout.live.message_fields import Fields, id_field, id_or_none, integer_field, text_field
from checkout.models import UnresolvedItem

TEXT_MAX_CHARACTERS = 16_384
"""Of a message: descriptions of a WebRTC connection are a few thousand characters long."""
REASON_MAX_CHARACTERS = 200
REQUEST_MAX_CHARACTERS = 64
OUTCOMES = [outcome.value for outcome in DISMISSALS]
LANE_COMMANDS = ("reset", "restart_camera", "approve", "open", "close")
WATCH_MODES = ("webrtc", "pictures")


@dataclass(frozen=True)
class Action:
    """One thing that a member of staff does at a lane.

    Attributes
    ----------
    name : what it is, as in `ACTIONS`
    product_id, quantity : of `cart.set`
    unresolved_id : of `unresolved.resolve`, by product or by barcode (`code`), and `unresolved.dismiss`
    outcome : why an unresolved item is given up
    why : the reason in their own words, empty where none was given
    """

    name: str
    product_id: UUID | None = None
    quantity: int | None = None
    unresolved_id: UUID | None = None
    code: str | None = None
    outcome: str = UnresolvedItem.Outcome.PUT_BACK.value
    why: str = ""


@dataclass(frozen=True)
class AtLane:
    """Do something at a lane."""

    lane_id: UUID
    action: Action


@dataclass(frozen=True)
class Acknowledge:
    """Take an alert."""

    alert_id: UUID


@dataclass(frozen=True)
class Resolve:
    """Say that an alert is over."""

    alert_id: UUID


@dataclass(frozen=True)
class Watch:
    """Watch the camera of a lane."""

    lane_id: UUID
    mode: str


@dataclass(frozen=True)
class Unwatch:
    """Stop watching the camera of a lane."""

    lane_id: UUID


@dataclass(frozen=True)
class SignalLane:
    """Tell the page of a watched lane something about the WebRTC connection."""

    lane_id: UUID
    data: dict[str, Any]


@dataclass(frozen=True)
class Ping:
    """Ask for a sign of life."""


Command = AtLane | Acknowledge | Resolve | Watch | Unwatch | SignalLane | Ping


def request_of(fields: Fields) -> dict[str, str]:
    """Return what the answer to a message repeats, so that a client knows what it answers."""
    request = fields.get("request")
    if isinstance(request, str) and len(request) <= REQUEST_MAX_CHARACTERS:
        return {"request": request}
    return {}


def command_parse(fields: Fields) -> Command:
    """Return the command of a message, or raise `BadCommand` with what is allowed."""
    kind = fields.get("type")
    read = READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise BadCommand(f"Known commands are {', '.join(READERS)}.")
    return read(fields)


def action_parse(name: Any, fields: Fields) -> Action:
    """Return the action with a name, or raise `BadCommand` with what is allowed."""
    read = ACTIONS.get(name) if isinstance(name, str) else None
    if read is None:
        raise BadCommand(f"Known actions are {', '.join(ACTIONS)}.")
    return read(name, fields)


def _plain(name: str, fields: Fields) -> Action:
    return Action(name, why=_why(fields))


def _cart_set(name: str, fields: Fields) -> Action:
    return Action(
        name,
        product_id=id_field(fields, "product_id"),
        quantity=integer_field(fields, "quantity"),
        why=_why(fields),
    )


def _resolve(name: str, fields: Fields) -> Action:
    product_id = id_or_none(fields, "product_id")
    code = None if fields.get("code") is None else text_field(fields, "code")
    if (product_id is None) == (code is None):
        raise BadCommand("Either product_id or code must be given.")
    return Action(
        name, product_id=product_id, unresolved_id=id_field(fields, "id"), code=code, why=_why(fields)
    )


def _dismiss(name: str, fields: Fields) -> Action:
    """Read a dismissal; the reason may be the outcome itself, as shoppers give it."""
    outcome, why = fields.get("outcome"), _why(fields)
    if outcome is None and why in OUTCOMES:
        outcome, why = why, ""
    outcome = Action.outcome if outcome is None else outcome
    if outcome not in OUTCOMES:
        raise BadCommand(f"outcome must be one of {', '.join(OUTCOMES)}.")
    return Action(name, unresolved_id=id_field(fields, "id"), outcome=outcome, why=why)


ACTIONS: dict[str, Callable[[str, Fields], Action]] = {
    "cart.set": _cart_set,
    "unresolved.resolve": _resolve,
    "unresolved.dismiss": _dismiss,
    "visit.end": _plain,
    **dict.fromkeys(LANE_COMMANDS, _plain),
}


def _lane_command(fields: Fields) -> AtLane:
    command = fields.get("command")
    if command not in LANE_COMMANDS:
        raise BadCommand(f"command must be one of {', '.join(LANE_COMMANDS)}.")
    return AtLane(id_field(fields, "lane_id"), action_parse(command, fields))


def _at_lane(fields: Fields) -> AtLane:
    return AtLane(id_field(fields, "lane_id"), action_parse(fields["type"], fields))


def _watch(fields: Fields) -> Watch:
    mode = fields.get("mode")
    if mode not in WATCH_MODES:
        raise BadCommand(f"mode must be one of {', '.join(WATCH_MODES)}.")
    return Watch(id_field(fields, "lane_id"), mode)


def _signal(fields: Fields) -> SignalLane:
    data = fields.get("data")
    if not isinstance(data, dict):
        raise BadCommand("data must be an object.")
    return SignalLane(id_field(fields, "lane_id"), data)


def _why(fields: Fields) -> str:
    why = "" if fields.get("reason") is None else text_field(fields, "reason").strip()
    if len(why) > REASON_MAX_CHARACTERS or not why.isprintable():
        raise BadCommand(f"reason may have up to {REASON_MAX_CHARACTERS} printable characters, on one line.")
    return why


READERS: dict[str, Callable[[Fields], Command]] = {
    "alert.acknowledge": lambda fields: Acknowledge(id_field(fields, "id")),
    "alert.resolve": lambda fields: Resolve(id_field(fields, "id")),
    "lane.command": _lane_command,
    "cart.set": _at_lane,
    "unresolved.resolve": _at_lane,
    "unresolved.dismiss": _at_lane,
    "visit.end": _at_lane,
    "watch": _watch,
    "unwatch": lambda fields: Unwatch(id_field(fields, "lane_id")),
    "signal": _signal,
    "ping": lambda fields: Ping(),
}
