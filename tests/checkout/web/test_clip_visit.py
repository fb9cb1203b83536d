"""The demo clip never plays into a cart that holds something: it gets a visit of its own, and leads back."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from checkout.cart import selectors
from checkout.cart.services import session_start
from checkout.models import CheckoutSession
from tests.checkout.shop import product_with_photo, session_with
from tests.checkout.web.test_pages import options_of

pytestmark = pytest.mark.django_db


def visits(user: User) -> set[str]:
    """Return the ids of a shopper's sessions."""
    return {str(pk) for pk in CheckoutSession.objects.filter(user=user).values_list("pk", flat=True)}


def test_with_an_empty_cart_the_clip_plays_in_the_visit(client: Client, shopper: User) -> None:
    session = session_start(user=shopper)
    client.force_login(shopper)

    target = client.get(f"/checkout/{session.pk}/clip/").headers["Location"]

    assert target == f"/checkout/{session.pk}/?camera=demo"
    options = options_of(client.get(target).content.decode())
    assert (options["start_with_clip"], options["own_path"]) == (True, None)
    assert visits(shopper) == {str(session.pk)}


@pytest.mark.parametrize("way", ["/checkout/{id}/clip/", "/checkout/?camera=demo"])
def test_with_something_in_the_cart_the_clip_gets_a_visit_of_its_own(
    client: Client, shopper: User, way: str
) -> None:
    session = session_with(shopper, product_with_photo("Milk"))
    cart = selectors.cart_get(session_id=session.pk)
    client.force_login(shopper)

    target = client.get(way.format(id=session.pk)).headers["Location"]

    (begun,) = visits(shopper) - {str(session.pk)}
    assert target == f"/checkout/{begun}/?camera=demo"
    page = client.get(target).content.decode()
    options = options_of(page)
    assert (options["start_with_clip"], options["own_path"]) == (True, f"/checkout/{session.pk}/")
    assert f'href="/checkout/{session.pk}/"' in page
    assert options_of(client.get(f"/checkout/{session.pk}/").content.decode())["own_path"] is None
    assert selectors.cart_get(session_id=session.pk) == cart


def test_a_visit_of_the_clip_is_never_the_one_to_continue(client: Client, shopper: User) -> None:
    session = session_with(shopper, product_with_photo("Milk"))
    client.force_login(shopper)
    for _ in range(2):
        client.get(f"/checkout/{session.pk}/clip/")

    assert client.get("/checkout/").headers["Location"] == f"/checkout/{session.pk}/"
    newest = selectors.session_to_continue(user=shopper)
    assert newest is not None
    assert newest.pk != session.pk  # left to the time of use alone, the clip's visit would be continued


def test_a_clip_begun_from_the_clips_visit_leads_back_to_the_shoppers_cart(
    client: Client, shopper: User
) -> None:
    session = session_with(shopper, product_with_photo("Milk"))
    client.force_login(shopper)
    first = client.get(f"/checkout/{session.pk}/clip/").headers["Location"]
    clip_visit = CheckoutSession.objects.exclude(pk=session.pk).get()
    clip_visit.billing_items.create(product=product_with_photo("Oats"), quantity=1, source="vision")

    target = client.get(f"{first.partition('?')[0]}clip/").headers["Location"]

    assert options_of(client.get(target).content.decode())["own_path"] == f"/checkout/{session.pk}/"


def test_a_cart_that_filled_is_not_played_into_by_its_address(client: Client, shopper: User) -> None:
    session = session_with(shopper, product_with_photo("Milk"))
    client.force_login(shopper)

    options = options_of(client.get(f"/checkout/{session.pk}/?camera=demo").content.decode())

    assert options["start_with_clip"] is False


def test_the_clip_of_a_strangers_visit_is_not_there(client: Client, shopper: User, stranger: User) -> None:
    session = session_with(shopper, product_with_photo("Milk"))
    client.force_login(stranger)

    assert client.get(f"/checkout/{session.pk}/clip/").status_code == 404
    assert visits(stranger) == set()
