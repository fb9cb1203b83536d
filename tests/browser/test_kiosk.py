"""A lane: one shopper after another at a kiosk, each with a clean start, and staff behind a PIN."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, WebSocketRoute, expect

from tests.browser.conftest import Shop, Visitor, VisitorMaker
from tests.browser.intercepted_socket import InterceptedSocket
from tests.browser.rules import is_wider, violations
from tests.browser.steps import FIRST, SECOND, add_by_hand, lane_touch, lane_waits, quantities
from tests.browser.unresolved_carts import UNRESOLVED, cart, unresolved, updated
from tests.browser.wedge import Wedge
from tests.conftest import PASSWORD

pytestmark = pytest.mark.browser
UPRIGHT: ViewportSize = {"width": 1080, "height": 1920}
STAFF_NUMBER, PIN = "7001", "739164"

# One lane for each test, so that none finds what another left; their devices hold known keys.
LANES = """
from django.utils import timezone
from accounts.models import User
from accounts.pins import pin_set
from checkout.lanes.pairing import key_hash
from checkout.models import Lane
from tests.checkout.lanes.makers import lane_make, staff_make
for name in ("touch", "idle", "staff", "help", "lost", "show", "scan"):
    lane = lane_make(f"Kiosk {name}", f"kiosk-{name}")
    Lane.objects.filter(pk=lane.pk).update(key_hash=key_hash(f"key-{name}"), paired_at=timezone.now())
mina = staff_make("kiosk-mina")
User.objects.filter(pk=mina.pk).update(staff_number=7001)
mina.refresh_from_db()
pin_set(user=mina, pin="739164")
"""

# Buttons that are smaller than a finger; links in the text of a line may be as low as the line.
SMALL = """(least) => [...document.querySelectorAll("button, a[href], input")]
  .map((one) => [one.ariaLabel || one.innerText || one.dataset.part, one.getBoundingClientRect(), one])
  .filter(([, box, one]) => box.width > 1 && one.checkVisibility({visibilityProperty: true}))
  .filter(([, box, one]) => !one.classList.contains("skip-link"))
  .filter(([, box]) => Math.min(box.width, box.height) < least)
  .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""
LETTERS = """(selector) => Math.min(...[...document.querySelectorAll(selector)]
  .map((one) => parseFloat(getComputedStyle(one).fontSize)))"""
COLOUR = "(one) => getComputedStyle(one).backgroundColor"
PAY = "cart-panel [data-part=pay]"
SAVE_WITHOUT_UNLOCK = """async () => {
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const headers = {"X-CSRFToken": token, "Content-Type": "application/json"};
  const answer = await fetch("/api/lane/settings", {method: "PATCH", headers, body: '{"mode": "tray"}'});
  return (await answer.json()).code;
}"""
STORED = "() => JSON.stringify([{...localStorage}, {...sessionStorage}])"


@pytest.fixture(scope="module")
def lanes(shop: Shop) -> None:
    """Make the lanes."""
    shop.run(LANES)


@contextmanager
def lane_at(
    visit: VisitorMaker, browser: Browser, name: str, *, size: ViewportSize = UPRIGHT, **options: Any
) -> Iterator[tuple[Visitor, Page]]:
    """Switch the device of a lane on."""
    with visit(browser, size=size, reduced_motion="reduce", **options) as visitor:
        cookie = {"name": "lane_key", "value": f"key-{name}", "url": visitor.shop.address}
        visitor.context.add_cookies([cookie])
        yield visitor, visitor.page()


def open_lane(page: Page, visitor: Visitor) -> None:
    """Open the page of the lane, and wait until it may be touched."""
    page.goto(f"{visitor.shop.address}/lane/")
    lane_waits(page)


def visit_of(page: Page) -> str:
    """Return the id of the visit on the page."""
    told = json.loads(page.locator("#checkout-options").text_content() or "")
    return str(told["session_id"])


def long_cart(count: int) -> dict[str, Any]:
    """Return a cart with so many different products."""
    now = cart(1)
    line = now["items"][0]
    items = [line | {"product_id": f"{n:08d}-1111-4111-8111-111111111111"} for n in range(count)]
    return now | {"items": items, "total_items": count, "total_amount": f"{2.5 * count:.2f}"}


def test_a_lane_waits_for_a_touch_and_every_shopper_starts_clean(
    browser: Browser, visit: VisitorMaker, lanes: None, shot: Callable[[Page, str], None]
) -> None:
    with lane_at(visit, browser, "touch") as (visitor, page):
        open_lane(page, visitor)
        first = visit_of(page)
        expect(page.locator(".attract-name")).not_to_be_empty()
        expect(page.locator("cart-panel")).to_have_attribute("inert", "")
        found = violations(page)
        assert page.evaluate(SMALL, 48) == []
        shot(page, "kiosk-attract")

        page.get_by_role("button", name="한국어").click()  # begins, in that language
        expect(page.locator("html")).to_have_attribute("lang", "ko")
        expect(page.locator("lane-attract")).to_be_hidden()
        add_by_hand(page, FIRST.barcode)
        add_by_hand(page, SECOND.barcode)
        expect(page.locator("cart-panel .line")).to_have_count(2)
        found += violations(page)
        shot(page, "kiosk-ko-cart")
        page.reload()  # a visit with a cart goes on
        expect(page.locator("cart-panel .line")).to_have_count(2)
        expect(page.locator("lane-attract")).to_be_hidden()

        page.click(".tools [data-action=restart]")
        expect(page.locator("lane-restart dialog")).to_be_visible()
        page.click("[data-part=restart-back]")
        expect(page.locator("cart-panel .line")).to_have_count(2)
        page.click(".tools [data-action=restart]")
        page.click("[data-part=restart-yes]")
        expect(page.locator("#checkout-options")).not_to_contain_text(first)

        lane_waits(page)
        expect(page.locator("html")).to_have_attribute("lang", "en")
        assert visit_of(page) != first
        assert page.evaluate(STORED) == "[{},{}]"
        lane_touch(page)
        assert quantities(page) == {}
        expect(page.locator("cart-panel [data-part=undo]")).to_be_hidden()
        page.go_back()
        expect(page.locator("cart-panel")).to_be_visible()
        assert page.url == f"{visitor.shop.address}/lane/"
    assert found == []


@pytest.mark.parametrize(
    "window",
    [(UPRIGHT, "light"), ({"width": 1920, "height": 1080}, "dark"), ({"width": 820, "height": 1180}, "dark")],
    ids=["upright", "broad", "tablet"],
)
def test_the_cart_is_large_and_the_total_stays_in_view(
    browser: Browser,
    visit: VisitorMaker,
    lanes: None,
    shot: Callable[[Page, str], None],
    window: tuple[ViewportSize, str],
) -> None:
    size, scheme = window
    socket = InterceptedSocket()
    with lane_at(visit, browser, "touch", size=size, color_scheme=scheme) as (visitor, page):
        page.route_web_socket("**/api/ws/checkout/**", socket.listen)
        open_lane(page, visitor)
        socket.say(updated("add", long_cart(20)))  # the first change begins the visit
        expect(page.locator("lane-attract")).to_be_hidden()
        expect(page.locator("cart-panel .line")).to_have_count(20)

        assert not is_wider(page)
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        if size == UPRIGHT:
            assert page.evaluate(LETTERS, ".line [data-part=name]") >= 24
            assert page.evaluate(LETTERS, "[data-part=total]") >= 48
            assert page.evaluate(SMALL, 64) == []
            stage = page.locator("scan-camera").bounding_box()
            assert stage is not None
            assert 0.38 < stage["height"] / size["height"] < 0.5
        total, pay = page.locator("[data-part=total]"), page.locator(PAY)
        for line in (page.locator("cart-panel .line").first, page.locator("cart-panel .line").last):
            line.scroll_into_view_if_needed()
            expect(line).to_be_in_viewport()
            expect(total).to_be_in_viewport(ratio=1)
            expect(pay).to_be_in_viewport(ratio=1)
        pay_colour, accent = (page.locator(one).evaluate(COLOUR) for one in (PAY, "lane-staff .pin-go"))
        assert pay_colour != accent
        shot(page, f"kiosk-{scheme}-{size['width']}-long")
        assert violations(page) == []


def test_an_abandoned_visit_ends_after_a_question_and_a_countdown(
    browser: Browser, visit: VisitorMaker, lanes: None, shot: Callable[[Page, str], None]
) -> None:
    with lane_at(visit, browser, "idle") as (visitor, page):
        page.clock.install()
        open_lane(page, visitor)
        first = visit_of(page)
        dialog = page.locator("still-there dialog")
        lane_touch(page)
        page.clock.fast_forward(61_000)
        lane_waits(page)  # nothing in the cart: nothing to ask
        expect(dialog).to_be_hidden()

        lane_touch(page)
        add_by_hand(page, FIRST.barcode)
        page.clock.fast_forward(50_000)
        page.locator("cart-panel .line").click()
        page.clock.fast_forward(50_000)
        page.wait_for_timeout(400)
        expect(dialog).to_be_hidden()
        page.clock.fast_forward(11_000)
        expect(dialog).to_be_visible()
        expect(dialog.locator("[data-part=seconds]")).to_have_text("20")
        assert violations(page) == []
        shot(page, "kiosk-still-there")
        page.mouse.click(5, 5)  # any touch will do
        expect(dialog).to_be_hidden()
        assert quantities(page) == {FIRST.name: "1"}

        page.clock.fast_forward(61_000)
        expect(dialog).to_be_visible()
        page.clock.fast_forward(10_000)
        expect(dialog.locator("[data-part=seconds]")).to_have_text("10")
        page.clock.fast_forward(11_000)
        lane_waits(page)
        assert visit_of(page) != first
        lane_touch(page)
        assert quantities(page) == {}
        assert page.evaluate(STORED) == "[{},{}]"


def press(page: Page, keys: str) -> None:
    """Enter digits by the large keys, and go on."""
    for key in keys:
        page.click(f"[data-key='{key}']")
    page.click("[data-key=Enter]")


def test_a_scan_begins_a_visit_and_presses_nothing_in_any_dialog(
    browser: Browser, visit: VisitorMaker, lanes: None
) -> None:
    with lane_at(visit, browser, "scan") as (visitor, page):
        open_lane(page, visitor)
        wedge = Wedge(page)
        quantity, open_dialogs = page.locator(".line [data-part=quantity]"), page.locator("dialog[open]")
        digits = page.locator("[data-part=pin-number-digits], [data-part=pin-secret-digits]")
        page.locator("lane-attract [data-part=start]").focus()
        wedge.scan(FIRST.barcode)
        expect(page.locator("lane-attract")).to_be_hidden()
        expect(quantity).to_have_text("1")

        pieces = 1
        for action in ("restart", "staff"):
            page.click(f".tools [data-action={action}]")
            focusable = open_dialogs.locator("button:visible")
            assert focusable.count() >= 2
            for one in focusable.all():
                if action == "staff":
                    page.keyboard.press("7", delay=60)
                one.focus()
                before = digits.all_inner_texts()
                wedge.scan(FIRST.barcode)
                pieces += 1
                expect(quantity).to_have_text(str(pieces))
                expect(open_dialogs).to_have_count(1)
                expect(one).to_be_focused()
                assert digits.all_inner_texts() == before
            page.keyboard.press("Escape")


def test_settings_and_rights_of_staff_lie_behind_a_pin(
    browser: Browser, visit: VisitorMaker, lanes: None, shot: Callable[[Page, str], None]
) -> None:
    with lane_at(visit, browser, "staff") as (visitor, page):
        open_lane(page, visitor)
        lane_touch(page)
        add_by_hand(page, FIRST.barcode)
        page.click(".tools [data-action=staff]")
        dialog, status = page.locator("lane-staff dialog"), page.locator("[data-part=staff-status]")
        assert dialog.locator("input:visible").count() == 0  # nothing that a browser could fill in
        assert page.evaluate(SMALL, 64) == []
        press(page, STAFF_NUMBER)
        for key in PIN[::-1]:
            page.click(f"[data-key='{key}']")
        expect(page.locator("[data-part=pin-secret-digits]")).to_have_text("••••••")
        assert PIN[::-1] not in dialog.inner_text()
        found = violations(page)
        shot(page, "kiosk-pin")
        page.click("[data-key=Enter]")
        expect(status).to_have_text("Number or PIN is wrong.")
        expect(page.locator("[data-part=pin-secret-digits]")).to_be_empty()
        assert page.evaluate(SAVE_WITHOUT_UNLOCK) == "locked"

        page.keyboard.type(PIN, delay=60)
        page.keyboard.press("Enter")
        expect(page.locator("[data-part=staff-panel]")).to_be_visible()
        found += violations(page)
        shot(page, "kiosk-staff")
        dialog.locator("[data-part=staff-more]").click()
        expect(page.locator("cart-panel [data-part=quantity]")).to_have_text("2")
        expect(dialog.locator("[data-part=quantity]")).to_have_text("2")

        dialog.locator("[data-action=settings]").click()
        page.locator("checkout-settings input[value=tray]").check()
        expect(status).to_have_text("Saved for this lane.")
        page.locator("checkout-settings [data-part=close]").click()
        dialog.locator("[data-part=staff-open]").click()
        expect(dialog.locator("[data-part=staff-open]")).to_have_text("Open lane")
        dialog.locator("[data-do='visit.end']").click()  # locks, too
        expect(page.locator("lane-attract[data-state=closed]")).to_be_visible()
        Wedge(page).scan(FIRST.barcode)
        found += violations(page)
        shot(page, "kiosk-closed")

        page.locator(".attract-staff").click()
        expect(page.locator("[data-part=pin-pad]")).to_be_visible()
        press(page, STAFF_NUMBER)
        press(page, PIN)
        dialog.locator("[data-part=staff-open]").click()
        expect(dialog.locator("[data-part=staff-open]")).to_have_text("Close lane")
        dialog.locator("[data-part=staff-lock]").click()
        lane_waits(page)
        told = json.loads(page.locator("#checkout-options").text_content() or "")
        assert told["lane"]["mode"] == "tray"
        assert page.evaluate(STORED) == "[{},{}]"
    assert found == []


def test_whoever_needs_help_calls_staff_and_hears_who_is_coming(
    browser: Browser, visit: VisitorMaker, lanes: None, shot: Callable[[Page, str], None]
) -> None:
    with lane_at(visit, browser, "help") as (visitor, page):
        open_lane(page, visitor)
        lane_touch(page)
        call = page.locator("staff-call")
        help_button = page.locator(".tools [data-action=help]")
        help_button.click()
        expect(call).to_contain_text("Staff has been called")
        call.locator("[data-part=call-cancel]").click()
        expect(call).to_be_hidden()
        help_button.click()
        expect(call).to_be_visible()

        request, shop = visitor.context.request, visitor.shop.address
        login = {"username": "kiosk-mina", "password": PASSWORD}
        access = request.post(f"{shop}/api/auth/login", data=login).json()["access"]
        headers = {"Authorization": f"Bearer {access}"}
        alerts = request.get(f"{shop}/api/staff/alerts", headers=headers).json()
        mine = next(one for one in alerts["alerts"] if one["kind"] == "help")
        request.post(f"{shop}/api/staff/alerts/{mine['id']}/acknowledge", headers=headers, data={})

        expect(call).to_contain_text("kiosk-mina is coming")
        shot(page, "kiosk-coming")
        assert violations(page) == []


def test_a_lane_without_a_connection_promises_nothing_and_goes_on_by_itself(
    browser: Browser, visit: VisitorMaker, lanes: None, shot: Callable[[Page, str], None]
) -> None:
    held = {"silent": False}

    def listen(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        route.on_message(lambda message: None if held["silent"] else server.send(message))
        server.on_message(lambda message: None if held["silent"] else route.send(message))

    with lane_at(visit, browser, "lost") as (visitor, page):
        page.route_web_socket("**/api/ws/checkout/**", listen)
        open_lane(page, visitor)
        held["silent"] = True
        expect(page.locator("lane-attract[data-state=offline]")).to_be_visible(timeout=2500)
        expect(page.locator("lane-attract [data-part=start]")).to_be_disabled()
        assert violations(page) == []
        shot(page, "kiosk-offline")
        held["silent"] = False
        lane_waits(page)

        lane_touch(page)
        add_by_hand(page, FIRST.barcode)
        expect(page.locator("cart-panel .line")).to_have_count(1)
        held["silent"] = True
        expect(page.locator("cart-panel [data-part=lost-note]")).to_be_visible(timeout=2500)
        expect(page.locator("cart-panel .line")).to_have_count(1)
        held["silent"] = False
        expect(page.locator("cart-panel [data-part=lost-note]")).to_be_hidden()
        page.locator("cart-panel [data-part=more]").click()
        expect(page.locator("cart-panel [data-part=quantity]")).to_have_text("2")


def test_showing_the_first_item_is_enough(
    camera_browser: Browser, visit: VisitorMaker, lanes: None, shot: Callable[[Page, str], None]
) -> None:
    socket = InterceptedSocket()

    def listen(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        socket.route = route

        def passed_on(message: str | bytes) -> None:
            if isinstance(message, str):
                server.send(message)
            elif socket.frame < 3:
                socket.see("ambiguous" if socket.frame else "candidate")

        route.on_message(passed_on)

    with lane_at(visit, camera_browser, "show") as (visitor, page):
        page.route_web_socket("**/api/ws/checkout/**", listen)
        page.goto(f"{visitor.shop.address}/lane/")
        expect(page.locator("question-dialog dialog")).to_be_visible(timeout=20_000)
        expect(page.locator("lane-attract")).to_be_hidden()
        expect(page.locator("scan-camera[data-state=live]")).to_be_visible()
        shot(page, "kiosk-first-item")
        assert page.evaluate(STORED) == "[{},{}]"


def test_staff_are_called_for_items_and_for_payments_that_fail(
    browser: Browser, visit: VisitorMaker, lanes: None, shot: Callable[[Page, str], None]
) -> None:
    socket = InterceptedSocket(kept=("unresolved.dismiss",))
    with lane_at(visit, browser, "help") as (visitor, page):
        page.route_web_socket("**/api/ws/checkout/**", socket.listen)
        failed = {"status": 500, "json": {"code": "internal_error", "detail": "It broke."}}
        page.route("**/billing/confirm", lambda route: route.fulfill(**failed))
        open_lane(page, visitor)
        socket.say(updated("unresolved", cart(1, [unresolved(0)]), unresolved_id=UNRESOLVED[0]))
        expect(page.locator("lane-attract")).to_be_hidden()
        expect(page.locator("cart-panel .unresolved-line [data-action=help]")).to_be_visible()
        page.click(PAY)
        sheet = page.locator("settle-dialog dialog")
        expect(sheet.locator("[data-action=help]:visible")).to_have_count(1)
        assert violations(page) == []
        shot(page, "kiosk-settle")
        page.keyboard.press("Escape")

        socket.say(updated("dismiss", cart(1), unresolved_id=UNRESOLVED[0]))
        expect(page.locator("cart-panel .unresolved-line")).to_have_count(0)
        call = page.locator("staff-call")
        if call.is_visible():
            call.locator("[data-part=call-cancel]").click()
        expect(call).to_be_hidden()
        page.click(PAY)
        expect(call).to_contain_text("Staff has been called")
        expect(page.locator("cart-panel [data-part=problem]")).to_be_visible()


# Counts a minute and a half by a clock of its own.
TELEMETRY = """async () => {
  const { LaneTelemetry } = await import("/static/js/lane/lane-telemetry.js");
  let now = Date.UTC(2026, 0, 1, 12, 0, 30);
  const counted = new LaneTelemetry(() => now);
  for (let ms = 1; ms <= 60; ms += 1) counted.answered(ms);
  counted.drop(3);
  counted.reconnected();
  counted.camera = "live";
  const early = counted.take();
  now += 30_000;
  const first = counted.take();
  const again = counted.take();
  for (let minute = 0; minute < 9; minute += 1) { now += 60_000; counted.drop(1); }
  return [early, first, again, counted.take().map(({ minute }) => minute)];
}"""


def test_a_lane_counts_by_the_minute_and_keeps_the_last_ones_it_could_not_send(
    browser: Browser, visit: VisitorMaker, lanes: None
) -> None:
    with lane_at(visit, browser, "touch") as (visitor, page):
        page.goto(f"{visitor.shop.address}/lane/")
        early, first, again, late = page.evaluate(TELEMETRY)
    assert (early, again) == ([], [])
    assert first == [
        {
            "minute": "2026-01-01T12:00:00.000Z",
            "fps": 2,
            "p50_ms": 30,
            "p95_ms": 57,
            "dropped": 3,
            "reconnects": 1,
            "camera": "live",
        }
    ]
    assert late == [f"2026-01-01T12:{minute:02}:00.000Z" for minute in range(5, 10)]
