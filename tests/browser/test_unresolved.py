"""Items that the camera could not tell stay in the cart until they are settled; paying asks about them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import BOTH, VisitorMaker
from tests.browser.intercepted_socket import InterceptedSocket
from tests.browser.rules import is_wider, violations
from tests.browser.steps import FIRST, connected
from tests.browser.unresolved_carts import PACKS, UNRESOLVED, cart, choices, unresolved, updated

pytestmark = pytest.mark.browser
NO_SCAN_MS = 100
"""Nobody follows a letter by another key as fast as a scanner does."""
KEPT = ("choose", "barcode", "unresolved.resolve", "unresolved.dismiss")
SMALL_TARGETS = """() => [...document.querySelectorAll("cart-panel button, dialog[open] button")]
  .map((one) => [one.ariaLabel ?? one.innerText, one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && Math.min(box.width, box.height) < 48)
  .map(([name]) => name)"""


# Opens two items of a session as a camera would; the first resembles a product.
OPENED = """
from catalog.models import Product
from checkout.cart.scan_events import Cause
from checkout.cart.unresolved import unresolved_open
from tests.pictures import encoded
from checkout.demo.drawing import product_photo
from tests.browser.stock import SHOWINGS
product = Product.objects.get(barcode=SHOWINGS[0].pack.barcode)
photo = encoded(product_photo(SHOWINGS[0].pack, 0))
for choices in ([str(product.pk)], []):
    cause = Cause(thumbnail=photo)
    unresolved_open(session_id="{session_id}", kind="unknown", track=None, choices=choices, cause=cause)
"""

# Paints an item blue into a wide picture, of which the middle is sent, and reads the picture cut out of it.
CUT_OUT = """async () => {
  const { itemPicture } = await import("/static/js/camera/item-picture.js");
  const element = document.createElement("canvas");
  [element.width, element.height] = [1280, 720];
  const context = element.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, 1280, 720);
  context.fillStyle = "blue";
  context.fillRect(160 + 0.5 * 960, 0.25 * 720, 0.2 * 960, 0.4 * 720);
  const cut = (ready) => itemPicture({ element, width: 1280, height: 720, ready }, [0.5, 0.25, 0.2, 0.4]);
  const image = new Image();
  image.src = cut(true);
  await image.decode();
  context.drawImage(image, 0, 0);
  const blue = (x, y) => context.getImageData(x * image.width, y * image.height, 1, 1).data[0] < 60;
  return [cut(false), blue(0.5, 0.5), blue(0.2, 0.2), blue(0.8, 0.8), blue(0.04, 0.5), blue(0.5, 0.96)];
}"""


@BOTH
def test_an_item_that_was_not_told_is_a_line_of_the_cart_until_it_is_settled(
    camera_browser: Browser,
    visit: VisitorMaker,
    shot: Callable[[Page, str], None],
    window: tuple[dict[str, int], str, str],
) -> None:
    size, language, scheme = window
    socket = InterceptedSocket(kept=KEPT)
    options = {"color_scheme": scheme, "reduced_motion": "reduce"}
    with visit(camera_browser, size=size, language=language, **options) as visitor:
        page = socket.open(visitor, f"unresolved-{language}")
        line = page.locator("cart-panel .unresolved-line")
        socket.say(updated("add", cart(1)))
        undo = page.locator("cart-panel [data-part=undo]")
        expect(undo).to_be_visible()

        socket.say(updated("unresolved", cart(1, [unresolved(0)]), unresolved_id=UNRESOLVED[0]))

        expect(line).to_have_count(1)
        expect(line.locator(".unresolved-picture img")).to_be_visible()
        expect(line.locator(".chip")).to_have_count(3)
        expect(page.locator("[data-part=spoken]")).not_to_be_empty()
        expect(page.locator(".toast-word")).to_be_visible()
        expect(undo).to_be_visible()  # what was added before can still be taken back
        found = violations(page)
        shot(page, f"unresolved-{language}-{scheme}-line")
        page.evaluate("document.querySelector('add-toast').hide()")
        expect(line).to_have_count(1)

        both = [unresolved(0), unresolved(1, "undecided")]
        socket.say(updated("unresolved", cart(1, both), unresolved_id=UNRESOLVED[1]))
        expect(line).to_have_count(2)
        expect(line.nth(1).locator(".chip")).to_have_count(0)
        found += violations(page)
        assert page.evaluate(SMALL_TARGETS) == []
        assert not is_wider(page)
        shot(page, f"unresolved-{language}-{scheme}-lines")

        line.first.locator(".chip").first.click()
        line.first.locator("[data-part=put_back]").click()
        line.nth(1).locator("[data-part=not_mine]").click()
        refusal = {"type": "error", "code": "staff_needed", "detail": "Staff is needed."}
        socket.say(refusal)
        expect(line.nth(1).locator("[data-part=unresolved-note]")).to_be_visible()
        line.first.locator("[data-part=name-item]").click()
        expect(page.locator("find-product .chip")).to_have_count(3)
        shot(page, f"unresolved-{language}-{scheme}-find")
        found += violations(page)
        page.fill("#find-input", PACKS[0].barcode)
        page.keyboard.press("Enter")
        expect(page.locator("find-product dialog")).to_be_visible()
        socket.say(updated("add", cart(2, both[1:]), about=UNRESOLVED[0], source="barcode"))
        expect(page.locator("find-product dialog")).to_be_hidden()
        expect(line).to_have_count(1)

    first, second = UNRESOLVED
    assert found == []
    assert socket.commands == [
        {"type": "unresolved.resolve", "id": first, "product_id": choices()[0]["product_id"]},
        {"type": "unresolved.dismiss", "id": first, "reason": "put_back"},
        {"type": "unresolved.dismiss", "id": second, "reason": "not_mine"},
        {"type": "unresolved.resolve", "id": first, "code": PACKS[0].barcode},
    ]


def test_the_server_takes_what_the_page_sends(browser: Browser, visit: VisitorMaker) -> None:
    with visit(browser) as visitor:
        page = visitor.page()
        visitor.sign_up(page, "served", "/checkout/")
        connected(page)
        session_id = page.url.rstrip("/").rsplit("/", 1)[-1]
        visitor.shop.run(OPENED.format(session_id=session_id))
        page.reload()
        line = page.locator("cart-panel .unresolved-line")
        expect(line).to_have_count(2)
        expect(line.first.locator(".unresolved-picture img")).to_be_visible()
        page.click("cart-panel [data-part=pay]")
        sheet = page.locator("settle-dialog dialog")
        sheet.locator(".chip", has_text=FIRST.name).click()
        expect(sheet.locator(".unresolved-line")).to_have_count(1)
        sheet.locator("[data-part=put_back]").click()
        expect(sheet.locator(".unresolved-line")).to_have_count(0)
        sheet.locator("[data-part=settle-pay]").click()
        page.wait_for_url("**/orders/*/")
        expect(page.locator("main")).to_contain_text(FIRST.name)


@BOTH
def test_nothing_is_paid_before_every_item_is_settled(
    browser: Browser,
    visit: VisitorMaker,
    shot: Callable[[Page, str], None],
    window: tuple[dict[str, int], str, str],
) -> None:
    size, language, scheme = window
    socket = InterceptedSocket(kept=KEPT)
    bodies: list[str | None] = []
    late = unresolved(1, "undecided")

    def answer(route: Route) -> None:
        bodies.append(route.request.post_data)
        if len(bodies) == 1:
            refusal = {"code": "unresolved_items", "detail": "Open.", "items": [late]}
            route.fulfill(status=409, json=refusal)
        else:
            route.fulfill(status=403, json={"code": "staff_needed", "detail": "Staff is needed."})

    options = {"color_scheme": scheme, "reduced_motion": "reduce"}
    with visit(browser, size=size, language=language, **options) as visitor:
        page = socket.open(visitor, f"settle-{language}", has_camera=False)
        page.route("**/billing/confirm", answer)
        socket.say(updated("unresolved", cart(2, [unresolved(0)]), unresolved_id=UNRESOLVED[0]))
        expect(page.locator("cart-panel .unresolved-line")).to_have_count(1)
        page.click("cart-panel [data-part=pay]")

        sheet = page.locator("settle-dialog dialog")
        pay = sheet.locator("[data-part=settle-pay]")
        expect(sheet).to_be_visible()
        expect(sheet.locator("h2")).to_be_focused()
        expect(pay).to_be_disabled()
        found = violations(page)
        assert page.evaluate(SMALL_TARGETS) == []
        shot(page, f"settle-{language}-{scheme}-open")
        sheet.locator("[data-part=put_back]").click()
        socket.say(updated("dismiss", cart(2), unresolved_id=UNRESOLVED[0]))
        expect(pay).to_be_enabled()
        expect(pay).to_be_focused()
        shot(page, f"settle-{language}-{scheme}-done")
        assert bodies == []

        pay.click()  # meanwhile another camera saw something
        expect(sheet.locator(".unresolved-line")).to_have_count(1)
        expect(page.locator("cart-panel .unresolved-line")).to_have_count(1)
        expect(sheet.locator("[data-part=settle-problem]")).to_be_visible()
        expect(pay).to_be_disabled()
        found += violations(page)
        socket.say(updated("add", cart(3), about=UNRESOLVED[1], source="manual"))
        pay.click()
        texts = json.loads(page.locator("#checkout-options").text_content() or "")["texts"]
        expect(sheet.locator("[data-part=settle-problem]")).to_have_text(texts["error_staff_needed"])
        shot(page, f"settle-{language}-{scheme}-staff")

    assert found == []
    # What was shown each time: two pieces, then a third.
    assert bodies == [f'{{"expected_unresolved":0,"expected_total":"{total}"}}' for total in ("5.00", "7.50")]


@BOTH
def test_questions_are_asked_one_after_another_with_the_items_own_picture(
    camera_browser: Browser,
    visit: VisitorMaker,
    shot: Callable[[Page, str], None],
    window: tuple[dict[str, int], str, str],
) -> None:
    size, language, scheme = window
    socket = InterceptedSocket(kept=KEPT)
    two, three = choices()[:2], choices()
    options = {"color_scheme": scheme, "reduced_motion": "reduce"}
    with visit(camera_browser, size=size, language=language, **options) as visitor:
        page = socket.open(visitor, f"queue-{language}")
        dialog = page.locator("question-dialog dialog")
        count = dialog.locator("[data-part=question-count]")
        socket.see("ambiguous", track=1, choices=two)
        expect(dialog).to_be_visible()
        expect(count).to_be_hidden()
        assert page.evaluate(CUT_OUT) == [None, True, True, True, False, False]
        socket.see("ambiguous", track=2, choices=three)
        socket.see("ambiguous", track=3, choices=two)
        expect(count).to_contain_text("3")
        expect(dialog.locator(".asked-item img")).to_be_visible()
        expect(dialog.locator(".choice-price").first).to_contain_text("2.50")
        expect(dialog.locator("h2")).to_be_focused()
        found = violations(page)
        shot(page, f"questions-{language}-{scheme}")
        page.keyboard.press("Enter")
        socket.see("candidate", track=9, choices=[])  # the items have left the frame
        page.wait_for_timeout(200)
        expect(dialog).to_be_visible()
        assert socket.answers("choose") == []
        assert not is_wider(page)

        dialog.locator(".choice").nth(1).dblclick()  # the second tap is not an answer to the next question
        expect(dialog.locator(".choice")).to_have_count(3)
        shot(page, f"questions-{language}-{scheme}-second")
        expect(dialog.locator("h2")).to_be_focused()
        left = unresolved(0, "unanswered", track=2)
        socket.say(updated("unresolved", cart(1, [left]), unresolved_id=UNRESOLVED[0]))
        expect(dialog.locator(".choice")).to_have_count(3)
        dialog.locator(".choice").nth(2).click()
        expect(dialog.locator(".choice")).to_have_count(2)
        socket.see("accepted", track=3, choices=[])  # answered by another view
        expect(dialog).to_be_hidden()

    assert found == []
    assert socket.commands == [
        {"type": "choose", "track": 1, "product_id": two[1]["product_id"]},
        {"type": "unresolved.resolve", "id": UNRESOLVED[0], "product_id": three[2]["product_id"]},
    ]


def test_the_camera_never_closes_what_is_typed_in_and_a_question_waits_until_it_is_done(
    camera_browser: Browser, visit: VisitorMaker
) -> None:
    socket = InterceptedSocket(kept=KEPT)
    with visit(camera_browser) as visitor:
        page = socket.open(visitor, "typing")
        page.evaluate("() => { window.felt = []; navigator.vibrate = (one) => felt.push(String(one)); }")
        page.click(".tools [data-action=find]")
        page.keyboard.type("oat m")
        socket.say(updated("add", cart(1)))
        socket.say(updated("add", cart(2)))
        expect(page.locator(".toast-word")).to_have_text(f"{PACKS[0].name}: now 2 × €2.50")
        socket.say(updated("add", cart(3), source="barcode"))  # a barcode in view
        socket.see("ambiguous", choices=choices()[:2])
        socket.say(updated("unresolved", cart(3, [unresolved(1)]), unresolved_id=UNRESOLVED[1]))
        expect(page.locator("cart-panel .unresolved-line")).to_have_count(1)
        assert page.evaluate("felt") == ["40", "40", "40", "60,80,60,80,60"]
        page.keyboard.type("ilk")
        expect(page.locator("#find-input")).to_have_value("oat milk")
        expect(page.locator("#find-input")).to_be_focused()
        expect(page.locator("question-dialog dialog")).to_be_hidden()

        page.wait_for_timeout(NO_SCAN_MS)
        page.keyboard.press("Escape")
        expect(page.locator("question-dialog dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("question-dialog dialog")).to_be_hidden()
        page.click(".tools [data-action=find]")
        page.fill("#find-input", PACKS[1].barcode)
        page.keyboard.press("Enter")
        socket.say(updated("add", cart(4), source="barcode"))
        expect(page.locator("find-product dialog")).to_be_hidden()
    assert [command["type"] for command in socket.commands] == ["barcode"]
