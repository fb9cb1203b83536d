"""A visit belongs to one browser: another device of the account is offered it, and never thrown into it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.browsers import SESSION_KEY, browser_known
from accounts.models import User
from accounts.services import tokens_issue
from checkout.cart import items, services
from checkout.models import CheckoutSession
from tests.checkout.shop import cart_lines, product_with_photo

pytestmark = pytest.mark.django_db


@pytest.fixture
def phone(shopper: User) -> Client:
    """Return the shopper's phone, logged in."""
    return logged_in(shopper)


@pytest.fixture
def till(shopper: User) -> Client:
    """Return another browser of the same account."""
    return logged_in(shopper)


@pytest.fixture
def visit(phone: Client) -> CheckoutSession:
    """Return a visit of the phone with two pieces in its cart."""
    phone.get("/checkout/")
    session = CheckoutSession.objects.get()
    items.item_set(session_id=session.pk, product_id=product_with_photo("Pear", "1.25").pk, quantity=2)
    return session


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shown(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def continue_here(client: Client, visit: CheckoutSession, seen_with: str | None = None) -> str:
    """Press "Continue this visit here", as offered while another browser had it."""
    visit.refresh_from_db()
    fields = {"with": visit.browser if seen_with is None else seen_with}
    response = client.post(f"/checkout/{visit.pk}/continue/", fields)
    assert response.status_code == 302
    return str(response.headers["Location"])


def test_a_visit_of_a_page_belongs_to_its_browser(phone: Client, visit: CheckoutSession) -> None:
    assert visit.browser == browser_known(phone.session)
    assert phone.get("/checkout/").headers["Location"] == f"/checkout/{visit.pk}/"


def test_a_browser_that_logged_in_before_there_were_ids_gets_one(phone: Client) -> None:
    session = phone.session
    del session[SESSION_KEY]
    session.save()

    first, second = phone.get("/checkout/"), phone.get("/checkout/")

    assert first.headers["Location"] == second.headers["Location"]
    assert CheckoutSession.objects.get().browser == browser_known(phone.session) != ""


def test_another_device_is_offered_the_visit_with_what_is_in_it(till: Client, visit: CheckoutSession) -> None:
    page = shown(till, "/checkout/")

    assert "Continue your visit here?" in page
    for fact in ("Pear", "× 2", "2 items", "€2.50", "Last used just now"):
        assert fact in page
    assert CheckoutSession.objects.count() == 1


def test_the_offer_says_how_long_ago_the_visit_was_used(till: Client, visit: CheckoutSession) -> None:
    CheckoutSession.objects.update(last_active=timezone.now() - timedelta(minutes=7))

    assert "Last used 7\xa0minutes ago" in shown(till, "/checkout/")


@pytest.mark.parametrize("opened_by", ["/checkout/{}/", "/checkout/{}/?camera=demo"])
def test_the_address_of_the_visit_opens_no_cart_on_another_device(
    till: Client, visit: CheckoutSession, opened_by: str
) -> None:
    page = shown(till, opened_by.format(visit.pk))

    assert "Your visit continues on another device" in page
    assert "checkout-options" not in page
    visit.refresh_from_db()
    assert visit.browser != browser_known(till.session)


def test_continuing_moves_the_visit_with_its_cart_and_tells_the_first_device(
    phone: Client, till: Client, visit: CheckoutSession
) -> None:
    assert continue_here(till, visit) == f"/checkout/{visit.pk}/"

    visit.refresh_from_db()
    assert visit.browser == browser_known(till.session)
    assert cart_lines(visit) == {"Pear": 2}
    assert "checkout-options" in shown(till, f"/checkout/{visit.pk}/")
    assert "Your visit continues on another device" in shown(phone, f"/checkout/{visit.pk}/")


def test_the_first_device_can_take_its_visit_back(
    phone: Client, till: Client, visit: CheckoutSession
) -> None:
    continue_here(till, visit)
    continue_here(phone, visit)

    assert "checkout-options" in shown(phone, f"/checkout/{visit.pk}/")


def test_of_two_devices_that_were_offered_the_same_the_second_is_asked_again(
    shopper: User, till: Client, visit: CheckoutSession
) -> None:
    tablet, seen_with = logged_in(shopper), visit.browser
    continue_here(till, visit, seen_with)
    continue_here(tablet, visit, seen_with)

    visit.refresh_from_db()
    assert visit.browser == browser_known(till.session)
    assert "Your visit continues on another device" in shown(tablet, f"/checkout/{visit.pk}/")


def test_a_new_visit_leaves_the_other_as_it_is_and_is_not_asked_for_again(
    phone: Client, till: Client, visit: CheckoutSession
) -> None:
    target = till.post("/checkout/new/").headers["Location"]

    begun = CheckoutSession.objects.exclude(pk=visit.pk).get()
    assert target == f"/checkout/{begun.pk}/"
    assert begun.browser == browser_known(till.session)
    assert till.get("/checkout/").headers["Location"] == target
    assert phone.get("/checkout/").headers["Location"] == f"/checkout/{visit.pk}/"
    services.session_cancel(session_id=begun.pk)
    assert till.get("/checkout/").status_code == 302  # declined once, not offered again


def test_an_empty_visit_elsewhere_is_no_reason_to_ask(phone: Client, till: Client) -> None:
    phone.get("/checkout/")

    assert till.get("/checkout/").status_code == 302
    assert CheckoutSession.objects.count() == 2


def test_two_tills_on_one_account_never_share_a_cart_or_a_receipt(
    phone: Client, till: Client, visit: CheckoutSession
) -> None:
    till.post("/checkout/new/")
    own = CheckoutSession.objects.exclude(pk=visit.pk).get()
    order = services.session_confirm(session_id=visit.pk).order

    assert till.get("/checkout/").headers["Location"] == f"/checkout/{own.pk}/"
    assert "This visit was paid on another device" in shown(till, f"/checkout/{visit.pk}/")
    assert order.number not in shown(till, f"/checkout/{visit.pk}/")
    assert phone.get(f"/checkout/{visit.pk}/").headers["Location"] == f"/orders/{order.pk}/"


def test_a_device_without_the_visit_neither_reads_nor_pays_nor_changes_it(
    till: Client, visit: CheckoutSession
) -> None:
    (line,) = visit.billing_items.all()
    base = f"/api/sessions/{visit.pk}"
    answers = [
        till.get(f"{base}/billing"),
        till.post(f"{base}/billing/confirm", {}, content_type="application/json"),
        till.put(f"{base}/billing/items/{line.product_id}", {"quantity": 0}, content_type="application/json"),
        till.post(f"{base}/ticket"),
        till.delete(base),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (409, "session_elsewhere")
    ] * len(answers)
    assert till.get(f"/checkout/{visit.pk}/likely/{line.product_id}/").status_code == 404
    assert till.get(f"/checkout/{visit.pk}/clip/").headers["Location"] == f"/checkout/{visit.pk}/"
    visit.refresh_from_db()
    assert (visit.status, cart_lines(visit)) == ("active", {"Pear": 2})


def test_the_browser_that_has_the_visit_pays_it(phone: Client, visit: CheckoutSession) -> None:
    answer = phone.post(f"/api/sessions/{visit.pk}/billing/confirm", {}, content_type="application/json")
    assert answer.status_code == 201


def test_other_programs_of_the_account_belong_to_no_browser(shopper: User, visit: CheckoutSession) -> None:
    token = tokens_issue(shopper).access
    answer = Client().get(f"/api/sessions/{visit.pk}/billing", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["total_items"] == 2


def test_a_visit_that_a_program_began_is_taken_by_the_first_page_that_continues_it(
    shopper: User, phone: Client, till: Client
) -> None:
    session = services.session_start(user=shopper)
    items.item_set(session_id=session.pk, product_id=product_with_photo("Pear").pk, quantity=1)
    used = session.last_active
    assert "checkout-options" in shown(till, f"/checkout/{session.pk}/")  # by its address, any page

    assert phone.get("/checkout/").headers["Location"] == f"/checkout/{session.pk}/"

    session.refresh_from_db()
    assert (session.browser, session.last_active) == (browser_known(phone.session), used)
    assert "Continue your visit here?" in shown(till, "/checkout/")


def test_a_stranger_is_offered_nothing_and_moves_nothing(stranger: User, visit: CheckoutSession) -> None:
    other, before = logged_in(stranger), visit.browser

    assert other.get("/checkout/").status_code == 302
    assert other.get(f"/checkout/{visit.pk}/").status_code == 404
    response = other.post(f"/checkout/{visit.pk}/continue/", {"with": before})

    assert response.status_code == 404
    visit.refresh_from_db()
    assert visit.browser == before


def test_a_visit_that_has_ended_is_not_moved(till: Client, visit: CheckoutSession) -> None:
    before = visit.browser
    services.session_cancel(session_id=visit.pk)
    continue_here(till, visit)

    visit.refresh_from_db()
    assert visit.browser == before
    assert "This checkout has ended" in shown(till, f"/checkout/{visit.pk}/")


def test_moving_counts_as_being_there(till: Client, visit: CheckoutSession) -> None:
    before = timezone.now()
    continue_here(till, visit)

    visit.refresh_from_db()
    assert visit.last_active >= before


@pytest.mark.parametrize("path", ["/checkout/new/", "/checkout/{}/continue/"])
def test_nothing_begins_or_moves_by_following_a_link(till: Client, visit: CheckoutSession, path: str) -> None:
    assert till.get(path.format(visit.pk)).status_code == 405


def test_home_says_continue_only_where_the_visit_is(
    phone: Client, till: Client, visit: CheckoutSession
) -> None:
    assert "Continue checkout" in shown(phone, "/")
    assert "Start checkout" in shown(till, "/")


def test_the_offer_takes_six_queries(
    till: Client, visit: CheckoutSession, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    # login session, user, own visit, visit elsewhere, cart, store
    with django_assert_num_queries(6):
        shown(till, "/checkout/")
