"""The checkout page when something is in the way: no camera, no network, no mouse, a second tab."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import KIOSK, Shop, Visitor, VisitorMaker
from tests.browser.steps import FIRST, SECOND, add_by_hand, camera_on, connected, quantities

pytestmark = pytest.mark.browser


def without_https(shop: Shop) -> Shop:
    """Return the shop at an address that browsers do not trust as they do this machine's own."""
    return replace(shop, host="shop.example")


def camera_keys_sent(visitor: Visitor, page: Page) -> list[str]:
    """Return a list to which every connection of this tab, and of those opened later, adds its camera key."""
    keys: list[str] = []

    def listen(tab: Page) -> None:
        tab.on("websocket", lambda socket: keys.append(socket.url.split("seat=")[1]))

    listen(page)
    visitor.context.on("page", listen)
    return keys


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
        expect(page.locator("[data-when=missing]")).to_contain_text("카메라가 없습니다")
        shot(page, "camera-missing-ko")


def test_an_address_without_https_is_said_to_forbid_the_camera(browser: Browser, visit: VisitorMaker) -> None:
    with visit(browser) as visitor:
        visitor.shop = without_https(visitor.shop)
        page = visitor.page()
        visitor.sign_up(page, "insecure", "/checkout/")

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
            connected(page)  # nothing in the cart can be changed while the server is silent
            for _ in range(40):
                page.keyboard.press("Tab")
                focused = "document.activeElement.ariaLabel ?? document.activeElement.innerText"
                if page.evaluate(focused).strip() == name:
                    return
            pytest.fail(f"{name} cannot be reached")

        reach("Add manually")
        page.keyboard.press("Enter")
        page.keyboard.type(FIRST.barcode)
        page.keyboard.press("Enter")
        expect(page.locator("cart-panel .line")).to_have_count(1)
        reach(f"Add one: {FIRST.name}")
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
            "This barcode isn't valid. Please check the digits.",
            "No product has this barcode. Try the product's name.",
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


def test_whoever_logs_in_in_another_tab_is_told_whose_checkout_this_is(
    browser: Browser, visit: VisitorMaker
) -> None:
    with visit(browser) as visitor:
        page = visitor.page()
        visitor.sign_up(page, "first-owner", "/checkout/")
        connected(page)
        add_by_hand(page, FIRST.barcode)
        visitor.context.clear_cookies(name="sessionid")
        visitor.sign_up(visitor.page(), "second-owner")

        page.click("[data-part=pay]")

        expect(page.locator("[data-part=problem]")).to_have_text("This checkout belongs to another account.")
        expect(page.locator("[data-part=pay]")).to_be_enabled()


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
    camera_browser: Browser, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    with visit(camera_browser) as visitor:
        page = visitor.page()
        visitor.sign_up(page, "restart", "/checkout/")
        connected(page)
        camera_on(page)
        expect(page.locator("cart-panel .line")).to_have_count(1, timeout=25_000)

        visitor.shop.stop()
        expect(page.locator("connection-pill")).to_contain_text("Connection lost")
        expect(page.get_by_text("Your cart is saved.")).to_be_visible()
        page.click(".line [data-part=more]")
        expect(page.locator("add-toast")).to_contain_text("Not connected")
        expect(page.locator(".line [data-part=quantity]")).to_have_text("1")
        shot(page, "connection-lost")
        page.click("[data-part=pay]")
        expect(page.locator("[data-part=problem]")).to_contain_text("you won't be charged twice")
        page.click("[data-action=reconnect]")
        expect(page.get_by_text("Your cart is saved.")).to_be_visible()
        visitor.shop.start()

        connected(page)
        expect(page.get_by_text("Your cart is saved.")).to_be_hidden()
        assert quantities(page) == {FIRST.name: "1"}
        add_by_hand(page, SECOND.barcode)
        expect(page.locator("cart-panel .line")).to_have_count(2)
        assert quantities(page) == {FIRST.name: "1", SECOND.name: "1"}
        page.click("[data-part=pay]")
        page.wait_for_url("**/orders/*/")


def test_a_visit_that_ends_elsewhere_says_so_at_once(
    browser: Browser, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    with visit(browser, language="ko") as visitor:
        page = visitor.page()
        visitor.sign_up(page, "ended", "/checkout/")
        connected(page)
        session = page.url.rstrip("/").rsplit("/", 1)[-1]
        token = page.locator("[name=csrfmiddlewaretoken]").first.input_value()
        answer = page.request.delete(
            f"{visitor.shop.address}/api/sessions/{session}", headers={"X-CSRFToken": token}
        )

        assert answer.status == 204
        expect(page.locator("h1")).to_have_text("종료된 계산입니다")
        expect(page.get_by_role("link", name="계산 시작")).to_be_visible()
        shot(page, "visit-ended-ko")


def test_every_tab_has_a_camera_key_of_its_own_and_keeps_it_over_a_refresh(
    browser: Browser, visit: VisitorMaker
) -> None:
    with visit(browser) as visitor:
        page = visitor.page()
        keys = camera_keys_sent(visitor, page)
        visitor.sign_up(page, "keys", "/checkout/")
        connected(page)
        page.reload()
        connected(page)
        with visitor.context.expect_page() as opened:
            page.evaluate("window.open(location.href)")  # a tab that begins with a copy of this one's storage
        connected(opened.value)

    first, refreshed, copied = keys
    assert uuid.UUID(first).version == 4
    assert refreshed == first
    assert copied != first


def test_without_https_a_copied_tab_gets_a_camera_key_of_its_own_as_well(
    browser: Browser, visit: VisitorMaker
) -> None:
    with visit(browser) as visitor:
        visitor.shop = without_https(visitor.shop)
        page = visitor.page()
        keys = camera_keys_sent(visitor, page)
        visitor.sign_up(page, "copied", "/checkout/")
        connected(page)
        with visitor.context.expect_page() as opened:
            page.evaluate("window.open(location.href)")
        for _ in range(100):  # until the tab that was replaced is back, on a busy machine too
            if len(keys) >= 3:
                break
            page.wait_for_timeout(100)
        page.wait_for_timeout(3000)  # and stays
        for tab in (page, opened.value):
            connected(tab)

    first, copied, changed = keys
    assert copied == first != changed
