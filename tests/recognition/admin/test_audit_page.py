"""The shop keeper's check: runs behind the page, says how far it is, and names what is weak."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.page_store import page_store_forget
from catalog.models import Product
from recognition import services
from recognition.engine.engine import ENCODER_WAIT_S, Engine
from recognition.engine.results import EngineState
from recognition.photos.files import photo_path
from recognition.tools import catalog_audit
from recognition.tools.catalog_audit import CACHE_KEY, CatalogAudit, CheckState
from recognition.vision.evaluation import catalog_audit as vision_check
from tests.pictures import encoded
from tests.recognition.pictures import picture

WAIT_S = 30
PAGE = "/admin/catalog/product/check/"


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Iterator[CatalogAudit]:
    """Give the test a check of its own, which has ended when the test does."""
    made = CatalogAudit()
    monkeypatch.setattr("recognition.admin.audit_page.catalog_audit", made)
    yield made
    made.stop()


@pytest.fixture
def admin_browser(engine: Engine, keeper: User) -> Client:
    browser = Client()
    browser.force_login(keeper)
    return browser


def photo(number: int, *, darker: int) -> services.Upload:
    """Return one of several photos of the same thing."""
    return services.Upload(f"{number}-{darker}.png", encoded(picture(number) // 16 * (15 - darker), "PNG"))


@pytest.fixture
def shop(engine: Engine) -> dict[str, Product]:
    """Register tea and jam with photos that are alike, and salt with a single one."""
    photos = {"Tea": [1, 1, 2], "Jam": [3, 3, 3], "Salt": [4]}
    made = {
        name: services.product_register(
            name=name, uploads=[photo(number, darker=place) for place, number in enumerate(numbers)]
        ).product
        for name, numbers in photos.items()
    }
    assert engine.wait_ready().ready
    return made


def ran(check: CatalogAudit) -> None:
    assert check.start()
    assert check.wait(timeout_s=WAIT_S)
    assert check.state()["status"] == "done", check.state()


def test_every_photo_is_left_out_once_and_the_weakest_product_comes_first(
    check: CatalogAudit, shop: dict[str, Product]
) -> None:
    ran(check)
    state = check.state()

    assert (state["done"], state["total"]) == (6, 6)
    found = {each["product"]: each for each in state["products"]}
    tea, jam, salt = (found[str(shop[name].pk)] for name in ("Tea", "Jam", "Salt"))
    assert (tea["photos"], tea["checked"], tea["right"]) == (3, 3, 2)
    assert (jam["photos"], jam["checked"], jam["right"], jam["advice"]) == (3, 3, 3, "fine")
    assert (salt["photos"], salt["checked"], salt["advice"]) == (1, 0, "one_photo")
    assert [each["product"] for each in state["products"]][-1] == str(shop["Jam"].pk)


def test_nothing_is_embedded_for_it(
    check: CatalogAudit, shop: dict[str, Product], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = engine.keeper.encoder
    assert encoder is not None
    monkeypatch.setattr(encoder, "encode", lambda images: pytest.fail("a photo was embedded"))
    ran(check)


def test_products_off_sale_are_not_part_of_it(check: CatalogAudit, shop: dict[str, Product]) -> None:
    services.product_set_active(product_id=shop["Jam"].pk, is_active=False)
    ran(check)
    assert {each["product"] for each in check.state()["products"]} == {
        str(shop["Tea"].pk),
        str(shop["Salt"].pk),
    }


def test_a_photo_whose_file_is_gone_is_judged_by_its_vector(
    check: CatalogAudit, shop: dict[str, Product]
) -> None:
    for image in shop["Jam"].images.all():
        photo_path(str(image.image.name)).unlink()
    ran(check)
    assert check.state()["total"] == 6
    jam = next(each for each in check.state()["products"] if each["product"] == str(shop["Jam"].pk))
    assert (jam["checked"], jam["right"]) == (3, 3)


def test_the_page_leads_from_the_button_to_the_findings(
    check: CatalogAudit, shop: dict[str, Product], admin_browser: Client
) -> None:
    assert "Check all products" in admin_browser.get(PAGE).content.decode()
    assert admin_browser.post(PAGE).headers["Location"] == PAGE
    assert check.wait(timeout_s=WAIT_S)
    page = admin_browser.get(PAGE).content.decode()

    assert "One photo is not enough to check" in page
    assert page.index(">Tea<") < page.index(">Jam<")
    assert "2 of 3 recognized correctly" in page
    assert "have changed since" not in page
    services.product_set_active(product_id=shop["Tea"].pk, is_active=False)
    assert "have changed since" in admin_browser.get(PAGE).content.decode()


def test_while_it_runs_the_page_says_how_far_it_is_and_no_second_one_begins(
    check: CatalogAudit,
    shop: dict[str, Product],
    admin_browser: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on, waiting = threading.Event(), threading.Event()
    positions_checked = vision_check.positions_checked

    def held(*arguments: object) -> list[int]:
        waiting.set()
        assert go_on.wait(WAIT_S)
        return positions_checked(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(vision_check, "positions_checked", held)
    try:
        assert admin_browser.post(PAGE).status_code == 302
        assert waiting.wait(WAIT_S)
        assert "check-progress.js" in admin_browser.get(PAGE).content.decode()
        assert admin_browser.get(f"{PAGE}progress/").json() == {"status": "running", "done": 0, "total": 0}
        assert not check.start()
    finally:
        go_on.set()
    assert check.wait(timeout_s=WAIT_S)
    assert admin_browser.get(f"{PAGE}progress/").json() == {"status": "done", "done": 6, "total": 6}


def test_every_process_sees_the_progress(
    check: CatalogAudit, shop: dict[str, Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[tuple[str, int, int]] = []

    def noted(key: str, value: CheckState, timeout: float) -> None:
        reported.append((value["status"], value["done"], value["total"]))
        cache.set(key, value, timeout)

    patched = SimpleNamespace(set=noted, get=cache.get)
    monkeypatch.setattr("recognition.tools.catalog_audit.cache", patched)
    monkeypatch.setattr(catalog_audit, "PROGRESS_S", 0.0)
    ran(check)
    assert reported == [("running", 0, 0), *(("running", done, 6) for done in range(1, 7)), ("done", 6, 6)]


def test_a_run_whose_process_died_has_failed_and_can_be_started_again(
    check: CatalogAudit, shop: dict[str, Product]
) -> None:
    running = catalog_audit._state("running", done=2, total=9)
    cache.set(CACHE_KEY, running)
    assert check.state()["status"] == "running"
    assert not check.start()
    cache.set(CACHE_KEY, {**running, "at_s": time.time() - ENCODER_WAIT_S - 1})
    assert check.state()["status"] == "running"  # it may still be waiting for the encoder
    cache.set(CACHE_KEY, {**running, "at_s": time.time() - catalog_audit.SILENT_MAX_S - 1})
    assert (check.state()["status"], check.state()["failure"]) == ("failed", "It was interrupted.")
    ran(check)


@pytest.mark.parametrize(("silent_s", "status"), [(179.0, "running"), (181.0, "failed")])
def test_a_check_that_reports_nothing_for_three_minutes_has_ended(
    check: CatalogAudit, monkeypatch: pytest.MonkeyPatch, silent_s: float, status: str
) -> None:
    cache.set(CACHE_KEY, {**catalog_audit._state("running"), "at_s": 1_000_000.0})
    monkeypatch.setattr(catalog_audit, "time", SimpleNamespace(time=lambda: 1_000_000.0 + silent_s))
    assert check.state()["status"] == status


def test_findings_are_kept_for_a_week_with_the_three_likeliest_mistakes(
    check: CatalogAudit, shop: dict[str, Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_s: set[float] = set()
    judged = vision_check.products_judged

    def noted(key: str, value: CheckState, timeout: float) -> None:
        kept_s.add(timeout)
        cache.set(key, value, timeout)

    def much_confused(*arguments: Any) -> list[Any]:
        found = judged(*arguments)
        confused = next(each for each in found if each.looks_like)
        return [replace(each, looks_like=confused.looks_like[:1] * 5) for each in found]

    monkeypatch.setattr("recognition.tools.catalog_audit.cache", SimpleNamespace(set=noted, get=cache.get))
    monkeypatch.setattr(vision_check, "products_judged", much_confused)
    ran(check)
    assert kept_s == {7 * 24 * 3600}
    assert [len(each["looks_like"]) for each in check.state()["products"]] == [3, 3, 3]


def test_progress_is_reported_every_half_second(
    check: CatalogAudit, shop: dict[str, Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[int] = []
    ticks = count(1)

    def noted(key: str, value: CheckState, timeout: float) -> None:
        if value["status"] == "running":
            reported.append(value["done"])
        cache.set(key, value, timeout)

    clock = SimpleNamespace(time=time.time, monotonic=lambda: 0.3 * next(ticks))
    monkeypatch.setattr("recognition.tools.catalog_audit.cache", SimpleNamespace(set=noted, get=cache.get))
    monkeypatch.setattr(catalog_audit, "time", clock)
    ran(check)
    # the clock moves on with each look at it, and is looked at twice where progress is reported
    assert reported == [0, 2, 4, 6]


def test_a_check_that_fails_says_so_and_the_next_one_begins(
    check: CatalogAudit,
    shop: dict[str, Product],
    admin_browser: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(engine: Engine) -> None:
        raise RuntimeError("no such photo")

    with monkeypatch.context() as patch:
        patch.setattr(catalog_audit, "catalog_recognizer", fail)
        assert check.start()
        assert check.wait(timeout_s=WAIT_S)
    assert "no such photo" in caplog.text
    page = admin_browser.get(PAGE).content.decode()
    assert "The check did not finish. See the server log for details." in page
    assert "no such photo" not in page
    ran(check)


def test_a_check_ends_with_its_process(
    check: CatalogAudit, shop: dict[str, Product], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "wait_ready", _ready_late(check, engine.state()))
    assert check.start()
    check.stop()
    assert check.wait(timeout_s=0.1)
    assert check.state()["failure"] == "It was interrupted."


def _ready_late(check: CatalogAudit, ready: EngineState) -> Callable[[], EngineState]:
    def wait() -> EngineState:
        assert check._stopping.wait(WAIT_S)
        return ready

    return wait


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}progress/"])
def test_only_the_shop_keeper_may_see_it(path: str, engine: Engine, shopper: User) -> None:
    stranger, customer = Client(), Client()
    customer.force_login(shopper)
    for browser in (stranger, customer):
        assert browser.get(path).status_code == 302
        assert browser.post(path).status_code == 302
    assert cache.get(CACHE_KEY) is None


def test_the_page_is_reached_from_the_products_and_from_the_index(admin_browser: Client) -> None:
    for page in ("/admin/catalog/product/", "/admin/recognition/indexstate/"):
        assert f'href="{PAGE}"' in admin_browser.get(page).content.decode()


def test_fifty_products_take_as_many_queries_as_two(admin_browser: Client, check: CatalogAudit) -> None:
    def queries(count: int) -> int:
        products = [Product.objects.create(name=f"Product {count}-{number}") for number in range(count)]
        found = [
            {
                "product": str(product.pk),
                "photos": 3,
                "checked": 3,
                "right": 2,
                "accepted": 3,
                "ambiguous": 0,
                "unknown": 0,
                "wrongly_added": 1,
                "advice": "added_wrongly",
                "looks_like": [
                    {
                        "product": str(products[0].pk),
                        "count": 1,
                        "score": 0.9,
                        "picture": str(product.pk),
                        "matched": str(product.pk),
                    }
                ],
            }
            for product in products
        ]
        cache.set(CACHE_KEY, catalog_audit._state("done", products=found))
        page_store_forget()
        with CaptureQueriesContext(connection) as captured:
            assert admin_browser.get(PAGE).content.decode().count("check-grade-weak") == min(count, 30)
        return len(captured)

    assert queries(2) == queries(50)
