"""A day at two lanes and a tablet of the staff, on two servers that share PostgreSQL and Redis."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, Playwright, ViewportSize, expect

from tests.browser.conftest import Shop, Visitor, camera_launch, film_write
from tests.browser.rules import violations
from tests.browser.steps import FIRST, SECOND, add_by_hand, lane_touch, lane_waits, quantities
from tests.checkout.serving import port_free
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.postgres, pytest.mark.redis]
REDIS_NUMBER = 11
UPRIGHT: ViewportSize = {"width": 1080, "height": 1920}
WIDE: ViewportSize = {"width": 1920, "height": 1080}
TABLET: ViewportSize = {"width": 820, "height": 1180}

ShotTaker = Callable[[Page, str], None]
PAIRING_CODE = re.compile(r"^[0-9A-Z]{4}-[0-9A-Z]{4}$")
PLAYS = """() => {
  const video = document.querySelector("[data-part=live-video]");
  return video.checkVisibility() && video.videoWidth > 0 && video.currentTime > 0;
}"""

LANES = """
from django.utils import timezone
from checkout.lanes.pairing import key_hash
from checkout.models import Lane
from tests.checkout.lanes.makers import lane_make, staff_make
lane_make("Lane by the door", "1", receipt_leaves_after_s=5)
day = lane_make("Lane at the back", "2", idle_after_s=10, idle_countdown_s=5, receipt_leaves_after_s=5)
wall = lane_make("Lane by the wall", "3")
for lane, key in ((day, "key-day"), (wall, "key-wall")):
    Lane.objects.filter(pk=lane.pk).update(key_hash=key_hash(key), paired_at=timezone.now())
for name in ("mina", "juno"):
    staff_make(name)
"""

LEAVE_UNRESOLVED = """
from checkout.cart.scan_events import Cause
from checkout.cart.unresolved import unresolved_open
from checkout.models import CheckoutSession
session = CheckoutSession.objects.get(lane__code="3", status="active")
unresolved_open(session_id=session.pk, kind="unknown", track=None, choices=[], cause=Cause())
"""

TRUTH = """
import json
from checkout.models import *
from orders.models import Order
visits = CheckoutSession.objects.filter(lane__code="2").exclude(scan_events=None)
print(json.dumps({
    "visits": [visit.status for visit in visits.distinct().order_by("created_at")],
    "orders": [order.total_items for order in Order.objects.filter(session__lane__code="2")],
    "alerts": sorted(
        Alert.objects.exclude(kind="offline").values_list(
            "kind", "lane__code", "acknowledged_by__username", "resolved_by__username")),
    "watched": list(LaneEvent.objects.filter(kind="watched").values_list("lane__code", "actor__username")),
    "settled": sorted(ScanEvent.objects.filter(actor__isnull=False, session__lane__code="3").values_list(
        "action", "actor__username")),
}))
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, Shop]]:
    """Serve one shop by two processes."""
    address = urlsplit(os.environ["DATABASE_URL"])
    parts = urlsplit(os.environ["REDIS_URL"])
    database = f"{address.path[1:]}_lane_day"  # so that two working copies do not meet
    services = {
        "DATABASE_URL": urlunsplit(address._replace(path=f"/{database}")),
        "REDIS_URL": urlunsplit(parts._replace(path=f"/{REDIS_NUMBER}")),
        "EBRCS_ALERT_ESCALATES_AFTER_S": "300",
    }
    folder = tmp_path_factory.mktemp("lane-day")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as link:
        link.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        link.execute(f"CREATE DATABASE {database}")
    pair = Shop(folder, port_free(), services=services), Shop(folder, port_free(), services=services)
    pair[0].manage("migrate", "--verbosity=0")
    pair[0].manage("shell", "--verbosity=0", "--command", "from tests.browser.stock import stock; stock()")
    pair[0].run(LANES)
    for server in pair:
        server.launch()
    for server in pair:
        server.wait_ready()
    yield pair
    for server in pair:
        server.close()
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as link:
        link.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


@pytest.fixture(scope="module")
def lane_browser(
    playwright: Playwright, chromium_path: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """Start the Chromium of the lanes, before whose camera a pack is held for five seconds."""
    film = tmp_path_factory.mktemp("camera") / "lane.mjpeg"
    film_write(film, held_s=5)
    running = camera_launch(playwright, chromium_path, film)
    yield running
    running.close()


@contextmanager
def window(
    browser: Browser, shop: Shop, size: ViewportSize, faults: list[str], *, key: str = ""
) -> Iterator[Page]:
    """Open a window on a server; as the device of a lane, if it has a key."""
    context = browser.new_context(viewport=size, locale="en-US", reduced_motion="reduce")
    if key:
        context.add_cookies([{"name": "lane_key", "value": key, "url": shop.address}])
    visitor = Visitor(context=context, shop=shop, faults=faults)
    try:
        yield visitor.page()
    finally:
        context.close()


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """Collect what went wrong in scripts; nothing may."""
    found: list[str] = []
    yield found
    assert found == []


def ready(page: Page, shop: Shop) -> None:
    """Open the page of a lane, and wait until it may be touched."""
    page.goto(f"{shop.address}/lane/")
    lane_waits(page)


def console_open(page: Page, shop: Shop, name: str) -> None:
    """Log in as a member of staff."""
    page.goto(f"{shop.address}/login/?next=/staff/")
    page.fill("#id_username", name)
    page.fill("#id_password", PASSWORD)
    page.click("main button[type=submit]")
    expect(page.locator(".console-pill")).to_have_attribute("data-state", "on", timeout=20_000)


def panel_open(page: Page, lane: str) -> None:
    """Look at one lane."""
    page.locator(".lane-card", has_text=lane).click()
    expect(page.locator("[data-part=panel]")).to_be_visible()


def reason_give(page: Page, why: str) -> None:
    """Say why."""
    page.locator(".reason-chip", has_text=why).click()
    page.click("[data-part=reason-go]")


def help_wanted(page: Page) -> Locator:
    """Return the alert of a shopper who wants help."""
    return page.locator(".alert", has_text="Help wanted")


def truth(shop: Shop) -> dict[str, list[object]]:
    """Return what the database holds of the day."""
    found: dict[str, list[object]] = json.loads(shop.run(TRUTH))
    return found


def test_one_of_two_answers_a_call_for_help_from_another_server_and_sees_the_camera(
    lane_browser: Browser, servers: tuple[Shop, Shop], faults: list[str], shot: ShotTaker
) -> None:
    first, second = servers
    with (
        window(lane_browser, first, UPRIGHT, faults) as lane,
        window(lane_browser, second, TABLET, faults) as mina,
        window(lane_browser, second, TABLET, faults) as juno,
    ):
        console_open(mina, second, "mina")
        console_open(juno, second, "juno")
        # A new device becomes the lane by a code that the tablet shows.
        panel_open(mina, "Lane by the door")
        mina.click("[data-part=pair]")
        code = mina.locator("[data-part=pair-code]")
        expect(code).to_have_text(PAIRING_CODE)
        lane.goto(f"{first.address}/lane/")
        lane.locator("#id_code").fill(code.inner_text())
        lane.click("main button[type=submit]")
        lane_waits(lane)
        mina.click("[data-part=pair-close]")
        mina.click("[data-part=panel-close]")
        lane_touch(lane)
        add_by_hand(lane, SECOND.barcode)
        expect(mina.locator(".lane-card", has_text="Lane by the door")).to_contain_text("1 item")

        # Help is asked for on one server, and taken on the other by exactly one of two.
        lane.locator(".tools [data-action=help]").click()
        for page in (mina, juno):
            expect(help_wanted(page)).to_have_count(1)
        shot(mina, "lane-day-alert")
        help_wanted(mina).locator("[data-part=take]").click()
        expect(lane.locator("staff-call")).to_contain_text("mina is coming")
        expect(help_wanted(juno)).to_contain_text("mina has it")
        expect(help_wanted(juno).locator("[data-part=take]")).to_be_hidden()
        help_wanted(mina).locator("[data-part=done]").click()
        expect(help_wanted(mina)).to_have_count(0)
        expect(lane.locator("staff-call")).to_be_hidden()

        # The camera is seen, and whoever stands there is told.
        panel_open(mina, "Lane by the door")
        mina.click("[data-part=live-toggle]")
        expect(lane.locator(".stage-watched")).to_contain_text("mina")
        mina.wait_for_function(PLAYS)
        shot(mina, "lane-day-live")
        assert violations(mina) == []
        mina.click("[data-part=live-toggle]")
        expect(lane.locator(".stage-watched")).to_be_hidden()

    found = truth(first)
    assert found["alerts"] == [["help", "1", "mina", "mina"]]
    assert found["watched"] == [["1", "mina"]]


def test_an_item_is_settled_from_the_tablet_and_a_killed_server_loses_nothing(
    lane_browser: Browser, servers: tuple[Shop, Shop], faults: list[str]
) -> None:
    first, second = servers
    with (
        window(lane_browser, first, UPRIGHT, faults, key="key-wall") as lane,
        window(lane_browser, second, TABLET, faults) as mina,
    ):
        console_open(mina, second, "mina")
        ready(lane, first)
        lane_touch(lane)
        add_by_hand(lane, SECOND.barcode)
        panel_open(mina, "Lane by the wall")
        # An item without an outcome is settled from the tablet.
        first.run(LEAVE_UNRESOLVED)
        expect(lane.locator(".unresolved-line")).to_have_count(1)
        mina.locator(".open-item [data-part=put_back]").click()
        expect(lane.locator(".unresolved-line")).to_have_count(0)
        expect(mina.locator(".open-item")).to_have_count(0)
        mina.locator(".panel-line [data-part=more]").click()
        reason_give(mina, "Shopper asked")
        expect(lane.locator(".line [data-part=quantity]")).to_have_text("2")

        # The lane's server is killed in the middle, and comes back.
        first.stop()
        expect(lane.locator("connection-pill")).not_to_have_attribute("data-state", "on")
        assert quantities(lane) == {SECOND.name: "2"}
        first.start()
        expect(lane.locator("connection-pill")).to_have_attribute("data-state", "on", timeout=20_000)
        lane.reload()  # as after a power cut of the device: the visit goes on
        expect(lane.locator(".line [data-part=quantity]")).to_have_text("2")
        expect(lane.locator("lane-attract")).to_be_hidden()

    found = truth(first)
    assert found["settled"] == [["add", "mina"], ["dismiss", "mina"]]


def test_three_shoppers_at_one_lane_each_start_clean(
    lane_browser: Browser, servers: tuple[Shop, Shop], faults: list[str], shot: ShotTaker
) -> None:
    first, second = servers
    with (
        window(lane_browser, second, WIDE, faults, key="key-day") as lane,
        window(lane_browser, first, TABLET, faults) as mina,
    ):
        console_open(mina, first, "mina")
        # The first shopper shows an item, which begins the visit, and walks away.
        ready(lane, second)
        expect(lane.locator("lane-attract")).to_be_hidden(timeout=30_000)
        expect(lane.locator(".line")).to_have_count(1)
        expect(lane.locator("still-there dialog")).to_be_visible(timeout=60_000)
        shot(lane, "lane-day-still-there")
        lane_waits(lane)
        assert quantities(lane) == {}

        # The second asks for help and has the visit ended.
        lane_touch(lane)
        add_by_hand(lane, SECOND.barcode)
        lane.locator(".tools [data-action=help]").click()
        help_wanted(mina).locator("[data-part=take]").click()
        expect(lane.locator("staff-call")).to_contain_text("mina is coming")
        panel_open(mina, "Lane at the back")
        mina.click("[data-act=end]")
        reason_give(mina, "Shopper asked")
        lane_waits(lane)
        expect(help_wanted(mina)).to_have_count(0)  # what was asked for has passed with the visit

        # The third pays, and the receipt leaves by itself.
        lane_touch(lane)
        assert quantities(lane) == {}
        add_by_hand(lane, FIRST.barcode)
        add_by_hand(lane, SECOND.barcode)
        lane.locator("[data-part=pay]").click()
        expect(lane.locator(".lane-qr svg")).to_be_visible()
        address = lane.url
        shot(lane, "lane-day-receipt")
        lane_waits(lane)
        lane_touch(lane)
        assert quantities(lane) == {}
        add_by_hand(lane, SECOND.barcode)
        assert lane.request.get(f"{second.address}/my/").url.endswith("/lane/")
        assert lane.request.get(f"{second.address}/api/orders").json()["results"] == []
        assert address.startswith(f"{second.address}/lane/receipt/")

    found = truth(first)
    assert found["visits"] == ["expired", "expired", "completed", "active"]
    assert found["orders"] == [2]
