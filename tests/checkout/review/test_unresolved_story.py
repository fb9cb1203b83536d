"""The shop keeper sees what was left unresolved, with its picture, and how often items were given up."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from checkout.cart import services
from checkout.cart.unresolved import unresolved_dismiss, unresolved_resolve
from checkout.models import CheckoutSession, ScanEvent
from checkout.review.story import timeline_of
from tests.checkout.cart.unresolved import left
from tests.checkout.shop import product_make, session_with

pytestmark = pytest.mark.django_db
SESSIONS = "/admin/checkout/checkoutsession/"


@pytest.fixture
def visit(shopper: User) -> CheckoutSession:
    """Return a visit in which one item was resolved, one given up, and one open at the end."""
    milk = product_make("Milk")
    session = session_with(shopper, product_make("Tea"))
    resolved, given_up, _ = (left(session, milk) for _ in range(3))
    unresolved_resolve(session_id=session.pk, unresolved_id=resolved, product_id=milk.pk)
    unresolved_dismiss(session_id=session.pk, unresolved_id=given_up, reason="put_back")
    services.session_confirm(session_id=session.pk)
    return session


def test_the_story_tells_how_each_ended_and_shows_its_picture(visit: CheckoutSession) -> None:
    told = [(one.headline, one.reason, one.picture_id) for one in timeline_of(session=visit)][1:]
    one, two, three = ScanEvent.objects.filter(action="unresolved").order_by("created_at")
    assert told == [
        *(("Left view unresolved", "2 views are too few", event.pk) for event in (one, two, three)),
        ("Added: 1 × Milk", "chosen by the shopper", one.pk),
        ("Unresolved item given up", "put back", two.pk),
        ("Unresolved item given up", "still open when the session ended", three.pk),
    ]


def test_the_pictures_stand_in_the_page(visit: CheckoutSession, keeper: User, client: Client) -> None:
    client.force_login(keeper)
    page = client.get(reverse("admin:checkout_checkoutsession_change", args=[visit.pk])).content.decode()
    for event in ScanEvent.objects.filter(action="unresolved"):
        assert page.count(reverse("admin:checkout_scanevent_picture", args=[event.pk])) == 2


def test_the_list_counts_what_was_given_up_or_left(
    visit: CheckoutSession, shopper: User, keeper: User, client: Client
) -> None:
    smooth = session_with(shopper, product_make("Soap"))
    left(smooth)
    client.force_login(keeper)
    shown = {each.pk: each.given_up_total for each in client.get(SESSIONS).context["cl"].result_list}
    assert shown == {visit.pk: 2, smooth.pk: 0}
    picked = client.get(SESSIONS, {"doubt": "dismiss"}).context["cl"].result_list
    assert [each.pk for each in picked] == [visit.pk]
