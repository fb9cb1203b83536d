"""A barcode scanner, a keyboard to the browser, works wherever the focus is, and presses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.browser.conftest import VisitorMaker
from tests.browser.intercepted_socket import InterceptedSocket
from tests.browser.steps import FIRST, SECOND, add_by_hand, connected, quantities
from tests.browser.wedge import CTRL, SHIFT, Key, Wedge, key_of

pytestmark = pytest.mark.browser
CODE = FIRST.barcode
FOCUSABLE = "a[href], button:enabled, input:enabled, select:enabled, [tabindex='0']"
# What the shopper has set and typed, and which dialogs are open.
STATE = """() => JSON.stringify([
  location.href,
  [...document.querySelectorAll("dialog")].map((one) => one.open),
  [...document.querySelectorAll("input, select")].map((one) => [one.value, one.checked, one.selectedIndex]),
  document.querySelector("scan-zone").hasAttribute("editing"),
  document.querySelector("[data-action=sound]").ariaPressed,
])"""
NEWS = "scan-news [data-part=word]"


@dataclass
class Bench:
    """A scanner before a checkout page, and what the page sends."""

    page: Page
    wedge: Wedge
    socket: InterceptedSocket

    def scans(self) -> list[str]:
        """Return the codes that the page has sent."""
        return [command["code"] for command in self.socket.answers("barcode")]

    def pieces(self, name: str = FIRST.name) -> int:
        """Return how many of a product are in the cart."""
        return int(quantities(self.page).get(name, "0"))

    def open_find(self) -> None:
        """Open the dialog for adding by hand."""
        self.page.click(".tools [data-action=find]")


@pytest.fixture
def bench(browser: Browser, visit: VisitorMaker, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Put a scanner before a checkout page with an empty cart."""
    socket = InterceptedSocket()
    with visit(browser) as visitor:
        page = socket.open(visitor, f"scan-{abs(hash(request.node.name)) % 10**9}", has_camera=False)
        yield Bench(page, Wedge(page), socket)


def scan_everywhere(bench: Bench, within: str) -> list[str]:
    """Scan with the focus on each element; return what was tried."""
    page = bench.page
    count = page.evaluate(
        """([within, all]) => {
          window.tried = [...document.querySelector(within).querySelectorAll(all)];
          return window.tried.length;
        }""",
        [within, FOCUSABLE],
    )
    tried = []
    for number in range(count):
        name = page.evaluate(
            """(number) => {
              const one = window.tried[number];
              one.focus();
              return document.activeElement === one && one.checkVisibility()
                ? `${one.localName} ${one.dataset.part ?? one.dataset.action ?? one.name ?? one.id}` : null;
            }""",
            number,
        )
        if name is None:
            continue
        before, sent, pieces = page.evaluate(STATE), len(bench.socket.commands), bench.pieces()
        bench.wedge.scan(CODE)
        expect(page.locator(".line [data-part=quantity]")).to_have_text(str(pieces + 1))
        assert page.evaluate(STATE) == before, name
        added = [(command["type"], command.get("code")) for command in bench.socket.commands[sent:]]
        assert added == [("barcode", CODE)], name
        assert page.evaluate("(number) => document.activeElement === window.tried[number]", number), name
        tried.append(name)
    return tried


def test_a_scan_adds_its_product_once_and_does_nothing_else_wherever_the_focus_is(bench: Bench) -> None:
    page = bench.page
    page.evaluate("document.activeElement.blur()")
    bench.wedge.scan(CODE)  # nothing has the focus, and the cart is empty
    expect(page.locator(".line [data-part=quantity]")).to_have_text("1")
    tried = scan_everywhere(bench, "body")
    assert {"button pay", "button more", "button remove", "button wrong", "button find"} <= set(tried)
    assert any(name.startswith("a ") for name in tried)

    page.click("[data-action=settings]")
    page.locator("checkout-settings dialog").wait_for()
    page.evaluate("document.querySelector('#camera-select').add(new Option('2 by the window', 'x'))")
    tried = scan_everywhere(bench, "checkout-settings dialog")
    assert {"button close", "select camera", "input mirror", "input mode", "button zone-whole"} <= set(tried)
    page.keyboard.press("Escape")

    bench.open_find()
    page.fill("#find-input", FIRST.name[:3])
    page.locator(".found-row").first.wait_for()
    page.evaluate("document.querySelector('#find-input').disabled = true")  # a scan into it is another test's
    tried = scan_everywhere(bench, "find-product dialog")
    assert tried[0] == "button close"
    assert len(tried) >= 3
    page.evaluate("document.querySelector('#find-input').disabled = false")
    page.keyboard.press("Escape")

    page.click(".line [data-part=wrong]")
    page.locator("[data-part=likely] .chip").first.wait_for()
    page.evaluate("document.querySelector('#find-input').disabled = true")
    tried = scan_everywhere(bench, "find-product dialog")
    assert {"button close", "button take-off"} <= set(tried)
    page.evaluate("document.querySelector('#find-input').disabled = false")
    page.keyboard.press("Escape")

    bench.socket.see("ambiguous")
    page.locator("question-dialog .choice").first.wait_for()
    tried = scan_everywhere(bench, "question-dialog dialog")
    assert len(tried) == 4


def test_how_fast_keys_follow_and_how_many_tells_a_scanner_from_a_person(bench: Bench) -> None:
    page = bench.page
    add_by_hand(page, SECOND.barcode)
    page.locator(".line [data-part=more]").focus()
    steps, scans = 1, 0
    for gap_ms, is_scan in ((1, True), (30, True), (49.5, True), (51, False), (70, False)):
        bench.wedge.scan(CODE, gap_ms=gap_ms)
        scans, steps = scans + is_scan, steps + (not is_scan)  # the Enter of a person presses the button
        said = {SECOND.name: str(steps), FIRST.name: str(scans)}
        for name, quantity in said.items():
            line = page.locator(".line", has_text=name).locator("[data-part=quantity]")
            expect(line, f"{gap_ms} ms").to_have_text(quantity)
    bench.wedge.scan("401")
    expect(page.locator(".line [data-part=quantity]").first).to_have_text(str(steps + 1))
    bench.wedge.scan("4011")
    expect(page.locator(NEWS)).to_have_text("Not added: 4011 is not a product barcode. Please scan again.")
    assert bench.scans() == [SECOND.barcode, CODE, CODE, CODE, "4011"]


def test_a_person_types_as_ever(bench: Bench) -> None:
    page = bench.page
    bench.open_find()
    field = page.locator("#find-input")
    bench.wedge.scan("2", end="")
    assert field.input_value() == "2"
    bench.wedge.type([key_of(digit) for digit in CODE[1:]], gap_ms=80)
    assert field.input_value() == CODE
    assert bench.scans() == []
    bench.wedge.type([key_of("Enter")], gap_ms=80)
    expect(page.locator(".line [data-part=name]")).to_have_text(FIRST.name)

    page.click("[data-action=settings]")
    page.locator("checkout-settings dialog").wait_for()
    page.evaluate(
        """() => {
          const select = document.querySelector("#camera-select");
          select.add(new Option("2 by the window", "x"));
          window.changes = [];
          select.addEventListener("change", () => window.changes.push(select.value));
        }"""
    )
    page.focus("#camera-select")
    bench.wedge.scan("2", end="")
    page.wait_for_timeout(200)
    assert page.evaluate("changes") == ["x"]
    page.focus("[data-part=mirror]")
    bench.wedge.scan(" ", end="")
    expect(page.locator("[data-part=mirror]")).to_be_checked()


def test_a_scan_into_the_search_field_means_that_barcode(bench: Bench) -> None:
    page = bench.page
    bench.open_find()
    page.fill("#find-input", "tea")
    bench.wedge.scan("4006381333931")
    expect(page.locator(NEWS)).to_have_text("Not added: no product has the barcode 4006381333931.")
    expect(page.locator(NEWS)).to_be_visible()
    assert page.input_value("#find-input") == "tea"
    bench.wedge.scan(CODE)
    expect(page.locator("find-product dialog")).to_be_hidden()
    expect(page.locator(".line [data-part=name]")).to_have_text(FIRST.name)

    page.click(".line [data-part=wrong]")
    page.focus("#find-input")
    bench.wedge.scan(SECOND.barcode)
    expect(page.locator(".found-row [data-part=name]")).to_have_text(SECOND.name)
    assert (bench.scans(), quantities(page)) == (["4006381333931", CODE], {FIRST.name: "1"})


FRENCH = dict(zip("1234567890", "&é\"'(-è_çà", strict=True))
WANT = f"]E0{CODE}"
LAYOUTS: dict[str, tuple[list[Key], str]] = {
    "plain": ([key_of(one) for one in CODE], CODE),
    "symbology": ([key_of(one) for one in WANT], WANT),
    "French computer, US scanner": ([Key(FRENCH[one], f"Digit{one}", 0) for one in CODE], CODE),
    "French computer and scanner": ([Key(one, f"Digit{one}", 0, SHIFT) for one in CODE], CODE),
    "French computer and scanner, brackets": (
        [Key("(", "Digit5", 0), *(Key(one, f"Digit{one}", 0, SHIFT) for one in "01"), Key(")", "Minus", 0)]
        + [Key(one, f"Digit{one}", 0, SHIFT) for one in f"0{CODE}"],
        f"(01)0{CODE}",
    ),
    "German computer, US scanner": (
        [Key("+", "BracketRight", 0), key_of("E"), *(key_of(one) for one in f"0{CODE}")],
        WANT,
    ),
    "Korean input method": ([Key("Process", f"Digit{one}", 229) for one in CODE], CODE),
    "Korean letters": (
        [key_of("]"), Key("ㄸ", "KeyE", 0, SHIFT), *(key_of(one) for one in f"0{CODE}")],
        WANT,
    ),
    "full width": ([Key(chr(0xFF10 + int(one)), f"Digit{one}", 0) for one in CODE], CODE),
    "number pad without lock": (
        [Key("End" if one == "2" else "Insert", f"Numpad{one}", 0) for one in CODE],
        CODE,
    ),
    "element string": ([key_of(one) for one in f"10A\x1d010{CODE}"], f"10A\x1d010{CODE}"),
    "link": ([key_of(one) for one in f"https://id.gs1.org/01/0{CODE}"], f"https://id.gs1.org/01/0{CODE}"),
}


def test_every_layout_and_kind_of_code_is_read(bench: Bench) -> None:
    page = bench.page
    for number, (name, (keys, text)) in enumerate(LAYOUTS.items(), 1):
        bench.wedge.type([*keys, key_of("Enter")], gap_ms=10)
        expect(page.locator(".line [data-part=quantity]"), name).to_have_text(str(number))
        assert bench.scans()[-1] == text, name


def test_whatever_keys_a_scanner_sends_stay_its_own(bench: Bench) -> None:
    page = bench.page
    bench.open_find()
    page.focus("find-product [data-part=close]")
    line_feed = Key("j", "KeyJ", 74, CTRL)
    keys = [key_of(one) for one in CODE]
    stray = [key_of("Escape"), key_of("ArrowDown"), key_of("F5")]
    for number, sent in enumerate(
        (
            [*keys, key_of("Tab")],
            [*keys, key_of("Enter"), line_feed],
            [*keys, key_of("Enter"), key_of("Enter"), key_of("Tab")],
            [*keys, line_feed],
            [*keys[:6], *stray, *keys[6:], key_of("Enter")],
            [key_of(" "), *keys, key_of(" "), key_of("Enter")],
        ),
        1,
    ):
        bench.wedge.type(sent, gap_ms=10)
        expect(page.locator(".line [data-part=quantity]")).to_have_text(str(number))
        expect(page.locator("find-product [data-part=close]")).to_be_focused()
    assert bench.scans() == [CODE] * 6

    bench.wedge.type([*keys, key_of("Enter")] * 3, gap_ms=5)  # three scans without a pause
    expect(page.locator(".line [data-part=quantity]")).to_have_text("9")


def test_what_cannot_be_added_is_said_with_its_code_and_the_next_scan_goes_on(
    bench: Bench, shot: Callable[[Page, str], None]
) -> None:
    page = bench.page
    page.evaluate(
        "() => { window.buzzes = []; navigator.vibrate = (pattern) => buzzes.push(pattern.join()); }"
    )
    bench.socket.see("ambiguous")
    page.locator("question-dialog .choice").first.wait_for()
    bench.wedge.scan("4006381333932")
    expect(page.locator(NEWS)).to_have_text(
        "Not added: 4006381333932 is not a product barcode. Please scan again."
    )
    bench.wedge.scan("4006381333931")
    expect(page.locator(NEWS)).to_have_text("Not added: no product has the barcode 4006381333931.")
    covering = """() => {
      const box = document.querySelector("scan-news").getBoundingClientRect();
      const shown = document.querySelector("scan-news").matches("dialog[open] :popover-open");
      return shown && box.top > 0 && box.bottom <= innerHeight && box.width > 100;
    }"""
    assert page.evaluate(covering)
    shot(page, "scan-unknown")
    bench.wedge.scan(CODE)
    expect(page.locator(NEWS)).to_have_text(f"Added: {FIRST.name}")
    expect(page.locator("question-dialog dialog")).to_be_visible()
    assert page.evaluate("buzzes.slice(1)") == ["90,60,90", "90,60,90", "40"]


@dataclass
class BrokenSocket(InterceptedSocket):
    """A connection that can be broken, and that can lose what the server answers."""

    is_away: bool = False
    loses_answers: bool = False

    def listen(self, route: WebSocketRoute) -> None:
        """Take a connection, unless it is broken."""
        if self.is_away:
            route.close()
            return
        server = route.connect_to_server()
        self.route = route

        def passed_on(message: str | bytes) -> None:
            command: dict[str, Any] = json.loads(message)
            self.commands.append(command)
            if command["type"] not in self.kept:
                server.send(message)

        route.on_message(passed_on)
        server.on_message(lambda message: None if self.loses_answers else route.send(message))

    def break_off(self) -> None:
        """Break the connection until it is mended."""
        assert self.route is not None
        self.is_away = True
        self.route.close()


def test_scans_outlast_a_broken_connection_in_order_and_once_each(
    browser: Browser, visit: VisitorMaker
) -> None:
    socket = BrokenSocket()
    with visit(browser) as visitor:
        page = socket.open(visitor, "outlast", has_camera=False)
        wedge = Wedge(page)
        socket.loses_answers = True
        wedge.scan(CODE)  # added, but the answer is lost
        page.wait_for_timeout(700)
        socket.break_off()
        expect(page.locator("connection-pill")).to_have_attribute("data-state", "off")
        wedge.scan(SECOND.barcode)
        expect(page.locator(NEWS)).to_contain_text(f"Scanned: {SECOND.barcode}.")
        wedge.scan(CODE)
        sent = len(socket.answers("barcode"))
        assert sent == 1

        socket.is_away, socket.loses_answers = False, False
        page.evaluate("dispatchEvent(new Event('online'))")

        connected(page)
        expect(page.locator(".line")).to_have_count(2)
        expect(page.locator(".line [data-part=quantity]").first).to_have_text("2")
        assert quantities(page) == {FIRST.name: "2", SECOND.name: "1"}
        again = [command["code"] for command in socket.answers("barcode")[sent:]]
        assert again == [CODE, SECOND.barcode, CODE]
        expect(page.locator(NEWS)).to_be_hidden()


def test_a_scan_that_the_server_cannot_take_just_now_is_sent_again_under_its_id(bench: Bench) -> None:
    bench.socket.kept = ("barcode",)
    bench.wedge.scan(CODE)
    bench.page.wait_for_timeout(100)
    (sent,) = bench.socket.answers("barcode")
    bench.socket.kept = ()
    data = {"event_id": sent["event_id"]}
    bench.socket.say({"type": "error", "code": "database_unavailable", "detail": "", "data": data})
    expect(bench.page.locator(".line [data-part=quantity]")).to_have_text("1")
    assert bench.socket.answers("barcode") == [sent, sent]
    expect(bench.page.locator(NEWS)).to_be_hidden()


def test_after_ten_seconds_a_scan_is_given_up_and_that_is_said(browser: Browser, visit: VisitorMaker) -> None:
    socket = BrokenSocket(kept=("barcode",))
    with visit(browser) as visitor:
        page = socket.open(visitor, "late", has_camera=False)
        wedge = Wedge(page)
        wedge.scan(SECOND.barcode)  # sent, and never answered
        socket.break_off()
        expect(page.locator("connection-pill")).to_have_attribute("data-state", "off")
        page.wait_for_timeout(1000)
        wedge.scan(CODE)
        page.evaluate("window.scannedAt = performance.now()")
        expect(page.locator(NEWS)).to_contain_text("Scanned:")
        expect(page.locator(NEWS)).to_have_text(
            f"No answer about {SECOND.barcode}. Please check your cart, and scan it again if it is missing.",
            timeout=11_000,
        )
        expect(page.locator(NEWS)).to_contain_text(
            f"Not added: {CODE}. The connection was lost", timeout=11_000
        )
        waited_ms = page.evaluate("performance.now() - scannedAt")
        assert 9_700 < waited_ms < 11_500

        socket.is_away = False
        page.evaluate("dispatchEvent(new Event('online'))")
        connected(page)
        page.wait_for_timeout(500)
        assert len(socket.answers("barcode")) == 1
