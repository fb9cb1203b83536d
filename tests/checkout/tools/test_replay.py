"""Playing recorded visits against a real server, and the errors for folders and servers that are none."""

from __future__ import annotations

import json
import math
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from checkout.models import CheckoutSession
from checkout.tools.replay import ReplayClient, ReplayFailed, Report, Visit, visits_find
from checkout.tools.replay_report import report_lines, summary_line
from orders.models import Order
from tests.checkout.serving import Server, jpeg, port_free
from tests.conftest import PASSWORD
from tests.recognition.vision.scenes import BLUE, RED, Image, Pack, Stage

SPOT = (160.0, 120.0)


def frames_write(folder: Path, pictures: list[Image]) -> None:
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        (folder / f"{number:04}.jpg").write_bytes(jpeg(picture))


def visits_write(folder: Path, **carts: dict[str, int]) -> None:
    visits = [{"name": name.replace("_", "-"), "cart": cart} for name, cart in carts.items()]
    (folder / "truth.json").write_text(json.dumps({"fps": 10, "visits": visits}))


def played(*arguments: Any) -> str:
    output = StringIO()
    call_command("replay", *map(str, arguments), stdout=output)
    return output.getvalue()


def test_visits_are_played_and_judged_against_the_truth(
    server: Server, shopper: User, tmp_path: Path
) -> None:
    stage = Stage()
    for name, colour in (("visit-000", RED), ("visit-001", BLUE)):
        scene = [*stage.empty(8), *stage.shown(Pack(colour, SPOT), 10), *stage.empty(4)]
        frames_write(tmp_path / name, scene)
    visits_write(tmp_path, visit_000={"Red tea": 1}, visit_001={"Blue tea": 2})
    login = ("--url", server.origin, "--username", "shopper", "--password", PASSWORD)
    pace = ("--fps", 20, "--in-flight", 1)

    printed = played(tmp_path, *login, *pace, "--confirm")
    orders = list(Order.objects.order_by("confirmed_at"))
    assert printed.splitlines() == [
        "visit-000: right",
        "    1 x Red tea",
        f"  1 items, 2.50 EUR, order {orders[0].number}",
        "visit-001: WRONG",
        "    1 x Blue tea  <- shown 2",
        f"  1 items, 2.50 EUR, order {orders[1].number}",
        "cAcc 0.500: 1 of 2 carts right",
    ]

    answer = json.loads(played(tmp_path / "visit-000", *login, *pace, "--json"))
    visit = answer["visits"][0]
    assert (answer["cacc"], visit["right"], visit["truth"]) == (1.0, True, {"Red tea": 1})
    assert (answer["score"]["false_adds"], answer["score"]["misses"], answer["score"]["doubles"]) == (0, 0, 0)
    assert (visit["answered"], visit["dropped"], visit["errors"]) == (visit["frames"] + 1, 0, {})
    assert (visit["order"], Order.objects.count()) == (None, 2)
    assert CheckoutSession.objects.latest("created_at").status == "expired"


def test_a_wrong_password_is_reported(server: Server, shopper: User, tmp_path: Path) -> None:
    frames_write(tmp_path / "visit", Stage().empty(1))
    with pytest.raises(CommandError, match=r"/api/auth/login was answered with 401"):
        played(tmp_path, "--url", server.origin, "--username", "shopper", "--password", "wrong")


def test_what_cannot_be_played_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is not a folder"):
        played(tmp_path / "nowhere")
    with pytest.raises(CommandError, match="holds no JPEG, PNG or WebP frames"):
        played(tmp_path)
    frames_write(tmp_path / "visit", Stage().empty(1))
    with pytest.raises(CommandError, match="must start with http"):
        played(tmp_path, "--url", "file:///etc/passwd")
    with pytest.raises(CommandError, match="does not answer as this shop does"):
        played(tmp_path, "--url", f"http://127.0.0.1:{port_free()}")
    for damaged in ("{", "[]", '{"visits": [{}]}', '{"visits": 7}'):
        (tmp_path / "truth.json").write_text(damaged)
        with pytest.raises(ReplayFailed, match=r"truth\.json does not list visits"):
            visits_find(tmp_path)


def test_a_folder_of_frames_finds_the_truth_beside_it(tmp_path: Path) -> None:
    frames_write(tmp_path / "visit-000", Stage().empty(2))
    visits_write(tmp_path, visit_000={"Milk": 2}, visit_009={})
    visit = visits_find(tmp_path / "visit-000")[0]
    assert (visit.name, len(visit.frames), visit.truth) == ("visit-000", 2, {"Milk": 2})


def test_hidden_files_and_folders_are_no_frames_and_no_visits(tmp_path: Path) -> None:
    frames_write(tmp_path / "visit-000", Stage().empty(1))
    frames_write(tmp_path / ".trash", Stage().empty(1))
    (tmp_path / "visit-000" / "._0000.jpg").write_bytes(b"no picture")
    (tmp_path / ".DS_Store.jpg").write_bytes(b"no picture")

    assert [(visit.name, len(visit.frames)) for visit in visits_find(tmp_path)] == [("visit-000", 1)]


def test_a_report_names_what_is_missing_and_what_is_too_much() -> None:
    line: Any = {"name": "Tea", "quantity": 2}
    cart: Any = {"items": [line], "total_items": 2, "total_amount": None, "currency": "EUR"}
    report = Report(Visit("visit", [], {"Milk": 1}), cart, 5, 3, Counter({"late_frame": 1}))
    assert list(report_lines([report])) == [
        "visit: WRONG",
        "    0 x Milk  <- shown 1",
        "    2 x Tea  <- shown 0",
        "  2 items, no total",
        "  frames left out: 3; errors: {'late_frame': 1}",
    ]
    unknown = Report(Visit("visit", [], None), cart, 5, 0, Counter())
    assert summary_line([unknown]) == "1 visits played; the truth is not known."


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "ws://localhost",
        "http://",
        "http://localhost:abc",
        "http://localhost:70000",
        "http://local host",
        "http://local\nhost",
        "http://[::1",
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ReplayFailed, match="is not the URL of a server"):
        ReplayClient(url)


@pytest.mark.parametrize(
    "pace", [{"fps": 0.0}, {"fps": -3.0}, {"fps": math.nan}, {"fps": math.inf}, {"in_flight": 0}]
)
def test_a_pace_at_which_nothing_would_be_sent_is_refused(pace: dict[str, Any]) -> None:
    with pytest.raises(ReplayFailed, match="--fps must be above 0 and --in-flight at least 1"):
        ReplayClient("http://localhost:8000", **pace)
