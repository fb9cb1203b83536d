"""One account on two devices, and a receipt that goes from a lane to a phone."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.conftest import KIOSK, Shop, VisitorMaker
from tests.browser.lane_receipts import PaidVisit
from tests.browser.steps import FIRST, SECOND, add_by_hand, connected, quantities
from tests.conftest import PASSWORD

pytestmark = pytest.mark.browser
NAME = "two-devices"
PORTRAIT: ViewportSize = {"width": 1080, "height": 1920}


def test_a_visit_goes_on_on_the_second_device_and_the_first_is_told(
    browser: Browser, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    with visit(browser) as phone, visit(browser, size=KIOSK, color_scheme="dark") as kiosk:
        here, there = phone.page(), kiosk.page()
        phone.sign_up(here, NAME, "/checkout/")
        here.wait_for_url("**/checkout/*/")
        connected(here)
        add_by_hand(here, FIRST.barcode)
        expect(here.locator("cart-panel .line")).to_have_count(1)

        there.goto(f"{kiosk.shop.address}/login/?next=/checkout/")
        there.fill("#id_username", NAME)
        there.fill("#id_password", PASSWORD)
        there.click("main button[type=submit]")
        expect(there.locator("h1")).to_have_text("Continue your visit here?")
        expect(there.locator(".elsewhere-items")).to_contain_text(FIRST.name)
        shot(there, "two-devices-1-offer")
        there.get_by_role("button", name="Continue this visit here").click()
        connected(there)
        assert quantities(there) == {FIRST.name: "1"}

        expect(here.locator("h1")).to_have_text("Your visit continues on another device")
        shot(here, "two-devices-2-moved")
        add_by_hand(there, SECOND.barcode)
        expect(there.locator("cart-panel .line")).to_have_count(2)

        # Back to the phone: the kiosk is told in its turn, and the two do not fight over the visit.
        here.reload()
        here.get_by_role("button", name="Continue this visit here").click()
        connected(here)
        assert quantities(here) == {FIRST.name: "1", SECOND.name: "1"}
        expect(there.locator("h1")).to_have_text("Your visit continues on another device")

        there.get_by_role("button", name="Start a new one").click()
        connected(there)
        assert quantities(there) == {}
        here.click("[data-part=pay]")
        here.wait_for_url("**/orders/*/")
        connected(there)


PAID = """
import json
from tests.browser.lane_receipts import paid_visits_make
print(json.dumps(paid_visits_make({count})))
"""


def paid_visits(shop: Shop, count: int) -> list[PaidVisit]:
    """Return visits that were paid at lanes."""
    paid: list[PaidVisit] = json.loads(shop.run(PAID.format(count=count)))
    return paid


def test_a_receipt_link_opens_by_itself_before_a_person_and_by_a_touch_without_scripts(
    browser: Browser, shop: Shop, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    first, second = (f"{shop.address}/r/{paid['token']}/" for paid in paid_visits(shop, 2))
    with visit(browser) as phone:
        page = phone.page()
        page.goto(first)
        page.bring_to_front()
        expect(page.locator(".receipt-sum")).to_be_visible()
        expect(page.get_by_role("link", name="Log in and add it")).to_be_visible()
        shot(page, "receipt-link-1-opened")
    with visit(browser, java_script_enabled=False) as careful:
        page = careful.page()
        page.goto(first)
        expect(page.locator("h1")).to_have_text("This link no longer works")
        shot(page, "receipt-link-2-gone")
        page.goto(second)
        shot(page, "receipt-link-3-asks")
        page.get_by_role("button", name="Show receipt").click()
        expect(page.locator(".receipt-sum")).to_be_visible()


def test_the_receipt_at_a_lane_stays_once_more_and_leaves_for_good(
    browser: Browser, shop: Shop, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    (paid,) = paid_visits(shop, 1)
    with visit(browser, size=PORTRAIT) as lane:
        cookie = {"name": "sessionid", "value": paid["session_key"], "url": shop.address}
        lane.context.add_cookies([cookie])
        page = lane.page()
        page.goto(f"{shop.address}/lane/receipt/{paid['order']}/")
        expect(page.locator(".lane-shop")).to_contain_text(paid["number"])
        expect(page.get_by_role("img", name="QR code")).to_be_visible()
        shot(page, "lane-receipt-portrait")
        expect(page.locator("[data-part=seconds]")).to_have_text("3")
        page.get_by_role("button", name="Keep showing").click()
        expect(page.locator("[data-part=seconds]")).to_have_text("5", timeout=1000)
        expect(page.get_by_role("button", name="Keep showing")).to_be_hidden()

        page.wait_for_url("**/lane/", timeout=9000)
        page.go_back()
        expect(page.locator(".lane-shop")).to_have_count(0)
