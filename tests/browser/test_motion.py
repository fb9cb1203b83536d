"""Boxes keep up with the picture, and an item in view stays itself while the connection breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.browser.conftest import VisitorMaker
from tests.browser.steps import FIRST, camera_on, connected, quantities

pytestmark = pytest.mark.browser

# An item crosses the picture in a second; a frame is taken every 100 ms and answered after a given time.
CROSSING = """async ([latency, glides]) => {
  const { BoxMotion } = await import("/static/js/camera/box-motion.js");
  const place = (at) => [0.1 + at / 2000, 0.3, 0.2, 0.4];
  const motion = new BoxMotion(place(0), 0);
  let far = 0, count = 0;
  for (let now = 16; now < 1000; now += 16) {
    const taken = Math.floor((now - latency) / 100) * 100;
    if (taken > motion.at) motion.seen(place(taken), taken);
    const [x] = motion.draw(now, 16, glides);
    if (now > 400) { far += Math.abs(x - place(now)[0]); count += 1; }
  }
  return far / count;
}"""


def test_boxes_are_where_the_item_is_and_not_where_it_was(browser: Browser, visit: VisitorMaker) -> None:
    with visit(browser) as visitor:
        page = visitor.page()
        page.goto(visitor.shop.address)
        ahead = page.evaluate(CROSSING, [60, True])
        waiting = page.evaluate(CROSSING, [60, False])

    assert waiting > 0.04  # as far as the item goes in the time an answer takes
    assert ahead < 0.02


@dataclass
class Wire:
    """The connection, which can be cut."""

    ends: list[WebSocketRoute] = field(default_factory=list)
    connections: int = 0

    def listen(self, route: WebSocketRoute) -> None:
        """Pass everything on."""
        self.connections += 1
        self.ends = [route, route.connect_to_server()]

    def cut(self) -> None:
        """Break the connection on both sides."""
        for end in self.ends:
            end.close(code=4000)


def test_a_connection_that_breaks_while_an_item_is_held_counts_it_once(
    held_browser: Browser, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    wire = Wire()
    with visit(held_browser) as visitor:
        page = visitor.page()
        page.route_web_socket("**/api/ws/**", wire.listen)
        visitor.sign_up(page, "broken", "/checkout/")
        connected(page)
        camera_on(page)
        expect(page.locator("cart-panel .line")).to_have_count(1, timeout=25_000)

        for times in (2, 3):
            wire.cut()
            page.wait_for_timeout(1500)
            connected(page)
            assert wire.connections == times
        page.wait_for_timeout(1500)
        shot(page, "held-after-a-break")
        page.wait_for_timeout(2500)

        assert quantities(page) == {FIRST.name: "1"}
