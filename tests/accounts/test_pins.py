"""PINs of staff: which may be set, how they are tried, and when they end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from unittest import mock
from uuid import uuid4

import pytest
from django.contrib.auth.hashers import get_hasher
from django.db import IntegrityError, connection, connections, transaction
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from accounts import pins
from accounts.errors import PinInvalid, PinRefused
from accounts.models import Store, User, staff_number_next
from accounts.pins import pin_clear, pin_set, pin_user
from accounts.stores import store_default
from ebrcs.rate_limits import TooManyRequests

pytestmark = pytest.mark.django_db
PIN, OTHER_PIN = "204866", "917350"


def staff_make(username: str = "mina", *, store: Store | None = None, pin: str = "") -> User:
    user = User.objects.create_user(username, role=User.Role.STAFF, store=store or store_default())
    if pin:
        pin_set(user=user, pin=pin)
    return user


def other_store_make() -> Store:
    return Store.objects.create(name="Other", currency="EUR", time_zone="UTC", language="en")


def tried(user: User | int, pin: str, *, store: Store | None = None, place: str = "") -> User:
    number = user if isinstance(user, int) else user.staff_number
    assert number is not None
    store_id = (store or store_default()).pk
    return pin_user(store_id=store_id, staff_number=number, pin=pin, place=place or uuid4().hex)


@pytest.fixture
def hashes() -> Iterator[Callable[[], int]]:
    """Return how often a password or PIN has been hashed since."""
    hasher = type(get_hasher())
    with mock.patch.object(hasher, "encode", autospec=True, side_effect=hasher.encode) as encode:
        yield lambda: int(encode.call_count)


def test_a_pin_is_kept_as_a_bcrypt_hash_and_opens_by_number_and_pin() -> None:
    mina = staff_make(pin=PIN)
    mina.refresh_from_db()
    assert mina.pin.startswith("bcrypt_sha256$")
    assert PIN not in mina.pin
    assert tried(mina, PIN) == mina
    with pytest.raises(PinRefused):
        tried(mina, OTHER_PIN)


@pytest.mark.parametrize("pin", ["204866", "012354", "112233", "000001", "204866204866", "135790"])
def test_six_to_twelve_digits_are_a_pin(pin: str) -> None:
    assert tried(staff_make(pin=pin), pin).username == "mina"


@pytest.mark.parametrize(
    "pin",
    [
        *("", "20486", "2048662048660", "20486a", "204 866", " 204866", "204866\n", "٢٠٤٨٦٦", "２０４８６６"),
        *("000000", "777777", "999999999999"),
        *("123456", "654321", "012345", "987654", "456789", "789012", "210987", "123456789012"),
    ],
)
def test_what_is_no_pin_or_easily_guessed_is_refused_and_changes_nothing(pin: str) -> None:
    mina = staff_make(pin=PIN)
    with pytest.raises(PinInvalid):
        pin_set(user=mina, pin=pin)
    assert tried(mina, PIN) == mina


def test_a_new_pin_replaces_the_old_one_and_a_cleared_one_opens_nothing() -> None:
    mina = staff_make(pin=PIN)
    pin_set(user=mina, pin=OTHER_PIN)
    with pytest.raises(PinRefused):
        tried(mina, PIN)
    assert tried(mina, OTHER_PIN) == mina
    pin_clear(user=mina)
    for pin in (OTHER_PIN, ""):
        with pytest.raises(PinRefused):
            tried(mina, pin)


def test_a_shopper_a_device_and_a_closed_account_get_no_pin(shopper: User) -> None:
    closed = staff_make("closed")
    closed.is_active = False
    closed.save()
    for user in (shopper, User.objects.create_user("lane-1", is_device=True), closed):
        with pytest.raises(PinInvalid, match="staff and admins"):
            pin_set(user=user, pin=PIN)
        user.refresh_from_db()
        assert user.pin == ""
    assert (shopper.staff_number, closed.staff_number) == (None, 101)


def test_a_pin_opens_the_lanes_of_its_own_store_only() -> None:
    other = other_store_make()
    mina = staff_make(pin=PIN, store=other)
    assert tried(mina, PIN, store=other) == mina
    with pytest.raises(PinRefused):
        tried(mina, PIN)


def test_an_admin_without_a_store_opens_the_lanes_of_all(keeper: User) -> None:
    pin_set(user=keeper, pin=PIN)
    keeper.refresh_from_db()
    assert keeper.staff_number == 101
    assert [tried(keeper, PIN, store=store) for store in (store_default(), other_store_make())] == [
        keeper
    ] * 2


@pytest.mark.parametrize("change", [{"role": "user", "store": None}, {"role": "admin"}, {"is_active": False}])
def test_who_changes_roles_or_is_shut_out_loses_the_pin_and_keeps_the_number(
    change: dict[str, object],
) -> None:
    mina = staff_make(pin=PIN)
    for name, value in change.items():
        setattr(mina, name, value)
    mina.save(update_fields=list(change))
    mina.refresh_from_db()
    assert (mina.pin, mina.staff_number) == ("", 101)
    with pytest.raises(PinRefused):
        tried(mina, PIN)
    User.objects.filter(pk=mina.pk).update(role="staff", store=store_default(), is_active=True)
    with pytest.raises(PinRefused):  # it does not come back
        tried(mina, PIN)


def test_other_changes_leave_the_pin_alone() -> None:
    mina = staff_make(pin=PIN)
    mina.store = other_store_make()
    mina.save()
    mina.username = "mina-2"
    mina.save(update_fields=["username"])
    mina.save(update_fields=[])
    assert tried(mina, PIN, store=mina.store) == mina


@pytest.mark.parametrize("change", [{"role": "user"}, {"is_active": False}])
def test_a_pin_is_worth_nothing_while_its_row_says_otherwise(change: dict[str, object]) -> None:
    mina = staff_make(pin=PIN)
    User.objects.filter(pk=mina.pk).update(**change)  # past `save`, which would clear it
    with pytest.raises(PinRefused):
        tried(mina, PIN)


def test_numbers_begin_at_101_and_are_never_given_out_again() -> None:
    first, second = staff_make("first"), staff_make("second")
    assert (first.staff_number, second.staff_number) == (101, 102)
    second.role, second.store = User.Role.USER, None
    second.save()
    third = staff_make("third")
    second.role, second.store = User.Role.STAFF, store_default()
    second.save()
    assert (third.staff_number, second.staff_number) == (103, 102)


def test_a_number_taken_in_between_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    staff_make("first")
    drawn = iter([101, 101, 102])
    monkeypatch.setattr("accounts.models.staff_number_next", lambda: next(drawn))
    assert staff_make("second").staff_number == 102


def test_a_taken_name_is_told_as_such_and_takes_no_number() -> None:
    staff_make("first")
    with pytest.raises(IntegrityError, match="username"), transaction.atomic():
        staff_make("FIRST")
    assert staff_make("second").staff_number == 102


# -- What an attempt costs, and how many there are


def test_every_refusal_takes_one_hash_as_success_does(hashes: Callable[[], int], shopper: User) -> None:
    mina, foreign = staff_make(pin=PIN), staff_make("foreign", pin=PIN, store=other_store_make())
    without = staff_make("without")
    begun = hashes()
    tried(mina, PIN)
    spent = [hashes() - begun]
    for number in (mina, foreign, without, 99_999, 2**40, -1):
        begun = hashes()
        with pytest.raises(PinRefused):
            tried(number, OTHER_PIN)
        spent.append(hashes() - begun)
    assert spent == [1] * 7


def test_a_malformed_pin_is_refused_before_anything_is_looked_up(
    hashes: Callable[[], int], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    mina, store = staff_make(pin=PIN), store_default()
    begun = hashes()
    with django_assert_num_queries(0):
        for pin in ("", "1", "x" * 10_000, "204866\0", "\ud800" * 6):
            with pytest.raises(PinRefused):
                tried(mina, pin, store=store)
    assert hashes() == begun


@pytest.mark.usefixtures("one_rate_window")
def test_a_place_has_five_tries_a_minute_right_or_wrong() -> None:
    mina = staff_make(pin=PIN)
    for number in (1, 2, 3, 4):
        with pytest.raises(PinRefused):
            tried(number, PIN, place="lane-1")
    assert tried(mina, PIN, place="lane-1") == mina
    with pytest.raises(TooManyRequests) as refusal:
        tried(mina, PIN, place="lane-1")
    assert (refusal.value.data["scope"], refusal.value.data["limit"]) == ("pin", 5)
    assert tried(mina, PIN, place="lane-2") == mina


@pytest.mark.usefixtures("one_rate_window")
def test_a_number_has_five_tries_a_minute_from_all_places_together(hashes: Callable[[], int]) -> None:
    mina, ben = staff_make(pin=PIN), staff_make("ben", pin=PIN)
    for place in range(5):
        with pytest.raises(PinRefused):
            tried(mina, OTHER_PIN, place=f"lane-{place}")
    begun = hashes()
    with pytest.raises(TooManyRequests):
        tried(mina, PIN, place="lane-9")
    assert hashes() == begun  # counted before the check: a right PIN is not even compared
    assert tried(ben, PIN, place="lane-9") == ben


@pytest.mark.usefixtures("one_rate_window")
def test_the_limit_is_what_stops_guessing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it a guesser goes through all PINs: here the eighth is the right one."""
    mina, guesses = staff_make(pin=PIN), [*[f"20480{last}" for last in range(7)], PIN]

    def guessed() -> bool:
        for guess in guesses:
            try:
                return tried(mina, guess, place="lane-1") == mina
            except PinRefused:
                continue
        return False

    with pytest.raises(TooManyRequests):
        guessed()
    monkeypatch.setattr(pins, "rate_limit_check", lambda scope, key: None)
    assert guessed()


def test_the_limit_follows_the_settings(settings: Settings) -> None:
    rates = {**settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "pin": "1/day"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    with pytest.raises(PinRefused):
        tried(1, PIN, place="lane-1")
    with pytest.raises(TooManyRequests):
        tried(2, PIN, place="lane-1")


# -- Many at once


def at_once(count: int, work: Callable[[int], object]) -> None:
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            barrier.wait(10)
            work(number)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


@pytest.mark.django_db(transaction=True)
def test_members_of_staff_hired_at_once_have_numbers_of_their_own() -> None:
    store = store_default()
    at_once(8, lambda number: User.objects.create_user(f"s{number}", role="staff", store=store))
    numbers = User.objects.order_by("staff_number").values_list("staff_number", flat=True)
    assert list(numbers) == list(range(101, 109))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_without_drawing_again_some_of_them_would_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    store, drawn, refused = store_default(), threading.Barrier(4), []

    def draw_together() -> int:
        number = staff_number_next()
        drawn.wait(10)
        return number

    def hire(number: int) -> None:
        try:
            User.objects.create_user(f"s{number}", role="staff", store=store)
        except IntegrityError:
            refused.append(number)

    monkeypatch.setattr("accounts.models.STAFF_NUMBER_TRIES", 1)
    monkeypatch.setattr("accounts.models.staff_number_next", draw_together)
    at_once(4, hire)
    assert (len(refused), User.objects.count()) == (3, 1)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_pin_set_while_its_owner_is_shut_out_does_not_survive() -> None:
    """The setter waits for the lock of whoever shuts out, and then finds the account closed."""
    mina, outcome = staff_make(), []
    waiting = threading.Event()

    def set_pin() -> None:
        waiting.set()
        try:
            pin_set(user=mina, pin=PIN)
            outcome.append("set")
        except PinInvalid:
            outcome.append("refused")
        finally:
            connections.close_all()

    setter = threading.Thread(target=set_pin)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=mina.pk)
        setter.start()
        waiting.wait(10)
        lock_waited_for()
        User.objects.filter(pk=mina.pk).update(is_active=False)
    setter.join(10)
    mina.refresh_from_db()
    assert (outcome, mina.pin) == (["refused"], "")


def lock_waited_for() -> None:
    """Wait until another connection waits for a lock."""
    with connection.cursor() as cursor:
        for _ in range(500):
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    pytest.fail("nobody waits for the lock")
