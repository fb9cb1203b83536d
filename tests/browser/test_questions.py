"""Questions instead of mistakes: which one, not known, a barcode in view; and how many frames are sent."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.browser.conftest import KIOSK, VisitorMaker
from tests.browser.intercepted_socket import CHOICES, ENTERED, InterceptedSocket
from tests.browser.steps import FIRST, add_by_hand, connected

pytestmark = pytest.mark.browser


def test_a_hard_question_is_asked_once_with_pictures_and_answered(
    browser: Browser, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    socket = InterceptedSocket()
    with visit(browser) as visitor:
        page = socket.open(visitor, "question", has_camera=False)
        socket.see("ambiguous")
        socket.see("ambiguous")
        dialog = page.locator("question-dialog dialog")
        expect(dialog).to_be_visible()
        expect(dialog).to_contain_text("Or show its barcode to the camera.")
        shot(page, "question-dialog")

        page.get_by_role("button", name="Oat cream").click()

        expect(dialog).to_be_hidden()
        socket.see("ambiguous")
        page.wait_for_timeout(200)
        expect(dialog).to_be_hidden()
        assert socket.commands == [{"type": "choose", "track": 7, "product_id": CHOICES[1]["product_id"]}]


def test_none_of_the_answers_fits_and_the_name_is_typed(browser: Browser, visit: VisitorMaker) -> None:
    socket = InterceptedSocket()
    with visit(browser) as visitor:
        page = socket.open(visitor, "neither", has_camera=False)
        socket.see("ambiguous")
        page.locator("question-dialog").get_by_role("button", name="Search").click()

        expect(page.locator("#find-input")).to_be_focused()
        page.keyboard.type(FIRST.barcode)
        page.keyboard.press("Enter")
        expect(page.locator(".line [data-part=name]")).to_have_text(FIRST.name)
        assert socket.answers("choose") == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_an_unknown_item_is_never_asked_about_unbidden_and_its_likeliest_are_one_tap_away(
    camera_browser: Browser, visit: VisitorMaker, shot: Callable[[Page, str], None], language: str
) -> None:
    socket = InterceptedSocket()
    with visit(camera_browser, language=language) as visitor:
        page = socket.open(visitor, f"unknown-{language}")
        chip = page.locator("scan-camera .chip", has_text="Oat milk")
        socket.see_unknown(page)
        expect(chip).to_be_visible()
        expect(page.locator("question-dialog dialog")).to_be_hidden()
        said = {"en": "Is it one of these? If not, show its barcode.", "ko": "이 중에 있으면 누르고"}[
            language
        ]
        expect(page.locator("[data-part=unknown]")).to_contain_text(said)
        expect(page.locator("[data-part=spoken]")).to_contain_text(said)
        shot(page, f"unknown-{language}")

        chip.click()

        expect(page.locator("[data-part=unknown]")).to_be_hidden()
        assert socket.commands == [{"type": "choose", "track": 7, "product_id": CHOICES[0]["product_id"]}]


def test_what_a_barcode_in_view_came_to_is_said(
    camera_browser: Browser, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    socket = InterceptedSocket()
    with visit(camera_browser) as visitor:
        page = socket.open(visitor, "scanned")
        seen = {"type": "barcode.seen", "code": "8801234567893", "track": 7}
        product = {"product_id": CHOICES[0]["product_id"], "name": "Oat milk"}
        toast = page.locator(".toast-word")

        socket.say(seen | {"product_id": None, "name": None, "agrees": None})
        expect(toast).to_have_text("Barcode 8801234567893 not found. Try the product's name.")
        socket.say(seen | product | {"agrees": False})
        expect(toast).to_contain_text("The barcode says Oat milk, but it looks like something else.")
        shot(page, "barcode-disagrees")
        add_by_hand(page, FIRST.barcode)  # added by barcode within the same moment
        expect(toast).to_contain_text("Please check your cart.")
        expect(page.locator("[data-part=toast-undo]")).to_be_visible()
        socket.say(seen | product | {"agrees": True})
        expect(page.locator("[data-part=spoken]")).to_have_text("Barcode confirmed: Oat milk")


def test_why_is_shown_over_the_picture_when_asked_for(
    camera_browser: Browser, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    socket = InterceptedSocket()
    view = {"frame": 11, "state": "accepted", "name": "Oat milk", "score": 0.83, "margin": 0.12}
    why = {
        "sightings": 5,
        "views": [view | {"quality": 3.5}],
        "story": [ENTERED],
        "inside": False,
    }
    with visit(camera_browser, size=KIOSK) as visitor:
        page = socket.open(visitor, "why")
        panel = page.locator("why-panel")
        expect(panel).to_be_hidden()
        page.click("[data-action=settings]")
        page.get_by_label("Show recognition details").check()
        page.keyboard.press("Escape")
        socket.see("unknown", why=why)

        expect(panel).to_contain_text("proposals: 1")
        expect(panel).to_contain_text(
            "7 – unknown · score 0.80, margin 0.00 · seen 5× · outside the scan area"
        )
        expect(panel).to_contain_text("frame 11: score 0.83, margin 0.12, quality 3.50 · accepted · Oat milk")
        expect(panel).to_contain_text("frame 9: moved into the zone")
        shot(page, "why")
        assert socket.answers("debug.set") == [{"type": "debug.set", "on": True}]
        page.reload()
        connected(page)
        assert socket.answers("debug.set") == [{"type": "debug.set", "on": True}] * 2


def test_no_more_than_two_pictures_wait_for_an_answer(camera_browser: Browser, visit: VisitorMaker) -> None:
    frames: list[int] = []
    ready = {
        "type": "session.ready",
        "protocol": 1,
        "session": {"status": "active", "order_id": None},
        "cart": {"items": [], "total_items": 0, "total_amount": None, "currency": "EUR"},
        "encoder": "compact",
        "limits": {"max_fps": 30},
    }
    routes: list[WebSocketRoute] = []

    def listen(route: WebSocketRoute) -> None:
        routes.append(route)
        route.on_message(lambda message: frames.append(len(message)) if isinstance(message, bytes) else None)
        route.send(json.dumps(ready))

    with visit(camera_browser, permissions=["camera"]) as visitor:
        page = visitor.page()
        page.route_web_socket("**/api/ws/**", listen)
        visitor.sign_up(page, "credit", "/checkout/")
        expect(page.locator("scan-camera")).to_have_attribute("data-state", "live")
        page.wait_for_timeout(1200)
        unanswered = len(frames)
        answer = {"type": "frame.result", "frame": 2, "dropped": 1, "detections": [], "timing_ms": {}}
        routes[0].send(json.dumps(answer))
        page.wait_for_timeout(1200)

    assert unanswered == 2
    assert len(frames) in {3, 4}
    assert all(1_000 < size < 2**20 for size in frames)
