"""A cart that is wrong is put right with a tap, and every change can be taken back once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import BOTH, VisitorMaker
from tests.browser.steps import FIRST, SECOND, THIRD, add_by_hand, connected, quantities

pytestmark = pytest.mark.browser
INSTEAD = {"en": f"{FIRST.name} changed to {SECOND.name}", "ko": f"바꿨습니다: {FIRST.name} → {SECOND.name}"}


@BOTH
def test_a_wrong_line_becomes_the_right_product_and_back(
    browser: Browser,
    visit: VisitorMaker,
    shot: Callable[[Page, str], None],
    window: tuple[dict[str, int], str, str],
) -> None:
    size, language, scheme = window
    with visit(browser, size=size, language=language, color_scheme=scheme) as visitor:
        page = visitor.page()
        visitor.sign_up(page, f"wrong-{language}", "/checkout/")
        connected(page)
        add_by_hand(page, FIRST.barcode)
        page.click(".line [data-part=wrong]")
        likely = page.locator("[data-part=likely] .chip")
        expect(likely.first).to_be_visible()
        assert set(likely.all_inner_texts()) == {SECOND.name, THIRD.name}
        shot(page, f"wrong-line-{language}")

        likely.filter(has_text=SECOND.name).click()

        said = INSTEAD[language]
        expect(page.locator("[data-part=body]")).to_contain_text(said)
        expect(page.locator("[data-part=spoken]")).to_have_text(said)
        expect(page.locator(".line [data-part=name]")).to_have_text(SECOND.name)
        shot(page, f"corrected-{language}")
        page.click("[data-part=toast-undo]")
        expect(page.locator(".line [data-part=name]")).to_have_text(FIRST.name)
        assert quantities(page) == {FIRST.name: "1"}
        expect(page.locator("cart-panel [data-part=undo]")).to_be_hidden()


def test_a_wrong_line_is_searched_for_or_only_taken_off(browser: Browser, visit: VisitorMaker) -> None:
    with visit(browser) as visitor:
        page = visitor.page()
        visitor.sign_up(page, "search", "/checkout/")
        connected(page)
        add_by_hand(page, FIRST.barcode)
        page.click(".line [data-part=more]")
        expect(page.locator(".line [data-part=quantity]")).to_have_text("2")
        page.click(".line [data-part=wrong]")
        page.fill("#find-input", THIRD.barcode)
        page.locator(".found-row").click()
        expect(page.locator("cart-panel .line")).to_have_count(2)
        assert quantities(page) == {FIRST.name: "1", THIRD.name: "1"}

        page.locator(".line", has_text=THIRD.name).locator("[data-part=wrong]").click()
        page.get_by_role("button", name="Just remove one").click()

        expect(page.locator("cart-panel .line")).to_have_count(1)
        assert quantities(page) == {FIRST.name: "1"}
        expect(page.locator("[data-part=body]")).to_contain_text(f"Removed one: {THIRD.name}")


def test_additions_counts_and_removals_are_taken_back_one_at_a_time(
    browser: Browser, visit: VisitorMaker
) -> None:
    with visit(browser) as visitor:
        page = visitor.page()
        visitor.sign_up(page, "undo", "/checkout/")
        connected(page)
        undo = page.locator("cart-panel [data-part=undo]")
        quantity = page.locator(".line [data-part=quantity]")
        expect(undo).to_be_hidden()
        add_by_hand(page, FIRST.barcode)
        expect(undo).to_have_accessible_name(f"Undo: Added: {FIRST.name}")
        page.click(".line [data-part=more]")
        expect(quantity).to_have_text("2")
        undo.click()
        expect(quantity).to_have_text("1")
        expect(undo).to_be_hidden()

        page.click(".line [data-part=remove]")
        expect(page.locator("cart-panel .line")).to_have_count(0)
        expect(page.locator("[data-part=body]")).to_contain_text(f"Removed: {FIRST.name}")
        page.click("[data-part=toast-undo]")
        expect(quantity).to_have_text("1")
        assert quantities(page) == {FIRST.name: "1"}


def test_what_was_undone_in_one_tab_is_not_undone_again_in_another(
    browser: Browser, visit: VisitorMaker
) -> None:
    with visit(browser) as visitor:
        left = visitor.page()
        visitor.sign_up(left, "undotabs", "/checkout/")
        connected(left)
        right = visitor.page()
        right.goto(left.url)
        connected(right)
        add_by_hand(left, FIRST.barcode)
        expect(right.locator("cart-panel [data-part=undo]")).to_be_visible()

        left.evaluate("document.querySelector('cart-panel [data-part=undo]').click()")
        expect(right.locator("cart-panel .line")).to_have_count(0)

        for tab in (left, right):
            expect(tab.locator("cart-panel [data-part=undo]")).to_be_hidden()
            expect(tab.locator("cart-panel .line")).to_have_count(0)
