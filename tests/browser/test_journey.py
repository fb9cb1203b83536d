"""A visit from the first page to the receipt, with a camera, in a real browser on a phone and on a kiosk."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from checkout.demo.clip import clip_plan
from tests.browser.conftest import BOTH, PHONE, VisitorMaker

pytestmark = pytest.mark.browser
SHOWN = clip_plan()[0].pack
TOTAL = {"en": "Total, 1 item", "ko": "합계 1개"}


def pasted(page: Page) -> str:
    """Paste as a person does: no script of the shop's pages may read the clipboard."""
    page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), {id: 'paste'}))")
    page.focus("#paste")
    page.keyboard.press("Control+V")
    return page.input_value("#paste")


@BOTH
def test_what_the_camera_sees_is_sold(
    camera_browser: Browser,
    visit: VisitorMaker,
    shot: Callable[[Page, str], None],
    window: tuple[dict[str, int], str, str],
) -> None:
    size, language, scheme = window
    name = f"{'phone' if size is PHONE else 'kiosk'}-{language}-{scheme}"
    with visit(camera_browser, size=size, language=language, color_scheme=scheme) as visitor:
        page = visitor.page()
        page.goto(visitor.shop.address)
        shot(page, f"{name}-1-welcome")
        visitor.sign_up(page, name)
        shot(page, f"{name}-2-home")

        page.click(".hero .button-primary")
        page.wait_for_url("**/checkout/*/")
        shot(page, f"{name}-3-camera-off")
        start = page.locator("[data-when=idle] [data-action=camera]")
        live = page.locator("scan-camera[data-state=live]")
        start.or_(live).first.wait_for()
        if start.is_visible():
            start.click()
        live.wait_for()

        line = page.locator("cart-panel .line")
        expect(line).to_have_count(1, timeout=25_000)
        shot(page, f"{name}-4-added")
        expect(line.locator("[data-part=name]")).to_have_text(SHOWN.name)
        expect(page.locator("add-toast")).to_contain_text(SHOWN.name)
        expect(page.locator("[data-part=total]")).to_have_text(f"€{SHOWN.price}")

        page.click("[data-part=pay]")
        page.wait_for_url("**/orders/*/")
        shot(page, f"{name}-5-receipt")
        expect(page.locator(".receipt-name")).to_have_text(SHOWN.name)
        expect(page.locator(".receipt-sum")).to_have_text(f"€{SHOWN.price}")
        number = page.locator(".receipt-facts dd").first.inner_text()
        visitor.context.grant_permissions(["clipboard-write"])
        page.click("receipt-actions [data-part=copy]")
        expect(page.locator("[data-part=copied]")).not_to_be_empty()
        copied = pasted(page).split("\n")
        assert number in copied[0]
        assert copied[1:] == [
            f"{SHOWN.name} 1 × €{SHOWN.price}  €{SHOWN.price}",
            f"{TOTAL[language]}  €{SHOWN.price}",
            page.url,
        ]

        page.goto(f"{visitor.shop.address}/my/")
        shot(page, f"{name}-6-orders")
        expect(page.locator(".order-number")).to_have_text(number)
