"""The socket's conversation, through a real server: frames, commands, two tabs, coming back, ending."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from catalog.models import Product
from checkout.cart import items, services
from checkout.models import BillingItem, CheckoutSession, ScanEvent
from orders.models import Order
from tests.checkout.colours import BLUE_ID, GREEN_ID, RED_ID, TWIN_ID
from tests.checkout.serving import Server, SocketClient, bearer, cookie, socket_connect
from tests.recognition.vision.scenes import BLUE, RED, YELLOW, Pack, Stage

SPOT = (160.0, 120.0)


def refusal(client: SocketClient) -> tuple[str, str]:
    message = client.next("error")
    return message["code"], message["detail"]


def quantities(message: dict[str, Any]) -> dict[str, int]:
    return {line["name"]: line["quantity"] for line in message["cart"]["items"]}


def of_type(messages: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [message for message in messages if message["type"] == kind]


def test_a_socket_begins_with_the_session_its_cart_and_the_limits(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    items.item_set(session_id=session.pk, product_id=RED_ID, quantity=2)
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        ready = client.next()
    assert ready.pop("cart")["items"][0] == {
        "product_id": str(RED_ID),
        "name": "Red tea",
        "quantity": 2,
        "unit_price": "2.50",
        "avg_score": None,
        "source": "manual",
        "image": None,
    }
    assert ready.pop("session")["session_id"] == str(session.pk)
    assert ready == {
        "type": "session.ready",
        "protocol": 1,
        "encoder": "colour",
        "mode": "scan",
        "zone": [0.0, 0.0, 1.0, 1.0],
        "limits": {
            "max_frame_bytes": 1_048_576,
            "max_pixels": 25_000_000,
            "max_decoded_bytes": 33_554_432,
            "max_fps": 30,
            "max_quantity": 999,
            "pace_ms": 100,
        },
    }


def test_an_item_shown_to_the_camera_is_added_once_with_its_picture(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    stage = Stage()
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        messages = client.show([*stage.empty(8), *stage.shown(Pack(RED, SPOT), 12), *stage.empty(8)])

    updates = of_type(messages, "cart.updated")
    assert [(update["event"]["action"], update["event"]["name"]) for update in updates] == [
        ("add", "Red tea")
    ]
    assert quantities(updates[0]) == {"Red tea": 1}
    results = of_type(messages, "frame.result")
    assert [result["frame"] for result in results] == list(range(1, len(results) + 1))
    assert {result["dropped"] for result in results} == {0}
    accepted = [found for result in results for found in result["detections"] if found["state"] == "accepted"]
    assert {(found["product_id"], found["name"]) for found in accepted} == {(str(RED_ID), "Red tea")}
    assert all(0 <= side <= 1 for found in accepted for side in found["box"])
    assert set(results[0]["timing_ms"]) == {"decode", "embed", "search", "total"}
    item, event = BillingItem.objects.get(), ScanEvent.objects.get()
    assert (item.source, item.quantity, item.score_count) == ("vision", 1, 1)
    assert (event.action, event.source) == ("add", "vision")
    assert bytes(event.thumbnail or b"").startswith(b"\xff\xd8")
    assert len(bytes(event.thumbnail or b"")) < 10_000


def test_an_unknown_item_is_shown_as_unknown_and_recorded(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    stage = Stage()
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        messages = client.show([*stage.empty(8), *stage.shown(Pack(YELLOW, SPOT), 14)])
    states = {
        found["state"] for result in of_type(messages, "frame.result") for found in result["detections"]
    }
    assert "unknown" in states
    assert BillingItem.objects.count() == 0
    assert set(ScanEvent.objects.values_list("action", flat=True)) == {"unknown"}
    assert not ScanEvent.objects.filter(product__isnull=False).exists()


def test_a_question_is_asked_with_names_and_the_answer_adds(server: Server, shopper: User) -> None:
    (server.data_dir / "twin_sold").touch()
    Product.objects.create(pk=TWIN_ID, name="Red tea, large", price="4.00")
    session = services.session_start(user=shopper)
    stage = Stage()
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        messages = client.show([*stage.empty(8), *stage.shown(Pack(RED, SPOT), 14)[:14]])
        asked = [
            found
            for result in of_type(messages, "frame.result")
            for found in result["detections"]
            if found["state"] == "ambiguous"
        ]
        assert {choice["name"] for choice in asked[-1]["choices"]} == {"Red tea", "Red tea, large"}
        client.command("choose", track=asked[-1]["track"], product_id=str(BLUE_ID))
        assert refusal(client)[0] == "no_such_question"
        client.command("choose", track=10_000, product_id=str(TWIN_ID))
        assert refusal(client)[0] == "no_such_question"
        client.command("choose", track=asked[-1]["track"], product_id=str(TWIN_ID))
        assert quantities(client.next("cart.updated")) == {"Red tea, large": 1}
        client.command("choose", track=asked[-1]["track"], product_id=str(TWIN_ID))
        client.command("ping")
        assert client.next()["type"] == "pong"
    assert list(ScanEvent.objects.values_list("action", flat=True)) == ["question", "answer", "add"]
    answer = ScanEvent.objects.get(action="answer")
    assert (answer.product_id, answer.about) == (TWIN_ID, ScanEvent.objects.get(action="question"))
    assert ScanEvent.objects.get(action="add").reason == {"code": "chosen", "params": {}}


def test_commands_change_the_cart_and_say_so(server: Server, shopper: User) -> None:
    Product.objects.filter(pk=BLUE_ID).update(barcode="4006381333931")
    session = services.session_start(user=shopper)
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        client.next("session.ready")
        client.command("item.set", product_id=str(RED_ID), quantity=3)
        assert quantities(client.next("cart.updated")) == {"Red tea": 3}
        client.command("barcode", code="4006381333931")
        update = client.next("cart.updated")
        assert (update["event"]["source"], quantities(update)) == ("barcode", {"Red tea": 3, "Blue tea": 1})
        client.command("item.set", product_id=str(RED_ID), quantity=0)
        assert quantities(client.next("cart.updated")) == {"Blue tea": 1}
        client.command("mode.set", mode="tray")
        assert client.next() == {"type": "mode.changed", "mode": "tray"}
        for zone in ([0.25, 0.0, 0.5, 1.0], [0, 0, 1, 1]):
            client.command("zone.set", zone=zone)
            assert client.next() == {"type": "zone.changed", "zone": zone}
        client.command("zone.set", zone=[0.7, 0.4, 0.3000001, 0.6])
        assert client.next()["zone"] == pytest.approx([0.7, 0.4, 0.3, 0.6])
        client.command("ping")
        assert client.next() == {"type": "pong"}


def test_a_scan_asked_for_again_under_its_id_counts_once_and_every_answer_names_it(
    server: Server, shopper: User
) -> None:
    Product.objects.filter(pk=BLUE_ID).update(barcode="4006381333931")
    session = services.session_start(user=shopper)
    first, second, refused = (str(uuid4()) for _ in range(3))
    for _ in range(2):  # the second time over a new connection
        with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
            client.next("session.ready")
            client.command("barcode", code="]E04006381333931", event_id=first)
            client.command("barcode", code="4006381333930", event_id=refused)
            answers = [client.next(), client.next()]
        assert answers[-1]["code"] == "bad_barcode"
        assert answers[-1]["data"]["event_id"] == refused
        if answers[0]["type"] == "cart.updated":
            assert (answers[0]["event"]["id"], quantities(answers[0])) == (first, {"Blue tea": 1})
            assert answers[0]["event"]["source"] == "barcode"
    assert answers[0] == {"type": "barcode.added", "event_id": first}
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        client.next("session.ready")
        client.command("barcode", code="4006381333931", event_id=second)
        assert quantities(client.next("cart.updated")) == {"Blue tea": 2}
    reasons = ScanEvent.objects.values_list("reason", flat=True)
    assert list(reasons) == [{"code": "barcode", "params": {"barcode": "4006381333931"}}] * 2


def test_bad_commands_are_answered_with_what_is_allowed_and_change_nothing(
    server: Server, shopper: User
) -> None:
    session = services.session_start(user=shopper)
    known = {"product_id": str(RED_ID)}
    bad = [
        "",
        "\0",
        "null",
        "[]",
        "{",
        "[" * 4000,
        "1" * 4000,
        "x" * 200_000,
        '{"type": "item.set", "quantity": NaN}',
        json.dumps({"type": 7}),
        json.dumps({"type": "item.sell"}),
        json.dumps({"type": "item.set"}),
        json.dumps({"type": "item.set", "product_id": "\0", "quantity": 1}),
        json.dumps({"type": "item.set", "product_id": 7, "quantity": 1}),
        json.dumps({"type": "item.set", **known, "quantity": "2"}),
        json.dumps({"type": "item.set", **known, "quantity": 1.5}),
        json.dumps({"type": "item.set", **known, "quantity": True}),
        json.dumps({"type": "mode.set", "mode": "auction"}),
        json.dumps({"type": "mode.set", "mode": ["scan"]}),
        json.dumps({"type": "barcode", "code": 4006381333931}),
        json.dumps({"type": "barcode", "code": "4006381333931", "event_id": "1"}),
        json.dumps({"type": "choose", "track": "7", **known}),
        json.dumps({"type": "debug.set"}),
        json.dumps({"type": "undo"}),
        json.dumps({"type": "undo", "event_id": "latest"}),
        json.dumps({"type": "item.correct", "instead_id": str(RED_ID)}),
        json.dumps({"type": "item.correct", **known, "instead_id": str(RED_ID)}),
        json.dumps({"type": "item.correct", **known, "instead_id": 7}),
        json.dumps({"type": "debug.set", "on": 1}),
        json.dumps({"type": "zone.set"}),
        *(
            f'{{"type": "zone.set", "zone": {zone}}}'
            for zone in (
                "[0, 0, 1]",
                '[0, 0, 1, "1"]',
                "[0, 0, 1, true]",
                "[0, 0, 1, NaN]",
                f"[0, 0, 1, {10**400}]",
                "[0, 0, 1e999, 1]",
                "[0.5, 0, 0.6, 1]",
                "[-0.1, 0, 0.5, 1]",
                "[0, 0, 0.05, 1]",
                "{}",
            )
        ),
    ]
    refused = {
        "quantity_out_of_range": [
            json.dumps({"type": "item.set", **known, "quantity": number}) for number in (-1, 10**40)
        ],
        "no_such_product": [
            json.dumps({"type": "item.set", "product_id": str(uuid4()), "quantity": 1}),
            json.dumps({"type": "barcode", "code": "4006381333931"}),
        ],
        "bad_barcode": [
            json.dumps({"type": "barcode", "code": code}) for code in ("", "\0", "4006381333930")
        ],
        "no_such_change": [json.dumps({"type": "undo", "event_id": str(uuid4())})],
        "not_in_cart": [json.dumps({"type": "item.correct", **known, "instead_id": None})],
        "no_such_question": [json.dumps({"type": "choose", "track": 10**40, **known})],
    }
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        client.next("session.ready")
        for text in bad:
            client.link.send(text)
            code, detail = refusal(client)
            assert (code, bool(detail)) == ("bad_command", True), text[:80]
            time.sleep(0.035)
        for expected, texts in refused.items():
            for text in texts:
                client.link.send(text)
                assert refusal(client)[0] == expected, text[:80]
                time.sleep(0.035)
        client.command("item.set", product_id=str(GREEN_ID), quantity=1)
        assert quantities(client.next("cart.updated")) == {"Green tea": 1}


@contextmanager
def two_tabs(
    server: Server, session: CheckoutSession, shopper: User
) -> Iterator[tuple[SocketClient, SocketClient]]:
    """Open two sockets of one session."""
    with (
        socket_connect(server, session.pk, headers=bearer(shopper)) as first,
        socket_connect(server, session.pk, headers=bearer(shopper)) as second,
    ):
        for client in (first, second):
            client.next("session.ready")
        yield first, second


def test_two_tabs_stay_in_step_whichever_acts_and_over_rest(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    with two_tabs(server, session, shopper) as (first, second):
        first.command("item.set", product_id=str(RED_ID), quantity=2)
        assert [quantities(client.next("cart.updated")) for client in (first, second)] == [{"Red tea": 2}] * 2
        second.command("item.set", product_id=str(BLUE_ID), quantity=1)
        both = {"Red tea": 2, "Blue tea": 1}
        assert [quantities(client.next("cart.updated")) for client in (second, first)] == [both] * 2
        for client in (first, second):
            client.command("ping")
            assert client.next()["type"] == "pong", "each change is sent once"


def test_corrections_and_undoing_keep_two_tabs_in_step(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    with two_tabs(server, session, shopper) as (first, second):
        first.command("item.set", product_id=str(RED_ID), quantity=2)
        added, same = (client.next("cart.updated") for client in (first, second))
        assert (added["event"], added["event"]["undoable"]) == (same["event"], True)
        second.command("item.correct", product_id=str(RED_ID), instead_id=str(BLUE_ID))
        corrected, same = (client.next("cart.updated") for client in (second, first))
        assert corrected == same
        assert (corrected["event"]["action"], corrected["event"]["instead_name"]) == ("correct", "Blue tea")
        assert quantities(corrected) == {"Red tea": 1, "Blue tea": 1}
        first.command("undo", event_id=corrected["event"]["id"])
        undone, same = (client.next("cart.updated") for client in (first, second))
        assert undone == same
        assert (undone["event"]["action"], undone["event"]["about"], undone["event"]["undoable"]) == (
            "undo",
            corrected["event"]["id"],
            False,
        )
        assert quantities(undone) == {"Red tea": 2}
        second.command("undo", event_id=corrected["event"]["id"])
        assert refusal(second)[0] == "already_undone"
        second.command("item.correct", product_id=str(RED_ID), instead_id=None)
        assert [quantities(client.next("cart.updated")) for client in (second, first)] == [{"Red tea": 1}] * 2
        for client in (first, second):
            client.command("ping")
            assert client.next()["type"] == "pong", "each change is sent once"


def test_a_change_whose_notice_got_lost_reaches_the_client_all_the_same(
    server: Server, shopper: User
) -> None:
    session = services.session_start(user=shopper)
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        client.next("session.ready")
        BillingItem.objects.create(session=session, product_id=RED_ID, quantity=4, source="manual")
        update = client.next("cart.updated")
    assert (update["event"]["action"], quantities(update)) == ("sync", {"Red tea": 4})


def test_coming_back_resumes_the_cart_and_counts_nothing_twice(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    stage = Stage()
    scene = [*stage.empty(8), *stage.shown(Pack(BLUE, SPOT), 24)]
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        before = client.show(scene[:22])
    assert len(of_type(before, "cart.updated")) == 1
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        assert quantities(client.next("session.ready")) == {"Blue tea": 1}
        after = client.show(scene[22:])
    assert of_type(after, "cart.updated") == []
    assert of_type(after, "frame.result")[0]["frame"] == 1
    assert BillingItem.objects.get().quantity == 1


def test_an_ended_session_says_so_and_closes(server: Server, shopper: User) -> None:
    paid, cancelled = services.session_start(user=shopper), services.session_start(user=shopper)
    items.item_set(session_id=paid.pk, product_id=RED_ID, quantity=1)
    with (
        socket_connect(server, paid.pk, headers=bearer(shopper)) as first,
        socket_connect(server, cancelled.pk, headers=bearer(shopper)) as second,
    ):
        for client in (first, second):
            client.next("session.ready")
        services.session_confirm(session_id=paid.pk)
        services.session_cancel(session_id=cancelled.pk)
        assert first.next() == {
            "type": "session.closed",
            "status": "completed",
            "order_id": str(Order.objects.get().pk),
        }
        assert second.next() == {"type": "session.closed", "status": "expired", "order_id": None}
        assert (first.close_code(), second.close_code()) == (1000, 1000)


def test_an_engine_that_is_not_ready_leaves_the_cart_editable(server: Server, shopper: User) -> None:
    (server.data_dir / "engine_off").touch()
    session = services.session_start(user=shopper)
    stage = Stage()
    scene = stage.shown(Pack(RED, SPOT), 20)
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        messages = client.show([*stage.empty(8), *scene[:8]])
        errors = of_type(messages, "error")
        assert {(error["code"], error["detail"]) for error in errors} == {
            ("engine_not_ready", "The encoder is being loaded.")
        }
        assert all("frame" in error for error in errors)
        client.command("item.set", product_id=str(GREEN_ID), quantity=1)
        assert quantities(client.next("cart.updated")) == {"Green tea": 1}
        (server.data_dir / "engine_off").unlink()
        messages = client.show(scene[8:])
    assert [quantities(update) for update in of_type(messages, "cart.updated")] == [
        {"Green tea": 1, "Red tea": 1}
    ]


def test_a_fault_in_the_engine_is_an_answer_and_the_socket_goes_on(server: Server, shopper: User) -> None:
    (server.data_dir / "engine_broken").touch()
    session = services.session_start(user=shopper)
    stage = Stage()
    scene = stage.shown(Pack(RED, SPOT), 20)
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        messages = client.show([*stage.empty(8), *scene[:8]])
        assert {error["code"] for error in of_type(messages, "error")} == {"internal_error"}
        (server.data_dir / "engine_broken").unlink()
        messages = client.show(scene[8:])
    assert [quantities(update) for update in of_type(messages, "cart.updated")] == [{"Red tea": 1}]
    assert "an unforeseen fault" in server.log()


def test_every_frame_is_answered_once_or_counted_as_dropped(server: Server, shopper: User) -> None:
    (server.data_dir / "engine_slow").touch()
    session = services.session_start(user=shopper)
    stage = Stage()
    scene = [*stage.empty(8), *stage.shown(Pack(RED, SPOT), 30)]
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        client.next("session.ready")
        for picture in scene:
            client.frame(picture)
            time.sleep(0.05)
        answers: list[dict[str, Any]] = []
        while not answers or answers[-1]["frame"] < len(scene):
            message = client.next()
            if "frame" in message:
                answers.append(message)
    numbers = [answer["frame"] for answer in answers]
    dropped = sum(answer["dropped"] for answer in answers)
    assert numbers == sorted(set(numbers))
    assert len(answers) + dropped == len(scene)
    assert dropped > 0
    assert [answer["frame"] - before for before, answer in zip([0, *numbers], answers, strict=False)] == [
        answer["dropped"] + 1 for answer in answers
    ]


def test_an_abandoned_session_ends_while_the_client_watches(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    with socket_connect(server, session.pk, headers=bearer(shopper)) as client:
        client.next("session.ready")
        CheckoutSession.objects.update(last_active="2020-01-01T00:00:00Z")
        assert client.next()["status"] == "expired"
        assert client.close_code() == 1000
    session.refresh_from_db()
    assert session.status == "expired"


def test_why_things_are_as_they_are_is_sent_while_asked_for(server: Server, shopper: User) -> None:
    session = services.session_start(user=shopper)
    stage = Stage()
    scene = [*stage.empty(8), *stage.shown(Pack(RED, SPOT), 24)]
    with (
        socket_connect(server, session.pk, headers=bearer(shopper)) as client,
        socket_connect(server, session.pk, headers=bearer(shopper)) as other,
    ):
        client.command("debug.set", on=True)
        assert client.next("debug.changed") == {"type": "debug.changed", "on": True}
        explained = of_type(client.show(scene[:26]), "frame.result")
        client.command("debug.set", on=False)
        assert client.next("debug.changed") == {"type": "debug.changed", "on": False}
        plain = of_type(client.show(scene[26:]) + other.show(Stage().empty(2)), "frame.result")
    assert explained[0]["debug"] == {"zone": [0.0, 0.0, 1.0, 1.0], "proposals": [], "changed": False}
    last = explained[-1]
    assert last["debug"]["changed"] is True
    assert all(0 <= side <= 1 for box in last["debug"]["proposals"] for side in box)
    why = last["detections"][0]["why"]
    assert why["inside"] is True
    assert why["sightings"] >= len(why["views"]) >= 3
    assert {(view["state"], view["name"]) for view in why["views"]} == {("accepted", "Red tea")}
    votes = {"code": "views_accept", "params": {"accepting": 3, "views": 3}}
    *_, added = why["story"]
    assert (added["code"], added["params"]) == ("added", {"product_id": str(RED_ID), "because": votes})
    assert added["text"] == f"frame {added['frame']}: added Red tea (3 of 3 views agree)"
    assert len(plain) == len(scene) - 26 + 2
    assert not any("debug" in result for result in plain)
    assert not any("why" in found for result in plain for found in result["detections"])


def test_a_page_gets_reasons_in_its_language_and_other_programs_as_it_is_kept(
    server: Server, shopper: User
) -> None:
    stage = Stage()
    scene = [*stage.empty(8), *stage.shown(Pack(RED, SPOT), 14)]

    def story(headers: dict[str, str]) -> str:
        session = services.session_start(user=shopper)
        with socket_connect(server, session.pk, headers=headers) as client:
            client.command("debug.set", on=True)
            client.next("debug.changed")
            results = of_type(client.show(scene[:20]), "frame.result")
        return str(results[-1]["detections"][0]["why"]["story"][-1]["text"])

    page = {**cookie(shopper), "Origin": server.origin}
    assert re.fullmatch(r"프레임 \d+: 추가: Red tea \(.+\)", story({**page, "Accept-Language": "ko"}))
    assert "added Red tea (" in story({**bearer(shopper), "Accept-Language": "ko"})
