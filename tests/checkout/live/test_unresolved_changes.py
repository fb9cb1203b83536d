"""What the lane reports as unresolved is queued, stored once, and linked to what becomes of its track."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID, uuid4

import numpy as np
import pytest

from checkout.errors import AlreadyResolved, BadCommand
from checkout.live import camera_state
from checkout.live.camera_state import CameraState
from checkout.live.commands import UnresolvedDismiss, UnresolvedResolve, command_parse
from checkout.live.pending_changes import Change, change_store
from checkout.models import CheckoutSession, ScanEvent, UnresolvedItem
from recognition.vision.lane.lane import Lane
from recognition.vision.lane.observations import Outcome
from recognition.vision.lane.observations import UnresolvedItem as Reported
from recognition.vision.lane.reasons import ReasonCode, because
from recognition.vision.lane.voting import CountEvent
from tests.checkout.shop import cart_lines, product_make

Action = ScanEvent.Action
PICTURE = np.full((40, 30, 3), 200, np.uint8)
WHY = because(ReasonCode.TOO_FEW_VIEWS, views=2)


@pytest.fixture
def camera() -> CameraState:
    return CameraState(Lane())


def reported(track: int, *choices: UUID, kind: str = "unanswered") -> Reported:
    ids = tuple(str(product_id) for product_id in choices)
    return Reported(track, cast("Any", kind), ids, 0.6, 0.01, PICTURE, WHY)


def counted(track: int, product_id: UUID, action: str = "add") -> CountEvent:
    return CountEvent(cast("Any", action), str(product_id), track, 0.9, 0.2, 3, PICTURE, WHY)


def take(camera: CameraState, **outcome: Any) -> list[Change]:
    """Have a camera take an outcome; return the changes that wait for it, which are taken away."""
    camera.take_outcome(Outcome(**{"detections": (), "events": (), **outcome}), {})
    changes, camera.changes = camera.changes, []
    return changes


def store(session: CheckoutSession, changes: list[Change]) -> list[str | None]:
    """Store changes, each twice, as after a lost answer; return the actions told."""
    told: list[str | None] = []
    for change in changes:
        event = change_store(session_id=session.pk, change=change)
        assert change_store(session_id=session.pk, change=change) is None, "a change happens once"
        told.append(None if event is None else event["action"])
    return told


@pytest.mark.parametrize("kind", ["undecided", "unknown", "unanswered"])
def test_what_is_reported_waits_with_its_picture_and_is_stored_once(
    camera: CameraState, session: CheckoutSession, kind: str
) -> None:
    milk = product_make("Milk")
    changes = take(camera, unresolved=(reported(7, milk.pk, kind=kind),))
    assert [change.action for change in changes] == [Action.UNRESOLVED]
    assert camera.unresolved == {7: changes[0].cause.event_id}
    assert store(session, changes) == ["unresolved"]
    item = UnresolvedItem.objects.get()
    assert (item.pk, item.kind, item.track, item.choices) == (
        changes[0].cause.event_id,
        kind,
        7,
        [str(milk.pk)],
    )
    event = ScanEvent.objects.get()
    assert bytes(event.thumbnail or b"")[:2] == b"\xff\xd8"
    assert (event.score, event.margin, event.reason) == (0.6, 0.01, WHY.payload())


def test_a_track_that_is_counted_after_all_resolves_its_item(
    camera: CameraState, session: CheckoutSession
) -> None:
    milk = product_make("Milk")
    store(session, take(camera, unresolved=(reported(7),)))
    changes = take(camera, events=(counted(7, milk.pk),), settled=(7,))
    assert [change.action for change in changes] == [Action.ADD, Action.SETTLE]
    assert store(session, changes) == ["add", None], "there is nothing left to settle"
    assert (cart_lines(session), UnresolvedItem.objects.get().outcome) == ({"Milk": 1}, "added")


def test_a_track_that_is_settled_without_counting_closes_its_item(
    camera: CameraState, session: CheckoutSession
) -> None:
    store(session, take(camera, unresolved=(reported(7),)))
    assert store(session, take(camera, settled=(7,))) == ["sync"]
    assert UnresolvedItem.objects.get().outcome == "settled"
    assert take(camera, settled=(8,)) == [], "nothing was reported of it"


def test_a_choice_for_a_track_that_the_lane_does_not_count_resolves_its_item(
    camera: CameraState, session: CheckoutSession
) -> None:
    milk = product_make("Milk")
    store(session, take(camera, unresolved=(reported(7, milk.pk),)))
    camera.take_choice(7, milk.pk)
    camera.take_choice(8, milk.pk)
    (change,) = camera.changes
    assert store(session, [change]) == ["add"]
    assert (cart_lines(session), UnresolvedItem.objects.get().outcome) == ({"Milk": 1}, "added")
    (late,) = take(camera, events=(counted(7, milk.pk),))[-1:]
    assert change_store(session_id=session.pk, change=late) is None
    assert cart_lines(session) == {"Milk": 1}
    camera.take_choice(7, milk.pk)
    with pytest.raises(AlreadyResolved):
        change_store(session_id=session.pk, change=camera.changes[-1])


def test_the_items_of_the_newest_thousand_tracks_are_remembered(camera: CameraState) -> None:
    assert camera_state.UNRESOLVED_MAX == 1000
    for track in range(1, 1002):
        take(camera, unresolved=(reported(track),))
    assert (len(camera.unresolved), min(camera.unresolved)) == (1000, 2)


def test_commands_name_the_item_and_what_becomes_of_it() -> None:
    item, product = uuid4(), uuid4()
    head = f'{{"type":"unresolved.resolve","id":"{item}"'
    assert command_parse(f'{head},"product_id":"{product}"}}') == UnresolvedResolve(item, product, None)
    assert command_parse(f'{head},"code":"880"}}') == UnresolvedResolve(item, None, "880")
    dismiss = f'{{"type":"unresolved.dismiss","id":"{item}","reason":'
    assert command_parse(f'{dismiss}"put_back"}}') == UnresolvedDismiss(item, "put_back")
    refused = [
        f"{head}}}",
        f'{head},"code":7}}',
        f'{head},"code":"880","product_id":"{product}"}}',
        f'{dismiss}"left"}}',
        f"{dismiss}null}}",
        '{"type":"unresolved.dismiss","id":7,"reason":"put_back"}',
    ]
    for text in refused:
        with pytest.raises(BadCommand):
            command_parse(text)
