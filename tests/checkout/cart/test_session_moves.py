"""A session goes on in another browser: once for each offer, however many take it at once."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from checkout.cart import announce, services, sessions
from checkout.errors import SessionElsewhere, SessionNotActive
from checkout.models import CheckoutSession
from tests.checkout.cart.test_concurrency import at_once

FIRST = "f" * 64


def moving(session: CheckoutSession) -> Any:
    return lambda number: services.session_move(
        session_id=session.pk, browser=f"{number:064d}", expected=FIRST
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_of_many_devices_that_continue_at_once_one_wins(shopper: User) -> None:
    session = services.session_start(user=shopper, browser=FIRST)

    outcomes = at_once(20, moving(session))

    winners = [outcome.browser for outcome in outcomes if isinstance(outcome, CheckoutSession)]
    session.refresh_from_db()
    assert winners == [session.browser]
    assert sum(isinstance(outcome, SessionElsewhere) for outcome in outcomes) == 19


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_without_the_lock_several_believe_to_have_it(shopper: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "sessions_for_update", CheckoutSession.objects.all)
    won = 0
    for _ in range(10):
        session = services.session_start(user=shopper, browser=FIRST)
        won = max(won, sum(isinstance(out, CheckoutSession) for out in at_once(20, moving(session))))
    assert won > 1


@pytest.mark.django_db(transaction=True)
def test_the_sockets_are_told_after_the_commit_and_only_of_a_move(
    shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(announce, "group_announce", lambda group, notice: told.append((group, notice)))
    session = services.session_start(user=shopper, browser=FIRST)

    for browser in (FIRST, "2" * 64):
        services.session_move(session_id=session.pk, browser=browser, expected=FIRST)

    assert told == [(announce.session_group(session.pk), {"type": "session.moved"})]


@pytest.mark.django_db
def test_a_session_that_has_ended_is_not_moved(shopper: User) -> None:
    session = services.session_start(user=shopper, browser=FIRST)
    services.session_cancel(session_id=session.pk)

    with pytest.raises(SessionNotActive):
        services.session_move(session_id=session.pk, browser="2" * 64, expected=FIRST)


@pytest.mark.django_db
def test_a_refused_move_says_where_to_ask_again(shopper: User) -> None:
    session = services.session_start(user=shopper, browser=FIRST)

    with pytest.raises(SessionElsewhere) as refused:
        services.session_move(session_id=session.pk, browser="2" * 64, expected="3" * 64)

    assert (refused.value.status, refused.value.code) == (409, "session_elsewhere")
    assert refused.value.data == {"session_id": str(session.pk)}
    session.refresh_from_db()
    assert session.browser == FIRST
