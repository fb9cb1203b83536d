"""What tells the browsers of an account apart, and outlives a new session key."""

from __future__ import annotations

import pytest
from django.contrib.auth import login
from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory

from accounts.browsers import SESSION_KEY, browser_known, browser_of, browser_of_key
from accounts.models import User
from ebrcs.requests.session_store import SessionStore

pytestmark = pytest.mark.django_db


def test_two_browsers_of_one_account_are_two(shopper: User) -> None:
    phone, till = Client(), Client()
    phone.force_login(shopper)
    till.force_login(shopper)

    hashes = {browser_known(client.session) for client in (phone, till)}

    assert len(hashes) == 2
    assert all(len(digest) == 64 for digest in hashes)


def test_a_browser_stays_the_same_when_its_session_gets_a_new_key(shopper: User) -> None:
    client = Client()
    client.force_login(shopper)
    session = client.session
    before, key = browser_known(session), session.session_key
    session.cycle_key()  # as a new password does

    assert session.session_key != key
    assert browser_of_key(str(session.session_key)) == before


def test_a_browser_known_before_its_login_is_the_same_after_it(shopper: User) -> None:
    request = RequestFactory().get("/")
    request.session = SessionStore()
    request.user = AnonymousUser()
    before = browser_of(request)
    login(request, shopper, backend="django.contrib.auth.backends.ModelBackend")

    assert browser_of(request) == before


def test_only_the_hash_of_the_id_leaves_the_session(shopper: User) -> None:
    client = Client()
    client.force_login(shopper)

    assert client.session[SESSION_KEY] not in browser_known(client.session)
    assert len(client.session[SESSION_KEY]) >= 43  # 256 bits


def test_after_a_logout_another_person_may_sit_there(shopper: User) -> None:
    client = Client()
    client.force_login(shopper)
    before = browser_known(client.session)
    client.logout()
    client.force_login(shopper)

    assert browser_known(client.session) not in ("", before)


def test_a_session_without_an_id_is_no_browser() -> None:
    assert browser_known({}) == ""
    assert browser_of_key("0" * 32) == ""
