"""Showing the camera a barcode, over a real socket: it counts once and settles what it is on."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from catalog.models import Product
from checkout.cart import services
from checkout.live.camera_state import camera_state_make
from checkout.models import BillingItem, CheckoutSession, ScanEvent
from tests.checkout.colours import BLUE_ID, GREEN_ID, RED_ID
from tests.checkout.live.test_socket import of_type
from tests.checkout.serving import Server, bearer, socket_connect
from tests.recognition.vision.codes import code_picture, coded, enlarged, shown_coded
from tests.recognition.vision.scenes import BLUE, RED, YELLOW, Arm, Image, Pack, Stage

RED_CODE, GREEN_CODE, STRANGE_CODE = "96385074", "12345670", "73513537"
SPOT = (160.0, 120.0)


def pack(colour: tuple[int, int, int]) -> Pack:
    return Pack(colour, SPOT, size=(110, 110))


@pytest.fixture
def session(server: Server, shopper: User) -> CheckoutSession:
    Product.objects.filter(pk=RED_ID).update(barcode=RED_CODE)
    Product.objects.filter(pk=GREEN_ID).update(barcode=GREEN_CODE)
    return services.session_start(user=shopper)


def played(
    server: Server, session: CheckoutSession, *scenes: list[Image], mode: str = "scan"
) -> list[dict[str, Any]]:
    """Show scenes after an empty counter, and return all messages."""
    with socket_connect(server, session.pk, headers=bearer(session.user)) as client:
        client.command("mode.set", mode=mode)
        client.next("mode.changed")
        return [message for scene in [empty(), *scenes] for message in client.show(scene, pause_s=0.1)]


def empty(frames: int = 8) -> list[Image]:
    return enlarged(Stage().empty(frames))


def lines(session: CheckoutSession) -> dict[str, tuple[int, str]]:
    items = BillingItem.objects.filter(session=session).select_related("product")
    return {item.product.name: (item.quantity, item.source) for item in items}


def codes(messages: list[dict[str, Any]]) -> list[tuple[str, str | None, bool | None]]:
    seen = of_type(messages, "barcode.seen")
    return [(message["code"], message["name"], message["agrees"]) for message in seen]


def actions() -> list[str]:
    return list(ScanEvent.objects.order_by("created_at").values_list("action", flat=True))


@pytest.mark.parametrize("mode", ["scan", "cart", "tray"])
def test_an_item_that_is_unknown_by_sight_is_added_once_by_its_barcode(
    server: Server, session: CheckoutSession, mode: str
) -> None:
    scene = shown_coded(Stage(), pack(YELLOW), code_picture(GREEN_CODE), 20)
    with socket_connect(server, session.pk, headers=bearer(session.user)) as client:
        client.command("mode.set", mode=mode)
        messages = client.show([*empty(), *scene[:-4]], pause_s=0.1)
        assert codes(messages) == [(GREEN_CODE, "Green tea", None)]
        assert of_type(messages, "barcode.seen")[0]["track"] is not None
        assert lines(session) == {"Green tea": (1, "barcode")}
        event = ScanEvent.objects.get(action="add")
        assert (event.source, event.score) == ("barcode", None)
        barcode = {"code": "barcode", "params": {"barcode": GREEN_CODE}}
        assert event.thumbnail is not None
        assert (
            event.reason
            == {
                "scan": barcode,
                "cart": {"code": "moved_in", "params": {}},
                "tray": {"code": "lies_in_view", "params": {"because": barcode}},
            }[mode]
        )
        client.show([*scene[-4:], *empty(12)], pause_s=0.1)
    assert lines(session) == ({"Green tea": (1, "barcode")} if mode == "scan" else {})


def test_without_a_barcode_that_item_stays_unknown(server: Server, session: CheckoutSession) -> None:
    messages = played(server, session, shown_coded(Stage(), pack(YELLOW), None, 20))
    assert (codes(messages), lines(session), actions()) == ([], {}, ["unknown"])


def test_where_barcodes_are_not_read_nothing_looks_for_them(settings: Any) -> None:
    settings.READ_BARCODES = False
    assert camera_state_make().barcodes is None


def test_an_item_known_by_sight_and_by_its_barcode_counts_once(
    server: Server, session: CheckoutSession
) -> None:
    scenes = [
        shown_coded(Stage(), pack(RED), code_picture(RED_CODE), 20, coded_from=start) for start in (0, 12)
    ]
    messages = played(server, session, scenes[0])
    assert {(code, name) for code, name, _ in codes(messages)} == {(RED_CODE, "Red tea")}
    assert lines(session)["Red tea"][0] == 1
    messages = played(server, session, scenes[1])
    assert codes(messages) == [(RED_CODE, "Red tea", True)]
    assert lines(session)["Red tea"][0] == 2


def test_the_same_item_shown_again_counts_again(server: Server, session: CheckoutSession) -> None:
    scene = shown_coded(Stage(), pack(YELLOW), code_picture(GREEN_CODE), 10)
    messages = played(server, session, scene, empty(10), scene)
    assert len(codes(messages)) == 2
    assert lines(session) == {"Green tea": (2, "barcode")}


def test_a_barcode_that_disagrees_with_the_picture_is_recorded_and_believed(
    server: Server, session: CheckoutSession
) -> None:
    scene = shown_coded(Stage(), pack(BLUE), code_picture(RED_CODE), 24, coded_from=12)
    with socket_connect(server, session.pk, headers=bearer(session.user)) as client:
        messages = client.show([*empty(), *scene[:20]], pause_s=0.1)
        assert codes(messages) == [(RED_CODE, "Red tea", False)]
        updates = [message["event"] for message in of_type(messages, "cart.updated")]
        assert [(event["action"], event["name"], event.get("instead_name")) for event in updates] == [
            ("add", "Blue tea", None),
            ("correct", "Blue tea", "Red tea"),
        ]
        last = of_type(messages, "frame.result")[-1]["detections"][0]
        assert (last["product_id"], last["name"]) == (str(RED_ID), "Red tea")
        assert lines(session) == {"Red tea": (1, "barcode")}
        assert actions() == ["add", "disagree", "correct"]
        record = ScanEvent.objects.get(action="disagree")
        assert (record.product_id, record.other_product_id) == (RED_ID, BLUE_ID)
        assert bytes(record.thumbnail or b"").startswith(b"\xff\xd8")
        client.command("undo", event_id=updates[1]["id"])
        client.next("cart.updated")
        client.show([*scene[20:], *empty(6)], pause_s=0.1)
    assert lines(session) == {"Blue tea": (1, "manual")}


def test_a_code_of_no_product_is_reported_once_and_changes_nothing(
    server: Server, session: CheckoutSession
) -> None:
    messages = played(server, session, shown_coded(Stage(), pack(YELLOW), code_picture(STRANGE_CODE), 14))
    assert codes(messages) == [(STRANGE_CODE, None, None)]
    assert of_type(messages, "barcode.seen")[0]["product_id"] is None
    assert lines(session) == {}


def strip_shown(frames: int, height: float) -> list[Image]:
    """Draw nothing but the bars of a code, too thin to be an item."""
    stage, strip = Stage(), code_picture(GREEN_CODE, bars_only=True)
    return [coded(stage.frame(), strip, (160.0, height)) for _ in range(frames)]


def test_a_code_beside_all_items_counts_once_for_each_time_it_is_shown(
    server: Server, session: CheckoutSession
) -> None:
    messages = played(server, session, strip_shown(20, 120.0), empty(20), strip_shown(20, 190.0))
    assert [message["track"] for message in of_type(messages, "barcode.seen")] == [None, None]
    assert lines(session) == {"Green tea": (2, "barcode")}


def test_a_code_printed_on_the_counter_counts_nothing(server: Server, session: CheckoutSession) -> None:
    stage, printed = Stage(), code_picture(GREEN_CODE, bars_only=True)
    scene = [coded(stage.frame(), printed, (60.0, 40.0)) for _ in range(8)]
    scene += [
        coded(stage.frame(pack(BLUE).there((220.0, 150.0)), Arm((245.0, 190.0))), printed, (60.0, 40.0))
        for _ in range(20)
    ]
    with socket_connect(server, session.pk, headers=bearer(session.user)) as client:
        messages = client.show(scene, pause_s=0.1)
    assert codes(messages) == []
    assert lines(session) == {"Blue tea": (1, "vision")}


def test_outside_of_the_zone_a_code_counts_nothing(server: Server, session: CheckoutSession) -> None:
    with socket_connect(server, session.pk, headers=bearer(session.user)) as client:
        client.command("zone.set", zone=[0.0, 0.0, 1.0, 0.3])
        client.next("zone.changed")
        messages = client.show(
            [*empty(), *shown_coded(Stage(), pack(YELLOW), code_picture(GREEN_CODE), 14)], pause_s=0.1
        )
    assert (codes(messages), lines(session)) == ([], {})


def test_barcodes_count_while_recognition_is_not_ready(server: Server, session: CheckoutSession) -> None:
    (server.data_dir / "engine_off").touch()
    messages = played(server, session, shown_coded(Stage(), pack(YELLOW), code_picture(GREEN_CODE), 14))
    assert codes(messages) == [(GREEN_CODE, "Green tea", None)]
    assert lines(session) == {"Green tea": (1, "barcode")}
