"""The staff console in a browser: help is heard, taken within a second, and settled from a tablet."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.conftest import Shop, Visitor, VisitorMaker
from tests.browser.rules import is_wider, violations
from tests.browser.steps import FIRST, SECOND
from tests.conftest import PASSWORD

pytestmark = pytest.mark.browser
TABLET: ViewportSize = {"width": 820, "height": 1180}
DESK: ViewportSize = {"width": 1920, "height": 1080}
PHONE: ViewportSize = {"width": 390, "height": 844}
FEEL = "window.felt = []; navigator.vibrate = (one) => felt.push(String(one));"
MADE = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import Store, User
from accounts.stores import store_default
from checkout.lanes.services import lane_create
from checkout.lanes.visits import lane_visit
store, _ = Store.objects.get_or_create(
    name="Console {tag}", defaults=dict(currency="EUR", time_zone="UTC", language="en"))
User.objects.create_user("mina-{tag}", "{password}", role="staff", store=store)
for number in (1, 2, 3):
    lane = lane_create(store=store, name=f"Lane {{number}}", code=str(number), last_seen_at=timezone.now()
        + timedelta(hours=1), activity="shopping" if number == 1 else "waiting", camera_state="live")
    if number == 1: visit = lane_visit(lane=lane); print(lane.pk, visit.pk)
"""
HELP = """
from checkout.lanes.alerts import alert_open
from checkout.models import CheckoutSession
visit = CheckoutSession.objects.get(pk="{visit}")
alert_open(lane=visit.lane, kind="help", session=visit)
"""
FILLED = """
import io
from PIL import Image
from catalog.models import Product
from checkout.cart import items, unresolved
from checkout.cart.scan_events import Cause
from checkout.models import CheckoutSession
visit = CheckoutSession.objects.get(pk="{visit}")
first, second = (Product.objects.get(name=name) for name in ("{first}", "{second}"))
items.item_set(session_id=visit.pk, product_id=first.pk, quantity=2)
file = io.BytesIO()
Image.new("RGB", (160, 120), (150, 90, 60)).save(file, "JPEG")
cause = Cause(score=0.6, margin=0.01, thumbnail=file.getvalue())
unresolved.unresolved_open(
    session_id=visit.pk, kind="unanswered", track=1, choices=[str(second.pk), str(first.pk)], cause=cause)
"""
WAITED = """
from checkout.lanes.alerts import alert_open
from checkout.models import Alert, CheckoutSession
from django.utils import timezone
from datetime import timedelta
visit = CheckoutSession.objects.get(pk="{visit}")
alert = alert_open(lane=visit.lane, kind="payment", session=visit)
Alert.objects.filter(pk=alert.pk).update(opened_at=timezone.now() - timedelta(minutes=3))
"""
STORY = """
import json
from checkout.models import ScanEvent
rows = ScanEvent.objects.filter(session="{visit}", actor__isnull=False).order_by("created_at")
print(json.dumps([[row.action, row.actor.username, row.reason["params"].get("why")] for row in rows]))
"""


def console_open(visitor: Visitor, name: str) -> Page:
    """Log in as a member of staff, and wait until the console shows the lanes."""
    page = visitor.page()
    page.add_init_script(FEEL)
    page.goto(f"{visitor.shop.address}/login/?next=/staff/")
    page.fill("#id_username", name)
    page.fill("#id_password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/staff/")
    expect(page.locator(".lane-card")).to_have_count(3)
    return page


def reason_give(page: Page, why: str) -> None:
    """Choose a reason."""
    dialog = page.locator("[data-part=reason-dialog]")
    dialog.locator(".reason-chip", has_text=why).click()
    dialog.locator("[data-part=reason-go]").click()
    expect(dialog).to_be_hidden()


def test_help_is_heard_taken_and_settled_from_the_console(
    browser: Browser, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    found: list[str] = []
    with visit(browser, size=TABLET) as visitor:
        shop: Shop = visitor.shop
        session = shop.run(MADE.format(tag="help", password=PASSWORD)).split()[-1]
        page = console_open(visitor, "mina-help")
        found += violations(page)
        page.mouse.click(5, 5)
        assert page.evaluate("felt") == []

        shop.run(HELP.format(visit=session))
        alert = page.locator(".alert")
        expect(alert).to_contain_text("Help wanted", timeout=6_000)
        expect(page.locator("[data-part=news]")).to_have_text("Help wanted at Lane 1")
        assert page.evaluate("felt") == ["80,60,80"]
        expect(page.locator("[data-status=needs_help]")).to_have_count(1)
        shot(page, "staff-help")
        alert.locator("[data-part=take]").click()
        expect(alert).to_contain_text("You have it", timeout=1_000)

        shop.run(FILLED.format(visit=session, first=FIRST.name, second=SECOND.name))
        expect(page.locator(".lane-open").first).to_have_text("1 to settle", timeout=6_000)
        page.locator(".lane-card").first.click()
        panel = page.locator("[data-part=panel]")
        expect(panel.locator(".panel-line")).to_have_count(1)
        expect(panel.locator(".open-picture img")).to_be_visible()
        found += violations(page)
        shot(page, "staff-panel")
        panel.locator(".open-choices .found-row", has_text=SECOND.name).click()
        expect(panel.locator(".open-item")).to_have_count(0)
        expect(panel.locator(".panel-line")).to_have_count(2)
        panel.locator(".panel-line", has_text=FIRST.name).locator("[data-part=fewer]").click()
        found += violations(page)
        shot(page, "staff-reason")
        reason_give(page, "Wrong item")
        line = panel.locator(".panel-line", has_text=FIRST.name)
        expect(line.locator("[data-part=quantity]")).to_have_text("1")
        page.fill("#staff-find", SECOND.name[:5])
        panel.locator("[data-part=found] .found-row", has_text=SECOND.name).click()
        expect(
            panel.locator(".panel-line", has_text=SECOND.name).locator("[data-part=quantity]")
        ).to_have_text("2")
        page.click("[data-part=pair]")
        expect(page.locator("[data-part=pair-qr] svg")).to_be_visible()
        found += violations(page)
        shot(page, "staff-pair")
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()
        expect(page.locator(".lane-card").first).to_be_focused()
        alert.locator("[data-part=done]").click()
        expect(alert).to_have_count(0)
        story: list[Any] = json.loads(shop.run(STORY.format(visit=session)))
        assert story == [
            ["add", "mina-help", None],
            ["remove", "mina-help", "Wrong item"],
            ["add", "mina-help", "Wrong item"],
        ]
    assert found == []


@pytest.mark.parametrize(
    "look",
    [(TABLET, "ko", "dark"), (DESK, "en", "light"), (PHONE, "en", "dark")],
    ids=["tablet", "desk", "phone"],
)
def test_the_console_fits_every_screen(
    browser: Browser,
    visit: VisitorMaker,
    shot: Callable[[Page, str], None],
    look: tuple[ViewportSize, str, str],
) -> None:
    size, language, scheme = look
    tag = f"fits{size['width']}"
    found: list[str] = []
    with visit(
        browser, size=size, language=language, color_scheme=scheme, reduced_motion="reduce"
    ) as visitor:
        session = visitor.shop.run(MADE.format(tag=tag, password=PASSWORD)).split()[-1]
        shop = visitor.shop
        fill = FILLED.format(visit=session, first=FIRST.name, second=SECOND.name)
        shop.run(HELP.format(visit=session) + fill + WAITED.format(visit=session))
        page = console_open(visitor, f"mina-{tag}")
        expect(page.locator(".alert")).to_have_count(2)
        expect(page.locator(".alert.escalated")).to_have_count(1)
        found += violations(page)
        assert not is_wider(page)
        shot(page, f"staff-{tag}-{language}-{scheme}")
        page.locator(".lane-card").first.click()
        expect(page.locator(".panel-line")).to_have_count(1)
        found += violations(page)
        assert not is_wider(page)
        shot(page, f"staff-{tag}-{language}-{scheme}-panel")
    assert found == []


LANE_PAGE = """
async () => {
  const { LaneLink } = await import("/static/js/lane/lane-link.js");
  const link = new LaneLink();
  window.answers = false;
  const watched = [];
  const saw = (what) => (document.title = `${watched.push(what) && watched.join()}`);
  let connection = null;
  const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
  const stream = await navigator.mediaDevices.getUserMedia({ video: true });
  link.addEventListener("watch", async ({ detail }) => {
    saw(detail.mode);
    if (detail.mode === "webrtc" && window.answers) {
      connection = new RTCPeerConnection({ iceServers: detail.ice_servers });
      stream.getTracks().forEach((track) => connection.addTrack(track, stream));
      connection.addEventListener("icecandidate", (event) => {
        if (event.candidate) link.signal(detail.peer, { candidate: event.candidate.toJSON() });
      });
      await connection.setLocalDescription(await connection.createOffer());
      link.signal(detail.peer, { description: connection.localDescription.toJSON() });
    }
    if (detail.mode === "pictures") canvas.toBlob((picture) => link.picture(picture), "image/jpeg");
  });
  link.addEventListener("unwatch", () => saw("over"));
  link.addEventListener("signal", async ({ detail: { data } }) => {
    if (data.description) await connection.setRemoteDescription(data.description);
    if (data.candidate) await connection.addIceCandidate(data.candidate);
  });
  link.open();
  await new Promise((ready) => link.addEventListener("ready", ready));
}
"""
LANE_LOGIN = """
from django.conf import settings
from django.test import Client
from checkout.models import Lane
client = Client()
client.force_login(Lane.objects.get(pk="{lane}").account)
print(client.cookies[settings.SESSION_COOKIE_NAME].value)
"""
PLAYS = "document.querySelector('[data-part=live-video]').videoWidth > 0"


def test_the_camera_is_watched_live_or_by_pictures_where_that_finds_no_way(
    browser: Browser, camera_browser: Browser, visit: VisitorMaker, shot: Callable[[Page, str], None]
) -> None:
    with visit(browser, size=TABLET) as visitor, visit(camera_browser) as device:
        shop: Shop = visitor.shop
        lane, _session = shop.run(MADE.format(tag="live", password=PASSWORD)).split()
        key = shop.run(LANE_LOGIN.format(lane=lane)).strip()
        device.context.add_cookies([{"name": "sessionid", "value": key, "url": shop.address}])
        screen = device.page()
        screen.goto(f"{shop.address}/nothing/")
        screen.evaluate(LANE_PAGE)
        page = console_open(visitor, "mina-live")
        page.locator(".lane-card").first.click()
        live = page.locator("live-picture")
        page.click("[data-part=live-toggle]")
        expect(live).to_have_attribute("data-state", "live_connecting")
        expect(live).to_have_attribute("data-state", "live_pictures", timeout=10_000)
        expect(page.locator(".panel-state")).to_contain_text("Watched by mina-live")
        page.click("[data-part=live-toggle]")
        expect(screen).to_have_title("webrtc,pictures,over")

        screen.evaluate("window.answers = true")
        page.click("[data-part=live-toggle]")
        expect(live).to_have_attribute("data-state", "live_on", timeout=10_000)
        deadline_s = time.monotonic() + 10
        while not page.evaluate(PLAYS) and time.monotonic() < deadline_s:
            page.wait_for_timeout(50)
        assert page.evaluate(PLAYS)
        shot(page, "staff-live")
        screen.reload()
        screen.evaluate(LANE_PAGE.replace("answers = false", "answers = true"))  # it is told again
        expect(screen).to_have_title("webrtc")
        expect(live).to_have_attribute("data-state", "live_on", timeout=10_000)
        page.keyboard.press("Escape")  # closing the lane ends the look
        expect(screen).to_have_title("webrtc,over")


def test_a_silent_server_is_said_within_two_seconds(browser: Browser, visit: VisitorMaker) -> None:
    with visit(browser, size=TABLET) as visitor:
        visitor.shop.run(MADE.format(tag="silent", password=PASSWORD))
        page = visitor.page()
        is_silent = {"now": False}

        def relay(socket: Any) -> None:
            server = socket.connect_to_server()
            socket.on_message(lambda text: None if is_silent["now"] else server.send(text))
            server.on_message(lambda text: None if is_silent["now"] else socket.send(text))

        page.route_web_socket("**/api/ws/staff", relay)
        page.goto(f"{visitor.shop.address}/login/?next=/staff/")
        page.fill("#id_username", "mina-silent")
        page.fill("#id_password", PASSWORD)
        page.click("main button[type=submit]")
        expect(page.locator("connection-pill")).to_have_attribute("data-state", "on", timeout=20_000)
        page.locator(".lane-card").first.click()
        is_silent["now"] = True
        expect(page.locator("[data-part=panel-lost]")).to_be_visible(timeout=2_000)
        page.keyboard.press("Escape")
        expect(page.locator("[data-part=lost]")).to_be_visible()
        is_silent["now"] = False
        expect(page.locator("[data-part=lost]")).to_be_hidden(timeout=10_000)
