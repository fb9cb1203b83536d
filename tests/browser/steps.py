"""What every visitor of the checkout page does, and every shopper at a lane."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.stock import SHOWINGS

FIRST, SECOND, THIRD = (showing.pack for showing in SHOWINGS)


def connected(page: Page) -> None:
    """Wait until the server answers the page."""
    expect(page.locator("connection-pill")).to_have_attribute("data-state", "on", timeout=20_000)


def camera_on(page: Page) -> None:
    """Start the camera, where the page does not do so by itself."""
    start = page.locator("[data-when=idle] [data-action=camera]")
    live = page.locator("scan-camera[data-state=live]")
    start.or_(live).first.wait_for()
    if start.is_visible():
        start.click()
    live.wait_for()


def add_by_hand(page: Page, words: str) -> None:
    """Type a barcode or a name and take what is found."""
    page.click(".tools [data-action=find]")
    page.fill("#find-input", words)
    if not words.isdigit():
        page.locator(".found-row").first.wait_for()
    page.keyboard.press("Enter")
    expect(page.locator("find-product dialog")).to_be_hidden()


def lane_waits(page: Page) -> None:
    """Wait until the lane waits for a shopper."""
    expect(page.locator("lane-attract[data-state=ready]")).to_be_visible(timeout=20_000)


def lane_touch(page: Page) -> None:
    """Begin a visit at a lane that waits."""
    page.locator("lane-attract [data-part=start]").click()
    expect(page.locator("lane-attract")).to_be_hidden()


def quantities(page: Page) -> dict[str, str]:
    """Read the cart: how many of what."""
    lines = page.locator("cart-panel .line").all()
    return {
        line.locator("[data-part=name]").inner_text(): line.locator("[data-part=quantity]").inner_text()
        for line in lines
    }
