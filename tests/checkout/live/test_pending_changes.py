"""What an event of the lane means to the cart, and what each change does when it is stored."""

from __future__ import annotations

from uuid import UUID, uuid4

import numpy as np
import pytest

from checkout.cart import items
from checkout.cart.scan_events import Cause
from checkout.live import camera_state
from checkout.live.camera_state import CameraState
from checkout.live.pending_changes import Change, change_store
from checkout.models import BillingItem, CheckoutSession, ScanEvent, Source
from recognition.vision.lane.lane import Lane
from recognition.vision.lane.reasons import ReasonCode, because
from recognition.vision.lane.voting import CountEvent
from tests.checkout.shop import product_make, seen

Action = ScanEvent.Action
MILK_ID, CREAM_ID = uuid4(), uuid4()


VOTES = because(ReasonCode.VIEWS_ACCEPT, accepting=3, views=3)


def change_of(camera: CameraState, event: CountEvent) -> Change:
    """Have a camera take an event, and return the change that waits for it."""
    camera.take_event(event)
    return camera.changes[-1]


def answer_of(camera: CameraState, track: int, product_id: UUID) -> Change:
    """Have a camera take an answer, and return the change that waits for it."""
    camera.take_answer(track, product_id)
    return camera.changes[-1]


@pytest.fixture
def camera() -> CameraState:
    return CameraState(Lane())


def counted(action: str, track: int, *, score: float = 0.8, views: int = 3) -> CountEvent:
    picture = np.full((40, 30, 3), 200, np.uint8)
    return CountEvent(action, str(MILK_ID), track, score, 0.2, views, picture, VOTES)  # type: ignore[arg-type]


def test_what_the_camera_saw_is_an_addition_with_its_score_and_picture(camera: CameraState) -> None:
    change = change_of(camera, counted("add", 7))
    assert (change.action, change.product_id, change.added_id) == (Action.ADD, MILK_ID, None)
    cause = change.cause
    assert (cause.source, cause.score, cause.margin) == (Source.VISION, 0.8, 0.2)
    assert (cause.thumbnail or b"")[:2] == b"\xff\xd8"
    assert camera.additions == {7: cause.event_id}


def test_what_leaves_names_the_addition_that_it_ends_once(camera: CameraState) -> None:
    added = change_of(camera, counted("add", 7))
    change_of(camera, counted("add", 8))
    removed = change_of(camera, counted("remove", 7))
    assert (removed.action, removed.product_id, removed.added_id) == (
        Action.REMOVE,
        MILK_ID,
        added.cause.event_id,
    )
    assert list(camera.additions) == [8]
    assert change_of(camera, counted("remove", 7)).added_id is None


@pytest.mark.parametrize(("views", "score"), [(0, None), (1, 0.8)])
def test_an_item_known_by_its_barcode_has_a_score_only_where_it_was_seen_too(
    camera: CameraState, views: int, score: float | None
) -> None:
    camera.scanned.add(7)
    cause = change_of(camera, counted("add", 7, views=views)).cause
    assert (cause.source, cause.score) == (Source.BARCODE, score)
    assert (cause.margin is None) == (score is None)
    unscanned = change_of(camera, counted("add", 8, views=views)).cause
    assert (unscanned.source, unscanned.score) == (Source.VISION, 0.8)


def test_a_track_whose_barcode_named_another_product_leaves_as_that(camera: CameraState) -> None:
    camera.overruled[7] = str(CREAM_ID)
    assert change_of(camera, counted("remove", 7)).product_id == CREAM_ID
    assert change_of(camera, counted("remove", 8)).product_id == MILK_ID


def test_the_additions_of_the_newest_thousand_tracks_are_remembered(camera: CameraState) -> None:
    assert camera_state.ADDITIONS_MAX == 1000
    for track in range(1, 1002):
        change_of(camera, counted("add", track))
    assert (len(camera.additions), min(camera.additions), max(camera.additions)) == (1000, 2, 1001)


def test_an_answer_is_about_the_question_or_else_about_the_unknown_item(camera: CameraState) -> None:
    asked_id, unknown_id = uuid4(), uuid4()
    assert answer_of(camera, 7, MILK_ID).cause.about_id is None
    camera.recorded[7, "unknown"] = unknown_id
    assert answer_of(camera, 7, MILK_ID).cause.about_id == unknown_id
    camera.recorded[7, "ambiguous"] = asked_id
    answer = answer_of(camera, 7, MILK_ID)
    assert (answer.action, answer.product_id, answer.cause.about_id) == (Action.ANSWER, MILK_ID, asked_id)
    assert answer.cause.source == Source.MANUAL
    assert answer_of(camera, 8, MILK_ID).cause.about_id is None


def quantities() -> dict[str, int]:
    return dict(BillingItem.objects.values_list("product__name", "quantity"))


def stored(session: CheckoutSession, action: Action, product_id: UUID | None, **about: UUID) -> str | None:
    change = Change(action, product_id, seen(0.9), **about)
    event = change_store(session_id=session.pk, change=change)
    assert change_store(session_id=session.pk, change=change) is None, "a change happens once"
    return None if event is None else event["action"]


def test_each_change_does_to_the_cart_what_it_is(session: CheckoutSession) -> None:
    milk, cream = product_make("Milk"), product_make("Cream")
    assert stored(session, Action.QUESTION, None) is None
    assert stored(session, Action.UNKNOWN, None) is None
    assert stored(session, Action.ANSWER, milk.pk) is None
    assert quantities() == {}
    assert stored(session, Action.ADD, milk.pk) == "add"
    assert stored(session, Action.ADD, milk.pk) == "add"
    assert quantities() == {"Milk": 2}
    assert stored(session, Action.REMOVE, milk.pk) == "remove"
    assert quantities() == {"Milk": 1}
    added = Cause(score=0.9)
    items.item_add(session_id=session.pk, product_id=milk.pk, cause=added)
    about = {"added_id": added.event_id, "pictured_id": milk.pk}
    assert stored(session, Action.DISAGREE, cream.pk, **about) == "correct"
    assert quantities() == {"Milk": 1, "Cream": 1}
    assert stored(session, Action.REMOVE, milk.pk, added_id=added.event_id) == "remove"
    assert quantities() == {"Milk": 1}, "what the shopper got instead is what leaves"
    actions = ScanEvent.objects.values_list("action", flat=True)
    assert [action for action in actions if action in ("question", "unknown", "answer", "disagree")] == [
        "question",
        "unknown",
        "answer",
        "disagree",
    ]
