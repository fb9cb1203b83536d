"""The scan zone: dragged on the picture, set by keys or numbers, remembered; outside nothing counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import KIOSK, PHONE, VisitorMaker
from tests.browser.intercepted_socket import InterceptedSocket
from tests.browser.steps import camera_on, connected

pytestmark = pytest.mark.browser


def zone_open(page: Page) -> dict[str, float]:
    """Begin to set the zone on the picture; return where the picture is."""
    page.click("[data-action=settings]")
    page.click("[data-part=zone-drag]")
    expect(page.locator("[data-part=zone-frame]")).to_be_focused()
    box: Any = page.locator("scan-camera").bounding_box()
    return dict(box)


def drag(page: Page, picture: dict[str, float], start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag from one place of the picture to another, both in shares of it."""
    for number, (x, y) in enumerate((start, end)):
        page.mouse.move(picture["x"] + x * picture["width"], picture["y"] + y * picture["height"], steps=3)
        page.mouse.down() if number == 0 else page.mouse.up()


@pytest.mark.parametrize("window", [(PHONE, True), (KIOSK, False)], ids=["phone-mirrored", "kiosk"])
def test_the_zone_is_dragged_on_the_picture_and_remembered(
    camera_browser: Browser,
    visit: VisitorMaker,
    shot: Callable[[Page, str], None],
    window: tuple[dict[str, int], bool],
) -> None:
    size, mirrored = window
    socket = InterceptedSocket()
    with visit(camera_browser, size=size) as visitor:
        page = socket.open(visitor, f"zone-{mirrored}")
        page.click("[data-action=settings]")
        page.get_by_label("Mirror image").set_checked(mirrored)
        page.keyboard.press("Escape")
        picture = zone_open(page)
        drag(page, picture, (0.1, 0.1), (0.6, 0.7))  # draws it
        drag(page, picture, (0.4, 0.3), (0.45, 0.3))  # moves it
        drag(page, picture, (0.63, 0.67), (0.73, 0.77))  # pulls its lower right corner
        shot(page, f"zone-{'mirrored' if mirrored else 'plain'}")
        page.keyboard.press("Enter")
        expect(page.locator("[data-part=zone-bar]")).to_be_hidden()
        page.wait_for_timeout(400)

        sent = socket.answers("zone.set")[-1]["zone"]
        left = 0.25 if mirrored else 0.15  # as the camera sees it
        assert sent == pytest.approx([left, 0.1, 0.6, 0.7], abs=0.02)
        page.reload()
        connected(page)
        assert socket.answers("zone.set")[-1]["zone"] == sent
        page.click("[data-action=settings]")
        sides = [page.locator(f"[data-side='{side}']").input_value() for side in range(4)]
        assert [int(side) for side in sides] == pytest.approx([100 * side for side in sent], abs=1)


def test_the_zone_is_set_with_the_keyboard_and_by_numbers(
    camera_browser: Browser, visit: VisitorMaker
) -> None:
    socket = InterceptedSocket()
    with visit(camera_browser) as visitor:
        page = socket.open(visitor, "zonekeys")
        page.click("[data-action=settings]")
        page.get_by_label("Mirror image").uncheck()
        page.get_by_label("Width").fill("50")
        page.get_by_label("Left").fill("95")  # more than fits beside the width
        page.get_by_label("Height").fill("1")  # less than the smallest zone
        page.keyboard.press("Tab")
        expect(page.get_by_label("Left")).to_have_value("50")
        expect(page.get_by_label("Height")).to_have_value("10")
        page.keyboard.press("Escape")
        zone_open(page)
        for key in ("ArrowLeft", "ArrowDown", "Shift+ArrowDown", "Shift+ArrowLeft"):
            page.keyboard.press(key)
        page.keyboard.press("Enter")
        page.wait_for_timeout(400)

        assert socket.answers("zone.set")[-1]["zone"] == pytest.approx([0.48, 0.02, 0.48, 0.12], abs=0.001)
        expect(page.locator("[data-part=spoken]")).to_contain_text("48% from the left, 2% from the top")
        expect(page.locator("[data-action=settings]")).to_be_focused()
        zone_open(page)
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Escape")
        page.wait_for_timeout(400)
        assert socket.answers("zone.set")[-1]["zone"] == pytest.approx([0.48, 0.02, 0.48, 0.12], abs=0.001)
        page.click("[data-action=settings]")
        page.locator("[data-action=zone-whole]").click()
        page.wait_for_timeout(400)
        assert socket.answers("zone.set")[-1]["zone"] == [0, 0, 1, 1]


def test_what_is_shown_outside_the_zone_is_not_counted(camera_browser: Browser, visit: VisitorMaker) -> None:
    with visit(camera_browser) as visitor:
        page = visitor.page()
        kept = json.dumps({"zone": [0, 0, 0.15, 0.15]})
        page.add_init_script(f"localStorage.setItem('ebrcs.preferences', '{kept}')")
        visitor.sign_up(page, "outside", "/checkout/")
        connected(page)
        camera_on(page)
        page.wait_for_timeout(6000)  # the pack has come and gone; inside the zone it is counted in two

        expect(page.locator("cart-panel .line")).to_have_count(0)
