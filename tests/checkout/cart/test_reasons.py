"""The reasons in the reader's language: whatever the engine and the cart say is known, and said in Korean."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Literal

import pytest
from django.utils.translation import gettext, override

from accounts.models import User
from checkout.cart import corrections, reasons, services
from checkout.cart.reasons import SHAPES, reworded
from checkout.models import ScanEvent
from recognition.vision.decision.decide import Candidate, Decision
from recognition.vision.lane.lane import Lane
from tests.checkout.shop import product_make
from tests.recognition.vision.lane.harder_visits import visit_of
from tests.recognition.vision.lane.known_identities import play_visit
from tests.recognition.vision.scenes import BLUE, RED, YELLOW, Image, Pack, Stage, play

LEFT, MIDDLE, RIGHT = (90.0, 120.0), (160.0, 115.0), (230.0, 120.0)
ALIKE = {"red": RED, "scarlet": (208, 40, 40)}
CODE = "barcode 8801234567893"
DRAWN = {"swapped": 1, "dim_and_noisy": 0, "into_the_cart": 0, "moved_on_the_tray": 0}
STRANGE = (60, 220, 150)
PRODUCTS = re.compile(r"\b(?:pack-\d+|red|scarlet|blue|honey)\b")


def drawn(kind: str, seed: int) -> Lane:
    return play_visit(visit_of(kind, seed), width=160).lane


def held(stage: Stage, frames: int, *packs: Pack) -> list[Image]:
    return [stage.frame(*packs) for _ in range(frames)]


def asked_and_answered() -> Lane:
    stage, lane = Stage(), Lane()
    outcomes = play(lane, stage.empty(5) + held(stage, 20, Pack(RED, MIDDLE)), registered=ALIKE)
    lane.choose(outcomes[-1].detections[0].track, "scarlet")
    return lane


def looked_at_closely(state: Literal["accepted", "ambiguous"]) -> Lane:
    found = Decision(state, 0.7, 0.0, (Candidate("red", 0.7, 0), Candidate("blue", 0.7, 1)))
    stage, lane = Stage(), Lane(verify=lambda *_: found)
    play(lane, stage.empty(5) + held(stage, 20, Pack(YELLOW, MIDDLE)))
    return lane


def named_by_barcodes() -> Lane:
    stage, lane = Stage(), Lane()
    outcomes = play(lane, stage.empty(5) + held(stage, 12, Pack(YELLOW, MIDDLE)))
    for product in ("honey", "honey", "blue"):
        lane.identify(outcomes[-1].detections[0].track, product, CODE)
    return lane


def changed_places() -> Lane:
    stage, lane = Stage(), Lane()
    before = held(stage, 12, Pack(RED, LEFT), Pack(BLUE, RIGHT))
    play(lane, stage.empty(5) + before + held(stage, 40, Pack(BLUE, LEFT), Pack(RED, RIGHT)))
    return lane


def lost_to_another_track() -> Lane:
    stage, lane = Stage(), Lane()
    later = held(stage, 40, Pack(STRANGE, LEFT), Pack(RED, RIGHT))
    play(lane, stage.empty(5) + held(stage, 15, Pack(RED, LEFT)) + later)
    return lane


VISITS: dict[str, Callable[[], Lane]] = {
    **{kind: partial(drawn, kind, seed) for kind, seed in DRAWN.items()},
    "asked and answered": asked_and_answered,
    "settled closely": partial(looked_at_closely, "accepted"),
    "left open closely": partial(looked_at_closely, "ambiguous"),
    "named by barcodes": named_by_barcodes,
    "changed places": changed_places,
    "lost to another track": lost_to_another_track,
}


@pytest.fixture(scope="session")
def told() -> list[str]:
    """Return all that lanes tell of visits in which everything happens."""
    return [line for visit in VISITS.values() for life in visit().explain() for line in life.story]


@pytest.fixture
def noted(shopper: User) -> list[str]:
    """Return the reasons of changes that a shopper made by hand, and took back."""
    session, tea, honey = services.session_start(user=shopper), product_make("Tea"), product_make("Honey")
    for quantity in (3, 2):
        services.item_set(session_id=session.pk, product_id=tea.pk, quantity=quantity)
    corrections.item_correct(session_id=session.pk, product_id=tea.pk, instead_id=honey.pk)
    for action in ("correct", "remove", "add"):
        change = ScanEvent.objects.get(session=session, action=action)
        corrections.change_undo(session_id=session.pk, event_id=change.pk)
    return list(ScanEvent.objects.order_by("created_at").values_list("reason", flat=True))


def test_all_that_is_said_is_said_in_korean_and_every_shape_is_used(
    told: list[str], noted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[str] = []

    def noting(shape: str) -> str:
        used.append(shape)
        return gettext(shape)

    monkeypatch.setattr(reasons, "gettext", noting)
    with override("ko"):
        korean = {words: reworded(words) for words in (*told, *noted)}

    assert {words: said for words, said in korean.items() if re.search("[a-z]", PRODUCTS.sub("", said))} == {}
    assert sorted(set(SHAPES).difference(used)) == []


def test_each_shape_has_words_of_its_own_in_korean() -> None:
    with override("ko"):
        assert [shape for shape in SHAPES if gettext(shape) == shape] == []


def test_in_the_language_they_are_kept_in_reasons_stay_as_they_are(told: list[str]) -> None:
    with override(reasons.KEPT_IN):
        assert [reworded(line) for line in told] == told


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("frame 12: lies still", "프레임 12: 멈춰 있음"),
        (
            "frame 9: ambiguous a-1 or b-2 or c-3 (it lies in view; set by hand)",
            "프레임 9: 불확실: a-1 또는 b-2 또는 c-3 (화면 안에 놓여 있습니다. 수량을 직접 정했습니다)",
        ),
        ("barcode 0012345678905", "바코드 0012345678905"),
        ("frame 3: something new", "프레임 3: something new"),
        ("5 of 6 views agree", "5 of 6 views agree"),
        ("", ""),
    ],
)
def test_reasons_are_said_part_by_part_and_unknown_ones_as_they_are(kept: str, said: str) -> None:
    with override("ko"):
        assert reworded(kept) == said
