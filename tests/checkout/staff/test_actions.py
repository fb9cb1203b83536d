"""What staff do at a lane names them and their reason, and never reaches another store's lane."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.translation import override
from pytest_django import Settings

from accounts.models import User
from checkout.cart import items, services
from checkout.cart.unresolved import unresolved_dismiss
from checkout.errors import (
    AlreadyResolved,
    BadCommand,
    ItemsUnresolved,
    LaneNotFound,
    NoVisit,
    StaffNeeded,
)
from checkout.lanes import announce
from checkout.lanes.alerts import alert_open
from checkout.lanes.visits import lane_visit
from checkout.live.message_fields import fields_read
from checkout.models import Alert, CheckoutSession, Lane, LaneEvent, ScanEvent
from checkout.review.story import timeline_of
from checkout.staff import actions
from checkout.staff.actions import action_do, lane_get
from checkout.staff.commands import TEXT_MAX_CHARACTERS, Action, action_parse, command_parse
from tests.checkout.cart.unresolved import left
from tests.checkout.lanes.makers import lane_make, staff_make, store_make
from tests.checkout.shop import cart_lines, product_make

pytestmark = pytest.mark.django_db
committing = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lane() -> Lane:
    return lane_make()


@pytest.fixture
def visit(lane: Lane) -> CheckoutSession:
    return lane_visit(lane=lane)


@pytest.fixture
def mina(db: None) -> User:
    return staff_make("mina")


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what the page of the lane is told to do."""
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(actions, "lane_announce", lambda **one: told.append(one["notice"]))
    return told


def do(lane: Lane, by: User, name: str, **fields: Any) -> None:
    action_do(lane=lane, by=by, action=action_parse(name, fields))


def last(visit: CheckoutSession) -> ScanEvent:
    return ScanEvent.objects.filter(session=visit).latest("created_at")


def open_kinds() -> set[str]:
    return set(Alert.objects.filter(resolved_at__isnull=True).values_list("kind", flat=True))


def test_every_change_of_the_cart_names_who_made_it_and_why(
    lane: Lane, visit: CheckoutSession, mina: User
) -> None:
    milk, tea = product_make("Milk", barcode="4006381333931"), product_make("Tea")
    do(lane, mina, "cart.set", product_id=str(milk.pk), quantity=2, reason="Price check")
    assert cart_lines(visit) == {"Milk": 2}
    assert (last(visit).actor, last(visit).action) == (mina, "add")
    for item, fields in (
        (left(visit), {"product_id": str(tea.pk)}),
        (left(visit), {"code": "4006381333931"}),
    ):
        do(lane, mina, "unresolved.resolve", id=str(item), **fields)
        assert (last(visit).actor, last(visit).about_id) == (mina, item)
    assert last(visit).source == "barcode"
    assert cart_lines(visit) == {"Milk": 3, "Tea": 1}
    given_up = left(visit)
    do(lane, mina, "unresolved.dismiss", id=str(given_up), outcome="not_mine", reason="Wrong item")
    assert visit.unresolved_items.get(pk=given_up).outcome == "not_mine"
    with pytest.raises(AlreadyResolved):
        do(lane, mina, "unresolved.dismiss", id=str(given_up))

    with override("en"):
        said = [entry.reason for entry in timeline_of(session=visit) if entry.event.actor]
    assert said == ["mina (staff): Price check", "mina (staff)", "mina (staff)", "mina (staff): Wrong item"]
    items.item_set(session_id=visit.pk, product_id=tea.pk, quantity=0)
    assert last(visit).actor is None, "that was the shopper"


@committing
def test_approving_lets_a_shopper_pay_who_may_not_give_items_up(
    lane: Lane, visit: CheckoutSession, mina: User, settings: Settings, commands: list[dict[str, Any]]
) -> None:
    settings.SHOPPER_DISMISSES = False
    items.item_set(session_id=visit.pk, product_id=product_make("Milk").pk, quantity=1)
    item = left(visit)
    with pytest.raises(StaffNeeded):
        unresolved_dismiss(session_id=visit.pk, unresolved_id=item, reason="put_back")
    assert open_kinds() == {"unresolved"}
    with pytest.raises(ItemsUnresolved):
        services.session_confirm(session_id=visit.pk)
    assert open_kinds() == {"unresolved", "approval"}

    do(lane, mina, "approve", reason="Shopper asked")
    assert open_kinds() == set(), "what they were called for is done"
    approved = ScanEvent.objects.get(session=visit, action="approve")
    assert (approved.actor, ScanEvent.objects.get(action="dismiss").actor) == (mina, mina)
    assert [(one["command"], one["by"], one["session_id"]) for one in commands] == [
        ("approved", "mina", str(visit.pk))
    ]
    assert services.session_confirm(session_id=visit.pk).created


@committing
def test_approving_is_what_staff_were_called_for_although_no_item_is_open(
    lane: Lane, visit: CheckoutSession, mina: User
) -> None:
    for kind in ("approval", "help"):
        alert_open(lane=lane, kind=kind, session=visit)
    do(lane, mina, "approve")
    assert open_kinds() == {"help"}


@committing
@pytest.mark.parametrize(
    "case", [("visit.end", "end", ["ended"]), ("reset", "reset", ["reset", "ended"])], ids=lambda one: one[0]
)
def test_ending_a_visit_begins_another_and_is_written_down(
    lane: Lane,
    visit: CheckoutSession,
    mina: User,
    commands: list[dict[str, Any]],
    case: tuple[str, str, list[str]],
) -> None:
    name, scan, logged = case
    items.item_set(session_id=visit.pk, product_id=product_make("Milk").pk, quantity=1)
    do(lane, mina, name, reason="Left alone")
    visit.refresh_from_db()
    assert visit.status == "expired"
    new = lane.sessions.get(status="active")
    assert [(one["command"], one["session_id"]) for one in commands] == [("reset", str(new.pk))]
    assert (last(visit).action, last(visit).actor) == (scan, mina)
    events = LaneEvent.objects.order_by("created_at")
    assert [(one.kind, one.actor, one.reason) for one in events] == [
        (kind, mina, "Left alone") for kind in logged
    ]


@committing
def test_the_camera_is_restarted_and_the_lane_closed_with_a_visit_or_without(
    lane: Lane, mina: User, commands: list[dict[str, Any]]
) -> None:
    do(lane, mina, "restart_camera")
    visit = lane_visit(lane=lane)
    do(lane, mina, "restart_camera", reason="Dark")
    assert (last(visit).action, last(visit).actor) == ("camera", mina)
    assert [one["command"] for one in commands] == ["restart_camera"] * 2
    do(lane, mina, "close")
    lane.refresh_from_db()
    assert not lane.is_open
    do(lane, mina, "open")
    lane.refresh_from_db()
    assert lane.is_open


def test_a_cart_that_is_not_there_is_not_changed(lane: Lane, mina: User) -> None:
    for name, fields in (("approve", {}), ("cart.set", {"product_id": str(mina.pk), "quantity": 1})):
        with pytest.raises(NoVisit):
            do(lane, mina, name, **fields)
    assert CheckoutSession.objects.count() == 0


@pytest.mark.parametrize("name", ["cart.set", "approve", "reset", "visit.end", "restart_camera", "close"])
def test_staff_of_another_store_and_shoppers_change_nothing(
    lane: Lane, visit: CheckoutSession, name: str
) -> None:
    fields = {"product_id": str(product_make("Milk").pk), "quantity": 1}
    foreign = staff_make("foreign", store=store_make())
    for stranger in (foreign, User.objects.create_user("shopper"), lane.account):
        with pytest.raises(LaneNotFound):
            lane_get(lane_id=lane.pk, by=stranger)
        with pytest.raises(LaneNotFound):
            do(lane, stranger, name, **fields)
    visit.refresh_from_db()
    lane.refresh_from_db()
    assert (visit.status, lane.is_open, cart_lines(visit)) == ("active", True, {})
    assert (ScanEvent.objects.count(), LaneEvent.objects.count()) == (0, 0)


@committing
def test_the_third_item_that_a_shopper_gives_up_calls_staff(
    lane: Lane, visit: CheckoutSession, mina: User
) -> None:
    for _ in range(2):
        do(lane, mina, "unresolved.dismiss", id=str(left(visit)))
        unresolved_dismiss(session_id=visit.pk, unresolved_id=left(visit), reason="put_back")
    assert open_kinds() == set(), "what staff give up does not count"
    unresolved_dismiss(session_id=visit.pk, unresolved_id=left(visit), reason="put_back")
    assert open_kinds() == {"dismissals"}
    services.session_cancel(session_id=visit.pk)
    assert open_kinds() == set(), "over with the visit"
    assert Alert.objects.get().resolved_by is None


def test_a_shopper_without_a_lane_calls_nobody(shopper: User, settings: Settings) -> None:
    settings.SHOPPER_DISMISSES = False
    session = services.session_start(user=shopper)
    with pytest.raises(StaffNeeded):
        unresolved_dismiss(session_id=session.pk, unresolved_id=left(session), reason="put_back")
    assert Alert.objects.count() == 0


@committing
def test_changes_of_a_lane_s_cart_reach_the_consoles(
    lane: Lane, visit: CheckoutSession, shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from checkout.lanes import alert_rules

    told: list[object] = []
    monkeypatch.setattr(alert_rules, "staff_announce", lambda **one: told.append(one["store_id"]))
    milk = product_make("Milk")
    items.item_set(session_id=services.session_start(user=shopper).pk, product_id=milk.pk, quantity=1)
    assert told == []
    items.item_set(session_id=visit.pk, product_id=milk.pk, quantity=1)
    assert told == [lane.store_id]
    assert announce.staff_group(lane.store_id).startswith("staff.")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"type":"nothing"}',
        '{"type":[]}',
        '{"type":"alert.acknowledge"}',
        '{"type":"alert.acknowledge","id":"x"}',
        '{"type":"cart.set","lane_id":"00000000-0000-4000-8000-000000000001","product_id":7,"quantity":1}',
        '{"type":"lane.command","lane_id":"00000000-0000-4000-8000-000000000001","command":"explode"}',
        '{"type":"lane.command","lane_id":"00000000-0000-4000-8000-000000000001","command":["reset"]}',
        '{"type":"watch","lane_id":"00000000-0000-4000-8000-000000000001","mode":"x-ray"}',
        '{"type":"signal","lane_id":"00000000-0000-4000-8000-000000000001","data":"text"}',
    ],
)
def test_what_is_no_command_is_refused(text: str) -> None:
    with pytest.raises(BadCommand):
        command_parse(fields_read(text, characters_max=TEXT_MAX_CHARACTERS))


def test_reasons_and_outcomes_are_bounded() -> None:
    assert action_parse("reset", {"reason": " " + "x" * 200 + " "}).why == "x" * 200
    for reason in ("x" * 201, "two\nlines", 7):
        with pytest.raises(BadCommand):
            action_parse("reset", {"reason": reason})
    about = {"id": "00000000-0000-4000-8000-000000000001"}
    dismissed = action_parse("unresolved.dismiss", {**about, "reason": "not_mine"})
    assert (dismissed.outcome, dismissed.why) == ("not_mine", "")
    assert action_parse("unresolved.dismiss", about).outcome == Action.outcome == "put_back"
    for outcome in ("added", ["put_back"]):
        with pytest.raises(BadCommand):
            action_parse("unresolved.dismiss", {**about, "outcome": outcome})
    for fields in ({}, {"product_id": about["id"], "code": "96385074"}):
        with pytest.raises(BadCommand):
            action_parse("unresolved.resolve", {**about, **fields})
