"""Every page and dialog against the rules a machine can check, in light and dark, English and Korean."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from django.template.loader import render_to_string
from django.utils import translation
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import BOTH, VisitorMaker
from tests.browser.intercepted_socket import ENTERED, InterceptedSocket
from tests.browser.rules import is_wider, violations
from tests.browser.steps import FIRST, add_by_hand, connected

pytestmark = pytest.mark.browser
NO_PICTURE = ("idle", "starting", "refused", "missing", "busy", "insecure", "ended", "unplugged")
FAULTS = {"400.html": 400, "403.html": 403, "403_csrf.html": 403, "429.html": 429, "500.html": 500}


def test_the_rules_are_applied(browser: Browser, visit: VisitorMaker) -> None:
    with visit(browser) as visitor:
        page = visitor.page()
        page.goto(f"{visitor.shop.address}/login/")
        page.evaluate("document.querySelector('label').remove()")

        assert [rule.split(": ")[1].split(" at ")[0] for rule in violations(page)] == ["label"]


@BOTH
def test_no_page_breaks_a_rule(
    browser: Browser,
    visit: VisitorMaker,
    shot: Callable[[Page, str], None],
    window: tuple[dict[str, int], str, str],
) -> None:
    size, language, scheme = window
    found: list[str] = []
    options = {"color_scheme": scheme, "reduced_motion": "reduce"}
    with visit(browser, size=size, language=language, **options) as visitor:
        page = visitor.page()
        for path in ("/", "/login/", "/signup/", "/nothing/"):
            page.goto(f"{visitor.shop.address}{path}")
            found += violations(page)
        visitor.sign_up(page, f"axe-{language}", "/my/")
        found += violations(page)
        page.goto(f"{visitor.shop.address}/checkout/")
        connected(page)
        found += violations(page)
        page.click(".tools [data-action=find]")
        page.fill("#find-input", FIRST.name[:4])
        page.locator(".found-row").first.wait_for()
        found += violations(page)
        shot(page, f"{language}-{scheme}-find")
        page.locator(".found-row").first.click()
        expect(page.locator(".line")).to_have_count(1)
        expect(page.locator("[data-part=toast-undo]")).to_be_visible()
        found += violations(page)
        page.click(".line [data-part=wrong]")
        expect(page.locator("[data-part=likely] .chip").first).to_be_visible()
        found += violations(page)
        shot(page, f"{language}-{scheme}-wrong")
        page.keyboard.press("Escape")
        page.click("[data-action=settings]")
        found += violations(page)
        shot(page, f"{language}-{scheme}-settings")
        page.keyboard.press("Escape")
        page.click("[data-part=pay]")
        page.wait_for_url("**/orders/*/")
        found += violations(page)
        for path in ("/my/", "/"):
            page.goto(f"{visitor.shop.address}{path}")
            found += violations(page)
        shot(page, f"{language}-{scheme}-home")

    assert found == []


@BOTH
def test_no_state_of_the_checkout_page_breaks_a_rule(
    camera_browser: Browser,
    visit: VisitorMaker,
    shot: Callable[[Page, str], None],
    window: tuple[dict[str, int], str, str],
) -> None:
    size, language, scheme = window
    found: list[str] = []
    socket = InterceptedSocket(kept=("choose", "debug.set"))
    why = {"sightings": 5, "views": [], "story": [ENTERED], "inside": True}
    options = {"color_scheme": scheme, "reduced_motion": "reduce"}
    with visit(camera_browser, size=size, language=language, **options) as visitor:
        page = socket.open(visitor, f"states-{language}")

        def look(name: str) -> None:
            found.extend(f"{name}: {violation}" for violation in violations(page))
            shot(page, f"{language}-{scheme}-state-{name}")

        socket.see("accepted", name=FIRST.name, choices=[])
        look("accepted")
        socket.see_unknown(page)
        look("unknown")
        socket.see("ambiguous", track=8)
        expect(page.locator("question-dialog dialog")).to_be_visible()
        look("question")
        page.locator("question-dialog [data-part=none]").click()
        page.evaluate("document.querySelector('why-panel').turn(true)")
        socket.see("accepted", name=FIRST.name, choices=[], why=why)
        socket.say(
            {"type": "barcode.seen", "code": "96385074", "product_id": None, "name": None, "agrees": None}
        )
        look("why-and-warning")
        page.evaluate("document.querySelector('scan-camera').connectionLost(true)")
        look("connection-lost")
        page.evaluate("document.querySelector('scan-camera').connectionLost(false)")
        page.evaluate("document.querySelector('why-panel').turn(false)")
        page.click("[data-action=settings]")
        page.click("[data-part=zone-drag]")
        page.keyboard.press("Shift+ArrowLeft")
        look("zone")
        page.keyboard.press("Enter")
        for state in NO_PICTURE:
            page.evaluate("state => document.querySelector('scan-camera').fail(state)", state)
            look(state)

    assert found == []


@BOTH
def test_no_page_about_a_fault_breaks_a_rule(
    browser: Browser,
    visit: VisitorMaker,
    shot: Callable[[Page, str], None],
    window: tuple[dict[str, int], str, str],
) -> None:
    size, language, scheme = window
    found: list[str] = []
    with visit(browser, size=size, language=language, color_scheme=scheme) as visitor:
        page = visitor.page()
        for template, status in {**FAULTS, "checkout/ended.html": 200}.items():
            with translation.override(language):
                body = render_to_string(template, {"retry_after_s": 9})
            fulfil = partial(Route.fulfill, status=status, body=body, content_type="text/html; charset=utf-8")
            page.route("**/fault/", fulfil)
            page.goto(f"{visitor.shop.address}/fault/")
            expect(page.locator("h1")).not_to_be_empty()
            found += [f"{template}: {violation}" for violation in violations(page)]
            page.unroute("**/fault/")
        shot(page, f"{language}-{scheme}-fault")

    assert found == []


def test_nothing_is_wider_than_the_narrowest_phone_or_text_twice_as_large(
    browser: Browser, visit: VisitorMaker
) -> None:
    wide: list[str] = []
    with visit(browser, size={"width": 320, "height": 568}, language="ko") as visitor:
        page = visitor.page()
        visitor.sign_up(page, "narrow", "/checkout/")
        paths = [page.url.removeprefix(visitor.shop.address), "/", "/my/", "/nothing/"]
        for path in paths:
            page.goto(f"{visitor.shop.address}{path}")
            if is_wider(page):
                wide.append(path)

    assert wide == []


@pytest.mark.parametrize("size", [(390, 844), (844, 390), (1024, 768), (1280, 800)])
def test_the_way_to_pay_is_in_view_without_scrolling(
    browser: Browser, visit: VisitorMaker, size: tuple[int, int]
) -> None:
    width, height = size
    with visit(browser, size={"width": width, "height": height}) as visitor:
        page = visitor.page()
        visitor.sign_up(page, f"view-{width}", "/checkout/")
        page.evaluate("document.querySelector('scan-camera').state = 'live'")

        box = page.locator("[data-part=pay]").bounding_box()
        overflow = page.evaluate("document.documentElement.scrollHeight - innerHeight")

    assert box is not None
    assert box["y"] + box["height"] <= height
    assert overflow <= 0


def test_touch_targets_of_the_page_are_at_least_48_pixels(browser: Browser, visit: VisitorMaker) -> None:
    with visit(browser, reduced_motion="reduce") as visitor:  # what grows into view is measured as it will be
        page = visitor.page()
        visitor.sign_up(page, "touch", "/checkout/")
        connected(page)
        add_by_hand(page, FIRST.barcode)
        expect(page.locator(".line")).to_have_count(1)
        small = page.evaluate(
            """() => [...document.querySelectorAll("button, header a")]
              .map((one) => [one.ariaLabel ?? one.innerText, one.getBoundingClientRect()])
              .filter(([, box]) => box.width > 0 && Math.min(box.width, box.height) < 48)
              .map(([name]) => name)"""
        )

    assert small == []
