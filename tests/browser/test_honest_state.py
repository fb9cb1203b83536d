"""The checkout page says how things stand: slow answers, no server, a camera that shows nothing."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.browser.conftest import BOTH, KIOSK, Shop, VisitorMaker
from tests.browser.steps import FIRST, SECOND, add_by_hand, camera_on, connected, quantities

pytestmark = pytest.mark.browser
Shot = Callable[[Page, str], None]

# A camera drawn on a canvas, with noise as cameras have it; the test freezes, darkens, mutes or unplugs it.
DRAWN_CAMERA = """
window.drawn = { how: "noisy", plugged: true, begun: 0 };
const canvas = document.createElement("canvas");
canvas.width = 640; canvas.height = 480;
const context = canvas.getContext("2d");
setInterval(() => {
  if (drawn.how === "frozen") return;
  context.fillStyle = drawn.how === "dark" ? "#050505" : "#b0a898";
  context.fillRect(0, 0, 640, 480);
  if (drawn.how !== "noisy") return;
  for (let y = 0; y < 480; y += 4) {
    const grey = 160 + Math.random() * 8;
    context.fillStyle = `rgb(${grey}, ${grey}, ${grey})`;
    context.fillRect(0, y, 640, 2);
  }
}, 50);
const media = navigator.mediaDevices;
const device = { kind: "videoinput", deviceId: "drawn", label: "Drawn" };
media.enumerateDevices = async () => drawn.plugged ? [device] : [];
media.getUserMedia = async () => {
  if (!drawn.plugged) throw new DOMException("none", "NotFoundError");
  drawn.begun += 1;
  drawn.stream = canvas.captureStream(20);
  const [track] = drawn.stream.getVideoTracks();
  Object.defineProperty(track, "muted", { get: () => drawn.how === "muted" });
  return drawn.stream;
};
drawn.mute = (how) => {
  drawn.how = how;
  drawn.stream.getVideoTracks()[0].dispatchEvent(new Event(how === "muted" ? "mute" : "unmute"));
};
drawn.unplug = () => {
  drawn.plugged = false;
  const [track] = drawn.stream.getVideoTracks();
  track.stop();
  track.dispatchEvent(new Event("ended"));
};
drawn.plug = () => { drawn.plugged = true; media.dispatchEvent(new Event("devicechange")); };
"""

# What the page's judge says of pictures, one every half second: how many, their noise, their brightness.
JUDGED = """async (scenes) => {
  const { PictureJudge } = await import("/static/js/camera/camera-watch.js");
  const judge = new PictureJudge();
  const said = [];
  for (const [looks, noise, light] of scenes) {
    let last = null;
    for (let look = 0; look < looks; look += 1) {
      const pixels = new Uint8ClampedArray(32 * 24 * 4).map(() => light + noise * Math.random());
      const trouble = judge.judge(pixels);
      if (trouble !== last) said.push([trouble, look + 1]);
      last = trouble;
    }
    said.push(last);
  }
  return said;
}"""


@contextmanager
def silent(shop: Shop) -> Iterator[None]:
    """Stop the server where it stands: its connections stay open, and nobody answers."""
    assert shop.process is not None
    shop.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        shop.process.send_signal(signal.SIGCONT)


@BOTH
def test_a_server_that_hangs_is_said_to_be_lost_within_two_seconds_and_nothing_happens_later(
    browser: Browser, visit: VisitorMaker, shot: Shot, window: tuple[Any, str, str]
) -> None:
    size, language, scheme = window
    with visit(browser, size=size, language=language, color_scheme=scheme) as visitor:
        page = visitor.page()
        visitor.sign_up(page, f"hang-{language}", "/checkout/")
        connected(page)
        add_by_hand(page, FIRST.barcode)
        expect(page.locator("cart-panel .line")).to_have_count(1)
        with silent(visitor.shop):
            stopped_s = time.monotonic()
            page.locator("connection-pill[data-state=off]").wait_for()
            said_after_s = time.monotonic() - stopped_s
            expect(page.locator("[data-part=lost-note]")).to_be_visible()
            for part in ("more", "remove", "pay"):
                page.click(f"cart-panel [data-part={part}]")
                page.wait_for_timeout(100)
            expect(page.locator("[data-part=problem]")).not_to_be_empty()
            assert quantities(page) == {FIRST.name: "1"}
            shot(page, f"honest-lost-{language}")
            if language == "en":
                page.wait_for_timeout(5000)  # longer than a silent connection is kept
        connected(page)
        expect(page.locator("[data-part=lost-note]")).to_be_hidden()
        expect(page.locator("[data-part=problem]")).to_be_hidden()
        page.wait_for_timeout(700)
        assert quantities(page) == {FIRST.name: "1"}
        assert "/checkout/" in page.url
    assert said_after_s < 2.0 + 0.3  # and the time the browser takes to tell the test


def test_a_pause_shorter_than_a_connections_life_is_said_and_survived(
    browser: Browser, visit: VisitorMaker
) -> None:
    sockets: list[str] = []
    with visit(browser) as visitor:
        page = visitor.page()
        page.on("websocket", lambda socket: sockets.append(socket.url))
        visitor.sign_up(page, "pause", "/checkout/")
        connected(page)
        with silent(visitor.shop):
            page.locator("connection-pill[data-state=off]").wait_for()
        connected(page)
        add_by_hand(page, FIRST.barcode)
        expect(page.locator("cart-panel .line")).to_have_count(1)
    assert len(sockets) == 1


def test_slow_answers_are_said_and_no_longer_said_once_they_are_quick(
    camera_browser: Browser, visit: VisitorMaker, shot: Shot
) -> None:
    late = {"ms": 0.0, "refused": False}
    with visit(camera_browser, size=KIOSK) as visitor:
        page = visitor.page()

        def listen(route: WebSocketRoute) -> None:
            server = route.connect_to_server()
            frames = 0

            def sent(message: str | bytes) -> None:
                nonlocal frames
                if not isinstance(message, bytes):
                    server.send(message)
                    return
                frames += 1
                answer: dict[str, Any] = {"type": "frame.result", "frame": frames, "dropped": 0}
                answer |= {"detections": [], "timing_ms": {}}
                if late["refused"]:
                    answer = {"type": "error", "code": "late_frame", "detail": "Late.", "frame": frames}
                page.wait_for_timeout(late["ms"])
                route.send(json.dumps(answer))

            route.on_message(sent)

        page.route_web_socket("**/api/ws/**", listen)
        visitor.sign_up(page, "slow", "/checkout/")
        connected(page)
        camera_on(page)
        pill = page.locator("connection-pill")
        page.wait_for_timeout(1500)
        expect(pill).to_have_text("Connected")
        late["refused"] = True
        expect(pill).to_have_text("The till is slow, hold the item still", timeout=6000)
        shot(page, "honest-slow")
        late["refused"] = False
        expect(pill).to_have_text("Connected", timeout=8000)


# The last answers in ms, and whether they make the till slow; from one to the next the clock goes on by 3 s.
SPEEDS = """async (answers) => {
  const { AnswerSpeed } = await import("/static/js/connection/answer-speed.js");
  let now = 0;
  performance.now = () => now;
  const speed = new AnswerSpeed();
  return answers.map((ms) => { now += 3000; speed.answered(ms ?? Infinity); return speed.isSlow; });
}"""


@pytest.mark.parametrize(
    ("answers", "slow"),
    [
        ([701] * 5, [False] * 4 + [True]),
        ([700] * 8, [False] * 8),
        ([90, 90, 3000, 3000, 90, 90], [False] * 6),
        ([None] * 5, [False] * 4 + [True]),
        ([800] * 5 + [460] * 5, [False] * 4 + [True] * 6),
        ([800] * 5 + [440] * 3, [False] * 4 + [True] * 3 + [False]),
    ],
)
def test_slow_begins_at_a_median_of_700_ms_and_ends_only_well_below(
    browser: Browser, visit: VisitorMaker, answers: list[int | None], slow: list[bool]
) -> None:
    with visit(browser) as visitor:
        page = visitor.page()
        page.goto(visitor.shop.address)
        assert page.evaluate(SPEEDS, answers) == slow


def test_a_camera_that_shows_nothing_is_named_and_goes_on_by_itself(
    browser: Browser, visit: VisitorMaker, shot: Shot
) -> None:
    with visit(browser, permissions=["camera"]) as visitor:
        page = visitor.page()
        page.add_init_script(DRAWN_CAMERA)
        visitor.sign_up(page, "drawn", "/checkout/")
        connected(page)
        camera_on(page)
        page.wait_for_timeout(1500)
        for trouble in ("frozen", "dark"):
            message = page.locator(f"[data-trouble={trouble}]")
            expect(message).to_be_hidden()
            page.evaluate(f"drawn.how = '{trouble}'")
            expect(message).to_be_visible(timeout=5000)
            shot(page, f"honest-camera-{trouble}")
            page.evaluate("drawn.how = 'noisy'")
            expect(message).to_be_hidden(timeout=3000)
        page.evaluate("drawn.mute('muted')")
        expect(page.locator("[data-trouble=muted]")).to_be_visible(timeout=1000)
        shot(page, "honest-camera-muted")
        page.evaluate("drawn.mute('noisy')")
        expect(page.locator("[data-trouble=muted]")).to_be_hidden(timeout=3000)
        page.evaluate("drawn.unplug()")
        expect(page.locator("[data-when=unplugged]")).to_be_visible(timeout=1000)
        shot(page, "honest-camera-unplugged")
        add_by_hand(page, FIRST.barcode)
        page.evaluate("drawn.plug()")
        page.locator("scan-camera[data-state=live]").wait_for()
        expect(page.locator("[data-when=unplugged]")).to_be_hidden()
        assert page.evaluate("drawn.begun") == 2


@pytest.mark.parametrize(
    ("scenes", "said"),
    [
        # a camera's noise, and then the same picture again and again: frozen after six looks, until it moves
        ([[70, 6, 120], [10, 0, 120], [3, 6, 120]], [None, ["frozen", 7], "frozen", None]),
        # a recorded scene that stands still again and again, as films and clips do
        ([[30, 6, 120], [120, 0, 120], [30, 6, 120], [120, 0, 120]], [None, None, None, None]),
        # a lens that is covered, and one before something black that is not
        ([[9, 6, 120], [6, 8, 4], [2, 6, 120]], [None, ["dark", 4], "dark", None]),
        ([[9, 6, 40]], [None]),
    ],
    ids=["frozen", "repeated", "covered", "dim"],
)
def test_still_scenes_are_not_called_frozen_nor_dim_ones_black(
    browser: Browser, visit: VisitorMaker, scenes: list[list[int]], said: list[Any]
) -> None:
    with visit(browser) as visitor:
        page = visitor.page()
        page.goto(visitor.shop.address)
        assert page.evaluate(JUDGED, scenes) == said


def test_a_counter_on_which_nothing_happens_is_watched_in_peace(
    camera_browser: Browser, visit: VisitorMaker
) -> None:
    with visit(camera_browser) as visitor:
        page = visitor.page()
        visitor.sign_up(page, "peace", "/checkout/")
        connected(page)
        camera_on(page)
        page.wait_for_timeout(8000)  # the pack has gone, and the film shows one and the same picture
        expect(page.locator("scan-camera")).not_to_have_attribute("trouble", "")


def test_the_clip_gets_a_cart_of_its_own_and_the_camera_leads_back(
    browser: Browser, visit: VisitorMaker, shot: Shot
) -> None:
    with visit(browser, size=KIOSK) as visitor:
        page = visitor.page()
        visitor.sign_up(page, "clip", "/checkout/")
        connected(page)
        add_by_hand(page, SECOND.barcode)
        expect(page.locator("cart-panel .line")).to_have_count(1)
        own = page.url
        page.click("[data-when=idle] [data-action=clip]")
        page.wait_for_url(lambda address: address.split("?")[0] != own)
        connected(page)
        expect(page.locator(".line [data-part=name]").first).to_have_text(FIRST.name, timeout=25_000)
        shot(page, "honest-clip")
        page.click(".clip-note a")
        page.wait_for_url(own)
        connected(page)
        assert quantities(page) == {SECOND.name: "1"}
        page.goto(f"{visitor.shop.address}/checkout/")
        assert page.url == own


def test_settings_of_a_visit_end_with_it_and_those_of_the_device_stay(
    browser: Browser, visit: VisitorMaker
) -> None:
    with visit(browser) as visitor:
        page = visitor.page()
        visitor.sign_up(page, "settings", "/checkout/")
        connected(page)
        page.click("[data-action=sound]")
        page.click("[data-action=settings]")
        page.get_by_label("Mirror image").check()
        page.get_by_label("Tray").check()
        page.get_by_label("Width").fill("50")
        page.keyboard.press("Escape")
        page.wait_for_timeout(400)
        page.reload()
        connected(page)
        seen = []
        for _ in range(2):
            page.click("[data-action=settings]")
            width = page.get_by_label("Width").input_value()
            mode = page.locator("input[name=mode]:checked").input_value()
            mirror = page.evaluate("JSON.parse(localStorage.getItem('ebrcs.preferences')).mirror")
            sound = page.locator("[data-action=sound]").get_attribute("aria-pressed")
            seen.append((width, mode, sound, mirror))
            page.keyboard.press("Escape")
            if len(seen) == 1:
                add_by_hand(page, FIRST.barcode)
                page.click("[data-part=pay]")
                page.wait_for_url("**/orders/*/")
                page.goto(f"{visitor.shop.address}/checkout/")
                connected(page)

    assert seen == [("50", "tray", "false", True), ("100", "scan", "true", True)]
