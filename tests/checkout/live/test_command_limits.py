"""What a text message may be: each limit of a command from both sides, without a server."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from checkout.errors import BadCommand
from checkout.live.commands import (
    Barcode,
    Choose,
    Command,
    DebugSet,
    ItemCorrect,
    ItemSet,
    ModeSet,
    Ping,
    Undo,
    ZoneSet,
    command_parse,
)

ONE, OTHER = UUID(int=1), UUID(int=2)


def parsed(kind: str, **fields: Any) -> Command:
    return command_parse(json.dumps({"type": kind, **fields}))


def zone(*sides: Any) -> tuple[float, ...]:
    command = parsed("zone.set", zone=list(sides))
    assert isinstance(command, ZoneSet)
    return command.sides


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        (ItemSet(ONE, 3), {"type": "item.set", "product_id": str(ONE), "quantity": 3}),
        (ItemSet(ONE, -1), {"type": "item.set", "product_id": str(ONE), "quantity": -1}),
        (ItemCorrect(ONE, None, None), {"type": "item.correct", "product_id": str(ONE)}),
        (
            ItemCorrect(ONE, OTHER, OTHER),
            {
                "type": "item.correct",
                "product_id": str(ONE),
                "instead_id": str(OTHER),
                "event_id": str(OTHER),
            },
        ),
        (
            ItemCorrect(ONE, None, ONE),
            {"type": "item.correct", "product_id": str(ONE), "instead_id": None, "event_id": str(ONE)},
        ),
        (Undo(ONE), {"type": "undo", "event_id": str(ONE)}),
        (ModeSet("tray"), {"type": "mode.set", "mode": "tray"}),
        (Choose(7, ONE), {"type": "choose", "track": 7, "product_id": str(ONE)}),
        (Barcode(" 4006381333931"), {"type": "barcode", "code": " 4006381333931"}),
        (Barcode("1", ONE), {"type": "barcode", "code": "1", "event_id": str(ONE)}),
        (DebugSet(is_on=True), {"type": "debug.set", "on": True}),
        (DebugSet(is_on=False), {"type": "debug.set", "on": False}),
        (Ping(), {"type": "ping", "more": "is ignored"}),
    ],
)
def test_a_command_is_read_as_what_it_says(command: Command, fields: dict[str, Any]) -> None:
    assert command_parse(json.dumps(fields)) == command


def test_a_command_has_up_to_4096_characters() -> None:
    frame = len(json.dumps({"type": "ping", "more": ""}))
    assert parsed("ping", more="x" * (4096 - frame)) == Ping()
    with pytest.raises(BadCommand, match="4096"):
        parsed("ping", more="x" * (4097 - frame))


def test_a_zone_is_four_numbers_whole_or_not() -> None:
    assert zone(0, 0, 1, 1) == (0.0, 0.0, 1.0, 1.0)
    assert zone(0.25, 0.5, 0.5, 0.25) == (0.25, 0.5, 0.5, 0.25)
    for sides in (
        (0, 0, 1),
        (0, 0, 1, 1, 1),
        (0, 0, "1", 1),
        (0, 0, None, 1),
        (True, 0, 1, 1),
        (0, 0, 1, False),
    ):
        with pytest.raises(BadCommand):
            zone(*sides)


@pytest.mark.parametrize("index", range(4))
def test_a_number_far_outside_is_no_side_of_a_zone(index: int) -> None:
    sides: list[float] = [0.1, 0.1, 0.1, 0.1]
    for outside, is_read in ((-1, True), (-1.01, False), (2, True), (2.01, False)):
        sides[index] = outside
        if is_read:
            assert zone(*sides)[index] == outside
        else:
            with pytest.raises(BadCommand):
                zone(*sides)


def test_a_zone_over_the_edge_by_a_thousandth_reaches_to_it() -> None:
    assert zone(0.5, 0.25, 0.5005, 0.7508) == (0.5, 0.25, 0.5, 0.75)
    assert zone(0.5, 0.25, 0.502, 0.752) == (0.5, 0.25, 0.502, 0.752), (
        "what is more is left to the lane to refuse"
    )
    assert zone(0.5, 0.25, 0.4995, 0.7495) == (0.5, 0.25, 0.4995, 0.7495)
