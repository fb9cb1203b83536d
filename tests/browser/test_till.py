"""The till when something is in the way: no camera, no network, no mouse, a second tab, a hard question."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.browser.conftest import KIOSK, VisitorMaker
from tests.browser.stock import SHOWINGS

pytestmark = pytest.mark.browser
FIRST, SECOND = SHOWINGS[0].pack, SHOWINGS[1].pack


def connected(page: Page) -> None:
    """Wait until the till hears the page."""
    expect(page.locator("connection-pill")).to_have_attribute("data-state", "on", timeout=20_000)


def add_by_hand(page: Page, words: str) -> None:
    """Type a barcode or a name and take what is found."""
    page.click(".tools [data-action=find]")
    page.fill("#find-input", words)
    if not words.isdigit():
        page.locator(".found-row").first.wait_for()
    page.keyboard.press("Enter")
    expect(page.locator("find-product dialog")).to_be_hidden()


def quantities(page: Page) -> dict[str, str]:
    """Read the cart: how many of what."""
    lines = page.locator("cart-panel .line").all()
    return {
        line.locator("[data-part=name]").inner_text(): line.locator("[data-part=quantity]").inner_text()
        for line in lines
    }


def test_a_refused_camera_leaves_every_other_way_open(
    guarded_browser: Browser, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    with visit(guarded_browser) as visitor:
        page = visitor.page()
        visitor.sign_up(page, "refused", "/checkout/")
        page.click("[data-when=idle] [data-action=camera]")
        message = page.locator("[data-when=refused]")
        expect(message).to_be_visible()
        connected(page)
        shot(page, "camera-refused")

        add_by_hand(page, FIRST.barcode)
        expect(page.locator("cart-panel .line")).to_have_count(1)
        message.locator("[data-action=clip]").click()
        lines = page.locator("cart-panel .line [data-part=name]")
        expect(lines).to_have_count(2, timeout=25_000)
        assert lines.all_inner_texts() == [FIRST.name, SECOND.name]


def test_a_missing_camera_is_said_to_be_missing(
    browser: Browser, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    with visit(browser, language="ko") as visitor:
        page = visitor.page()
        visitor.sign_up(page, "missing", "/checkout/")
        page.click("[data-when=idle] [data-action=camera]")

        expect(page.locator("[data-when=missing]")).to_be_visible()
        expect(page.locator("[data-when=missing]")).to_contain_text("카메라가 없어요")
        shot(page, "camera-missing-ko")


def test_an_address_without_https_is_said_to_forbid_the_camera(browser: Browser, visit: VisitorMaker) -> None:
    with visit(browser) as visitor:
        page = visitor.page()
        page.goto(f"http://shop.example:{visitor.shop.port}/signup/?next=/checkout/")
        page.fill("#id_username", "insecure")
        page.fill("#id_password1", "Correct-Horse-7")
        page.fill("#id_password2", "Correct-Horse-7")
        page.click("main button[type=submit]")

        expect(page.locator("[data-when=insecure]")).to_be_visible()
        connected(page)
        add_by_hand(page, FIRST.barcode)
        expect(page.locator("cart-panel .line")).to_have_count(1)


def test_a_visit_without_a_mouse(browser: Browser, visit: VisitorMaker) -> None:
    with visit(browser, size=KIOSK) as visitor:
        page = visitor.page()
        visitor.sign_up(page, "keyboard", "/checkout/")
        connected(page)

        def reach(name: str) -> None:
            for _ in range(40):
                page.keyboard.press("Tab")
                focused = "document.activeElement.ariaLabel ?? document.activeElement.innerText"
                if page.evaluate(focused).strip() == name:
                    return
            pytest.fail(f"{name} cannot be reached")

        reach("Add by hand")
        page.keyboard.press("Enter")
        page.keyboard.type(FIRST.barcode)
        page.keyboard.press("Enter")
        expect(page.locator("cart-panel .line")).to_have_count(1)
        reach(f"One more: {FIRST.name}")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        expect(page.locator(".line [data-part=quantity]")).to_have_text("3")
        page.reload()
        connected(page)
        expect(page.locator(".line [data-part=quantity]")).to_have_text("3")
        reach("Pay")
        page.keyboard.press("Enter")
        page.wait_for_url("**/orders/*/")
        expect(page.locator(".receipt-each")).to_contain_text("3 ×")


def test_undo_takes_back_the_last_thing_added(browser: Browser, visit: VisitorMaker) -> None:
    with visit(browser) as visitor:
        page = visitor.page()
        visitor.sign_up(page, "undo", "/checkout/")
        connected(page)
        add_by_hand(page, FIRST.barcode)
        add_by_hand(page, SECOND.name)
        expect(page.locator("cart-panel .line")).to_have_count(2)

        page.click("[data-part=undo]")

        expect(page.locator("cart-panel .line")).to_have_count(1)
        assert quantities(page) == {FIRST.name: "1"}
        expect(page.locator("[data-part=undo]")).to_be_hidden()


def test_wrong_and_unknown_barcodes_are_answered_in_the_dialog(browser: Browser, visit: VisitorMaker) -> None:
    with visit(browser) as visitor:
        page = visitor.page()
        visitor.sign_up(page, "barcodes", "/checkout/")
        connected(page)
        page.click(".tools [data-action=find]")
        said = []
        for code in ("12345678", "12345670"):
            page.fill("#find-input", code)
            page.keyboard.press("Enter")
            expect(page.locator("#find-status.bad")).to_be_visible()
            said.append(page.locator("#find-status").inner_text())

        assert said == [
            "This is not a complete barcode. Please check the digits.",
            "No product has this barcode. Try its name.",
        ]
        page.keyboard.press("Escape")
        assert quantities(page) == {}


def test_a_cart_half_without_prices_is_not_sold_and_names_are_only_text(
    browser: Browser, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    with visit(browser) as visitor:
        page = visitor.page()
        visitor.sign_up(page, "prices", "/checkout/")
        connected(page)
        add_by_hand(page, FIRST.barcode)
        add_by_hand(page, "bread")
        expect(page.locator("cart-panel .line")).to_have_count(2)

        page.click("[data-part=pay]")

        expect(page.locator("[data-part=problem]")).to_contain_text("<b>Bold</b> bread")
        shot(page, "cart-without-prices")
        assert page.locator("cart-panel b").count() == 0
        assert "/checkout/" in page.url
        page.goto(f"{visitor.shop.address}/my/")
        expect(page.locator("main")).to_contain_text("No orders yet")


def test_two_tabs_stay_in_step_until_both_show_the_receipt(browser: Browser, visit: VisitorMaker) -> None:
    with visit(browser) as visitor:
        left = visitor.page()
        visitor.sign_up(left, "tabs", "/checkout/")
        connected(left)
        right = visitor.page()
        right.goto(left.url)
        connected(right)

        add_by_hand(left, FIRST.barcode)
        expect(right.locator(".line [data-part=name]")).to_have_text(FIRST.name)
        right.click(".line [data-part=more]")
        expect(left.locator(".line [data-part=quantity]")).to_have_text("2")
        right.click("[data-part=pay]")
        right.wait_for_url("**/orders/*/")
        left.wait_for_url(right.url)


def test_quick_taps_all_count(browser: Browser, visit: VisitorMaker) -> None:
    with visit(browser) as visitor:
        page = visitor.page()
        visitor.sign_up(page, "taps", "/checkout/")
        connected(page)
        add_by_hand(page, FIRST.barcode)

        page.locator(".line [data-part=more]").evaluate(
            "one => { for (let i = 0; i < 7; i += 1) one.click(); }"
        )

        expect(page.locator("[data-part=count]")).to_have_text("8 items")
        page.wait_for_timeout(500)
        assert quantities(page) == {FIRST.name: "8"}


def test_a_server_that_restarts_under_the_page_finds_the_cart_as_it_was(
    browser: Browser, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    with visit(browser) as visitor:
        page = visitor.page()
        visitor.sign_up(page, "restart", "/checkout/")
        connected(page)
        add_by_hand(page, FIRST.barcode)

        visitor.shop.stop()
        expect(page.locator("connection-pill")).to_contain_text("Connection lost")
        page.click(".line [data-part=more]")
        expect(page.locator("add-toast")).to_contain_text("Not connected")
        expect(page.locator(".line [data-part=quantity]")).to_have_text("1")
        shot(page, "connection-lost")
        visitor.shop.start()

        connected(page)
        expect(page.locator(".line [data-part=quantity]")).to_have_text("1")
        add_by_hand(page, SECOND.barcode)
        expect(page.locator("cart-panel .line")).to_have_count(2)
        assert quantities(page) == {FIRST.name: "1", SECOND.name: "1"}


CHOICES = [
    {"product_id": "11111111-1111-4111-8111-111111111111", "name": "Oat milk", "image": None},
    {"product_id": "22222222-2222-4222-8222-222222222222", "name": "Oat cream", "image": None},
]


@dataclass
class Whisperer:
    """Stands between page and till: keeps frames from it, says what it would see, and hears the answers."""

    route: WebSocketRoute | None = None
    told: list[dict[str, object]] = field(default_factory=list)
    frame: int = 0

    def listen(self, route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        self.route = route

        def passed_on(message: str | bytes) -> None:
            if isinstance(message, str) and '"choose"' in message:
                self.told.append(json.loads(message))
            elif isinstance(message, str):
                server.send(message)

        route.on_message(passed_on)

    def see(self, state: str) -> None:
        assert self.route is not None
        self.frame += 1
        detection = {
            "track": 7,
            "box": [0.3, 0.2, 0.4, 0.5],
            "state": state,
            "product_id": None,
            "name": None,
            "score": 0.8,
            "margin": 0.0,
            "choices": CHOICES,
        }
        result = {"type": "frame.result", "frame": self.frame, "dropped": 0, "timing_ms": {}}
        self.route.send(json.dumps(result | {"detections": [detection]}))


def test_a_hard_question_is_asked_once_with_pictures_and_answered(
    browser: Browser, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    till = Whisperer()
    with visit(browser) as visitor:
        page = visitor.page()
        page.route_web_socket("**/api/ws/**", till.listen)
        visitor.sign_up(page, "question", "/checkout/")
        connected(page)
        till.see("ambiguous")
        till.see("ambiguous")
        dialog = page.locator("which-one dialog")
        expect(dialog).to_be_visible()
        shot(page, "which-one")

        page.get_by_role("button", name="Oat cream").click()

        expect(dialog).to_be_hidden()
        till.see("ambiguous")
        page.wait_for_timeout(200)
        expect(dialog).to_be_hidden()
        assert till.told == [{"type": "choose", "track": 7, "product_id": CHOICES[1]["product_id"]}]


def test_an_unknown_item_is_never_asked_about_unbidden_but_can_be_named(
    camera_browser: Browser, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    till = Whisperer()
    with visit(camera_browser) as visitor:
        page = visitor.page()
        page.route_web_socket("**/api/ws/**", till.listen)
        visitor.sign_up(page, "unknown", "/checkout/")
        connected(page)
        resembles = page.get_by_role("button", name="Is it one of these?")
        expect(page.locator("scan-camera")).to_have_attribute("data-state", "live")
        expect(resembles).to_be_hidden()
        for _ in range(8):
            till.see("unknown")
            page.wait_for_timeout(150)
        expect(resembles).to_be_visible()
        expect(page.locator("which-one dialog")).to_be_hidden()
        shot(page, "unknown")

        resembles.click()
        page.get_by_role("button", name="Oat milk").click()

        expect(page.locator("which-one dialog")).to_be_hidden()
        assert till.told == [{"type": "choose", "track": 7, "product_id": CHOICES[0]["product_id"]}]


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
