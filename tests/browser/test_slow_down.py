"""The checkout page when it is closed for too much traffic: it waits, longer each time, and says so."""

from __future__ import annotations

import json
import time

import pytest
from playwright.sync_api import Browser, WebSocketRoute, expect

from tests.browser.conftest import VisitorMaker

pytestmark = pytest.mark.browser
REFUSAL = {
    "type": "error",
    "code": "too_many_connections",
    "detail": "Not now.",
    "data": {"retry_after_s": 2},
}


def test_a_page_that_is_refused_waits_longer_each_time_and_cannot_be_hurried(
    browser: Browser, visit: VisitorMaker
) -> None:
    opened_s: list[float] = []

    def refuse(route: WebSocketRoute) -> None:
        opened_s.append(time.monotonic())
        route.send(json.dumps(REFUSAL))
        route.close(code=4429)

    with visit(browser) as visitor:
        page = visitor.page()
        page.route_web_socket("**/api/ws/**", refuse)
        visitor.sign_up(page, "hasty", "/checkout/")
        pill = page.locator("connection-pill")
        expect(pill).to_contain_text("Too fast. Trying again in 4 s.")
        expect(page.locator("add-toast")).not_to_contain_text("Not now.")
        for _ in range(30):
            page.evaluate("dispatchEvent(new Event('online'))")
            page.wait_for_timeout(100)
        assert len(opened_s) == 1
        expect(pill).to_contain_text("Too fast. Trying again in 8 s.", timeout=10_000)
        page.wait_for_timeout(7_000)
        assert len(opened_s) == 2
    assert 3.9 < opened_s[1] - opened_s[0] < 8
