"""A code pairs one device, once, within ten minutes; a key holds until it is revoked."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.logins import login_holds, login_of
from accounts.models import User
from checkout.errors import PairingRefused
from checkout.lanes import pairing
from checkout.lanes.pairing import key_revoke, lane_by_key, lane_pair, pairing_code_make
from checkout.lanes.selectors import lane_of
from checkout.models import Alert, Lane, LaneEvent, PairingCode
from ebrcs.rate_limits import TooManyRequests, rate_parse
from tests.checkout.cart.test_concurrency import at_once
from tests.checkout.lanes.makers import lane_make, staff_make, store_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(db: None) -> User:
    return staff_make()


@pytest.fixture
def lane(db: None) -> Lane:
    return lane_make()


@pytest.fixture
def unlimited(settings: Settings) -> None:
    rates = {**settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "pair": "100000/day"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}


def refused(code: str) -> None:
    """Assert that a code pairs nothing, with the one refusal that all have."""
    before = list(Lane.objects.values())
    with pytest.raises(PairingRefused) as refusal:
        lane_pair(code=code, address="192.0.2.9")
    assert (refusal.value.code, refusal.value.status, refusal.value.data) == ("pairing_refused", 403, {})
    assert list(Lane.objects.values()) == before


def test_a_code_pairs_a_device_whose_key_is_known_from_then_on(lane: Lane, staff: User) -> None:
    code = pairing_code_make(lane=lane, by=staff)
    assert len(code) == 9
    assert code[4] == "-"
    paired, key = lane_pair(code=code, address="192.0.2.1")
    assert paired == lane
    assert lane_by_key(key) == lane
    event = LaneEvent.objects.get()
    assert (event.kind, event.actor, event.lane) == ("paired", staff, lane)


@pytest.mark.parametrize("change", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code} "])
def test_a_code_is_understood_however_it_is_typed(change: Any, lane: Lane, staff: User) -> None:
    assert lane_pair(code=change(pairing_code_make(lane=lane, by=staff)), address="192.0.2.1")[0] == lane


def test_letters_that_look_like_digits_are_read_as_digits() -> None:
    assert pairing.code_normalized("oIl0-abcd") == "0110ABCD"


def test_neither_code_nor_key_is_stored(lane: Lane, staff: User) -> None:
    code = pairing_code_make(lane=lane, by=staff)
    _, key = lane_pair(code=code, address="192.0.2.1")
    stored = str(list(PairingCode.objects.values())) + str(list(Lane.objects.values()))
    assert code not in stored
    assert code.replace("-", "") not in stored
    assert key not in stored
    assert len(key) >= 43


def test_a_code_lasts_ten_minutes(lane: Lane, staff: User) -> None:
    assert timedelta(minutes=10) == pairing.CODE_LIFETIME
    pairing_code_make(lane=lane, by=staff)
    made = PairingCode.objects.get()
    assert abs(made.expires_at - made.created_at - timedelta(minutes=10)) < timedelta(seconds=2)


def test_unknown_used_old_and_replaced_codes_are_refused_alike(lane: Lane, staff: User) -> None:
    used = pairing_code_make(lane=lane, by=staff)
    lane_pair(code=used, address="192.0.2.1")
    replaced = pairing_code_make(lane=lane, by=staff)
    old = pairing_code_make(lane=lane, by=staff)
    PairingCode.objects.filter(used_at=None).update(expires_at=timezone.now())
    for code in (used, replaced, old, "0000-0000", "", "\x00", "🥛" * 1000, "A" * 10_000):
        refused(code)


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "user"}, {"store": "another"}])
def test_a_code_ends_with_the_work_of_who_made_it(change: dict[str, Any], lane: Lane, staff: User) -> None:
    code = pairing_code_make(lane=lane, by=staff)
    if "store" in change:
        change = {"store": store_make()}
    User.objects.filter(pk=staff.pk).update(**change)
    refused(code)
    assert PairingCode.objects.get().used_at is None


def test_another_device_ends_the_first_one(lane: Lane, staff: User) -> None:
    _, first = lane_pair(code=pairing_code_make(lane=lane, by=staff), address="192.0.2.1")
    account = lane_by_key(first)
    assert account is not None
    login = login_of(account.account)
    assert login_holds(login)
    _, second = lane_pair(code=pairing_code_make(lane=lane, by=staff), address="192.0.2.1")
    assert lane_by_key(first) is None
    assert not login_holds(login)
    assert lane_by_key(second) == lane


def test_a_revoked_key_logs_its_device_out_and_voids_codes(lane: Lane, staff: User) -> None:
    paired, key = lane_pair(code=pairing_code_make(lane=lane, by=staff), address="192.0.2.1")
    login = login_of(paired.account)
    code = pairing_code_make(lane=lane, by=staff)
    Alert.objects.create(lane=lane, kind="offline")
    key_revoke(lane=lane, by=staff)
    assert lane_by_key(key) is None
    assert not login_holds(login)
    refused(code)
    assert not Alert.objects.filter(resolved_at=None).exists()
    key_revoke(lane=lane, by=staff)
    assert list(LaneEvent.objects.order_by("created_at").values_list("kind", "actor")) == [
        ("paired", staff.pk),
        ("revoked", staff.pk),
    ]


@pytest.mark.parametrize("key", ["", "x", "\x00", "🥛", "0" * 64])
def test_a_made_up_key_is_no_lanes(key: str, lane: Lane) -> None:
    assert lane_by_key(key) is None


def test_the_hash_of_a_key_is_no_key(lane: Lane, staff: User) -> None:
    lane_pair(code=pairing_code_make(lane=lane, by=staff), address="192.0.2.1")
    lane.refresh_from_db()
    assert lane.key_hash is not None
    assert lane_by_key(lane.key_hash) is None


def test_the_key_of_a_lane_that_may_not_log_in_is_refused(lane: Lane, staff: User) -> None:
    _, key = lane_pair(code=pairing_code_make(lane=lane, by=staff), address="192.0.2.1")
    User.objects.filter(pk=lane.account_id).update(is_active=False)
    assert lane_by_key(key) is None


def test_tries_are_counted_by_address(lane: Lane, staff: User) -> None:
    rates: Any = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    assert rate_parse(rates["pair"]) == (10, 60)
    code = pairing_code_make(lane=lane, by=staff)
    limit = 0
    for _ in range(30):  # a minute may end in between
        try:
            lane_pair(code="0000-0000", address="192.0.2.7")
        except TooManyRequests as refusal:
            limit = refusal.data["limit"]
            break
        except PairingRefused:
            continue
    assert limit == 10
    with pytest.raises(TooManyRequests):
        lane_pair(code=code, address="192.0.2.7")
    assert lane_pair(code=code, address="192.0.2.8")[0] == lane


def test_only_the_account_of_a_lane_is_one(lane: Lane, staff: User) -> None:
    assert lane_of(lane.account) == lane
    assert lane_of(staff) is None
    assert lane_of(User.objects.create_user("phone", is_device=True)) is None


def pairings(lane: Lane, staff: User, threads: int = 20) -> Counter[str]:
    """Return what becomes of callers who use one code at once."""
    code = pairing_code_make(lane=lane, by=staff)
    outcomes = at_once(threads, lambda _: lane_pair(code=code, address="192.0.2.1"))
    return Counter(type(outcome).__name__ for outcome in outcomes)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_20_devices_with_one_code_exactly_one_is_paired(lane: Lane, staff: User, unlimited: None) -> None:
    for _ in range(3):
        assert pairings(lane, staff) == {"tuple": 1, "PairingRefused": 19}
    assert LaneEvent.objects.count() == 3


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_20_devices_several_would_be_paired_by_a_code_that_is_looked_at_first(
    lane: Lane, staff: User, unlimited: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_at(*, code: str, address: str) -> Lane:
        code_hash = pairing._code_hash(pairing.code_normalized(code))
        found = PairingCode.objects.filter(code_hash=code_hash, used_at=None).first()
        if found is None:
            raise PairingRefused
        found.used_at = timezone.now()
        found.save()
        return found.lane

    monkeypatch.setitem(globals(), "lane_pair", looked_at)
    assert max(pairings(lane, staff)["Lane"] for _ in range(10)) > 1
