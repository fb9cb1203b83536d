"""Playing visits that do not go to their end, in another mode, and with the lives of their items."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from catalog.models import Product
from checkout.models import CheckoutSession
from orders.models import Order
from tests.checkout.colours import RED_ID
from tests.checkout.serving import Server
from tests.checkout.tools.test_replay import frames_write, played
from tests.conftest import PASSWORD
from tests.recognition.vision.scenes import BLUE, RED, Pack, Stage

SPOT = (160.0, 120.0)


def arguments(server: Server) -> tuple[Any, ...]:
    login = ("--url", server.origin, "--username", "shopper", "--password", PASSWORD)
    return (*login, "--fps", 20, "--in-flight", 1)


def visit_write(folder: Path, *colours: tuple[int, int, int]) -> None:
    stage = Stage()
    shown = [frame for colour in colours for frame in (*stage.shown(Pack(colour, SPOT), 14), *stage.empty(8))]
    frames_write(folder, [*stage.empty(8), *shown])


def test_a_cart_that_cannot_be_paid_fails_alone(server: Server, shopper: User, tmp_path: Path) -> None:
    Product.objects.filter(pk=RED_ID).update(price=None)
    visit_write(tmp_path / "visit-000", RED, BLUE)
    visit_write(tmp_path / "visit-001", BLUE)
    output = StringIO()
    with pytest.raises(CommandError, match=r"1 of 2 visits failed: .*items_without_price"):
        call_command(
            "replay", *map(str, (tmp_path, *arguments(server), "--confirm", "--json")), stdout=output
        )
    first, second = json.loads(output.getvalue())["visits"]
    assert (first["cart"]["total_items"], first["order"]) == (2, None)
    assert "items_without_price" in first["failure"]
    assert (second["failure"], second["order"]["number"]) == (None, Order.objects.get().number)
    statuses = CheckoutSession.objects.order_by("created_at").values_list("status", flat=True)
    assert list(statuses) == ["expired", "completed"]


def test_the_life_of_each_item_is_reported(server: Server, shopper: User, tmp_path: Path) -> None:
    visit_write(tmp_path / "visit", RED)
    lines = played(tmp_path, *arguments(server), "--explain").splitlines()
    (track,) = (line for line in lines if line.startswith("  track"))
    assert re.fullmatch(r"  track \d+: frames \d+ to \d+, seen \d+ times: accepted Red tea", track)
    views = [line for line in lines if line.startswith("    view in frame")]
    assert len(views) >= 3
    assert all("accepted Red tea, score " in line for line in views)
    assert any("accepted Red tea (" in line for line in lines)
    assert any("added Red tea (" in line for line in lines)
    assert any(line.endswith(": add 1 x Red tea (vision)") for line in lines)
    (visit,) = json.loads(played(tmp_path, *arguments(server), "--explain", "--json"))["visits"]
    assert (visit["tracks"][0]["verdict"], len(visit["tracks"])) == ("accepted Red tea", 1)


def test_mode_and_zone_are_those_asked_for(server: Server, shopper: User, tmp_path: Path) -> None:
    visit_write(tmp_path / "visit", RED)
    for options, pieces in (
        (("--mode", "cart"), 0),  # it goes in and out again
        (("--zone", 0, 0, 1, 0.2), 0),
        (("--zone", 0, 0, 1, 1), 1),
    ):
        (visit,) = json.loads(played(tmp_path, *arguments(server), *options, "--json"))["visits"]
        assert visit["cart"]["total_items"] == pieces, options
    with pytest.raises(CommandError, match=r"1 of 1 visits failed: zone\.set was refused: the zone must lie"):
        played(tmp_path, *arguments(server), "--zone", 0.5, 0.5, 0.6, 0.6)
