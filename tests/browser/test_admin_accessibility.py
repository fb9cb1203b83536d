"""The shop keeper's pages against the rules a machine can check, on phone and desktop, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import BOTH, KIOSK, Visitor, VisitorMaker
from tests.browser.rules import is_wider, violations
from tests.browser.steps import FIRST, add_by_hand, connected
from tests.conftest import PASSWORD

pytestmark = pytest.mark.browser
LISTS = {
    "visits": "/admin/checkout/checkoutsession/",
    "disputes": "/admin/checkout/disputedline/",
    "events": "/admin/checkout/scanevent/",
    "orders": "/admin/orders/order/",
}
PEOPLE_AND_PLACES = {"stores": "/admin/accounts/store/", "users": "/admin/accounts/user/"}


def buy(visitor: Visitor, page: Page, name: str) -> None:
    """Buy something by hand, so that there is something to see."""
    visitor.sign_up(page, name, "/checkout/")
    connected(page)
    add_by_hand(page, FIRST.barcode)
    expect(page.locator(".line")).to_have_count(1)
    page.click("[data-part=pay]")
    page.wait_for_url("**/orders/*/")


def come_in(visitor: Visitor, page: Page) -> None:
    """Log the keeper in."""
    page.goto(f"{visitor.shop.address}/admin/login/?next=/admin/")
    page.fill("#id_username", "keeper")
    page.fill("#id_password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/admin/")


def follow(page: Page, link: str) -> None:
    """Go where a link leads, and wait until that page is there."""
    with page.expect_navigation():
        page.click(link)


@BOTH
def test_no_page_of_the_shop_keeper_breaks_a_rule(
    browser: Browser,
    visit: VisitorMaker,
    shot: Callable[[Page, str], None],
    window: tuple[dict[str, int], str, str],
) -> None:
    size, language, scheme = window
    found: list[str] = []
    wide: list[str] = []

    def judge(page: Page, name: str) -> None:
        found.extend(violations(page))
        if is_wider(page):
            wide.append(page.url)
        shot(page, f"admin-{language}-{scheme}-{name}")

    options: dict[str, Any] = {"color_scheme": scheme}
    with visit(browser, size=size, language=language, **options) as visitor:
        page = visitor.page()
        buy(visitor, page, f"buyer-{language}")
        page.context.clear_cookies()
        come_in(visitor, page)
        judge(page, "index")
        follow(page, ".shop-ways a >> nth=0")
        for days in (1, 7, 30):
            follow(page, f".period-switch a[href='?days={days}']")
            judge(page, f"dashboard-{days}")
        page.click("details.panel summary")
        judge(page, "dashboard-table")
        assert page.locator("details.panel tbody tr").count() == 30
        for name, address in PEOPLE_AND_PLACES.items():
            page.goto(f"{visitor.shop.address}{address}")
            judge(page, name)
            follow(page, "#result_list tbody tr >> nth=0 >> th a")
            if name == "stores":
                page.select_option("[name=hours_mon_0]", "hours")
            judge(page, f"{name}-one")
        for name, address in LISTS.items():
            page.goto(f"{visitor.shop.address}{address}")
            judge(page, name)
        follow(page, "#result_list tbody tr >> nth=0 >> th a")
        judge(page, "order")
        follow(page, ".field-story a")
        expect(page.locator(".story li")).to_have_count(1)
        judge(page, "story")

    assert found == []
    assert wide == []


def test_a_bar_says_what_it_stands_for(browser: Browser, visit: VisitorMaker) -> None:
    with visit(browser, size=KIOSK) as visitor:
        page = visitor.page()
        buy(visitor, page, "buyer-of-one")
        page.context.clear_cookies()
        come_in(visitor, page)
        page.goto(f"{visitor.shop.address}/admin/dashboard/?days=7")
        sales = page.get_by_role("img", name="Sales by day")
        said = sales.locator("g title").all_text_contents()
        heights = sales.locator(".chart-bar").evaluate_all("bars => bars.map((bar) => bar.getBBox().height)")

    assert len(said) == 7
    assert said[0].endswith(": €0.00")
    assert not said[-1].endswith(": €0.00")
    assert len(heights) == 1
    assert heights[0] > 100
