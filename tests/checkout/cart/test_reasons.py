"""Reasons are codes with data, which every language puts into a sentence of its own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils.translation import gettext, override

from accounts.models import User
from checkout.cart import corrections, items, services
from checkout.cart.reasons import (
    CHOICE,
    EVENT,
    SENTENCES,
    CartReason,
    event_say,
    reason_say,
    stored_reason_say,
)
from checkout.models import ScanEvent
from recognition.vision.lane.reasons import LifeEvent, Param, Reason, ReasonCode, because
from tests.checkout.shop import product_make

LANGUAGES = [code for code, _ in settings.LANGUAGES]
CODES = [*ReasonCode, *CartReason]
VOTES = because(ReasonCode.VIEWS_ACCEPT, accepting=3, views=4)
PARAMS: dict[str, Param] = {
    "because": VOTES,
    "product_ids": ("a-1", "b-2", "c-3"),
    "product_id": "a-1",
    "barcode": "8801234567893",
    "track": 7,
    "views": 5,
    "accepting": 4,
    "products": 2,
    "who": "Mina",
    "why": "Price check",
}


def params_of(code: str) -> dict[str, Param]:
    """Return a value for each parameter that the sentence of a code has a place for."""
    return {name: PARAMS[name] for name in re.findall(r"%\((\w+)\)s", SENTENCES[code])}


def test_every_code_has_a_sentence_and_every_sentence_a_code() -> None:
    assert sorted(SENTENCES) == sorted(map(str, CODES))
    assert len(set(SENTENCES.values())) == len(CODES)


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_code_has_a_sentence_of_its_own_in_every_language(language: str) -> None:
    with override(language):
        said = {code: gettext(sentence) for code, sentence in SENTENCES.items()}
        said |= {sentence: gettext(sentence) for sentence in (EVENT, CHOICE)}
    english = {**SENTENCES, EVENT: EVENT, CHOICE: CHOICE}

    assert [code for code, sentence in said.items() if sentence == english[code]] == []
    for code, sentence in said.items():
        assert sorted(re.findall(r"%\(\w+\)s", sentence)) == sorted(re.findall(r"%\(\w+\)s", english[code]))
    spoken = "".join(re.sub(r"%\(\w+\)s", "", sentence) for sentence in said.values())
    assert re.findall("[a-zA-Z]+", spoken) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", CODES)
def test_every_code_is_said_with_its_data(code: str, language: str) -> None:
    with override(language):
        said = reason_say(Reason(code, params_of(code)), {"a-1": "Apple", "b-2": "Pear"})
        votes = reason_say(VOTES)

    assert "%" not in said
    for name in params_of(code):
        for part in {
            "because": [votes],
            "product_id": ["Apple"],
            "product_ids": ["Apple", "Pear", "c-3"],
        }.get(name, [str(PARAMS[name])]):
            assert part in said


@pytest.mark.parametrize(
    ("event", "english", "korean"),
    [
        (
            LifeEvent(12, because(ReasonCode.CAME_TO_REST)),
            "frame 12: lies still",
            "프레임 12: 멈춰 있음",
        ),
        (
            LifeEvent(
                9,
                because(
                    ReasonCode.AMBIGUOUS,
                    product_ids=("a-1", "b-2", "c-3"),
                    because=because(ReasonCode.LIES_IN_VIEW, because=Reason(CartReason.SET_BY_HAND)),
                ),
            ),
            "frame 9: ambiguous: a-1 or b-2 or c-3 (lies in view; set by hand)",
            "프레임 9: 불확실: a-1 또는 b-2 또는 c-3 (화면 안에 놓여 있습니다. 수량을 직접 정했습니다)",
        ),
    ],
)
def test_reasons_within_reasons_are_said_in_the_same_language(
    event: LifeEvent, english: str, korean: str
) -> None:
    with override("en"):
        assert event_say(event) == english
    with override("ko"):
        assert event_say(event) == korean


@pytest.mark.parametrize("code", CODES)
def test_a_reason_survives_being_stored(code: str) -> None:
    reason = Reason(code, params_of(code))

    assert Reason.of_payload(json.loads(json.dumps(reason.payload()))) == reason


def test_what_was_stored_before_there_were_codes_is_said_as_it_is() -> None:
    with override("ko"):
        assert stored_reason_say({"text": "5 of 6 views agree"}) == "5 of 6 views agree"
        assert stored_reason_say(None) == ""
        assert stored_reason_say(Reason(CartReason.CORRECTED).payload()) == gettext(
            "corrected by the shopper"
        )


@pytest.mark.parametrize(
    "stored",
    [{"code": "new"}, {"code": "barcode"}, {}, {"code": "verified", "params": {"because": {"text": "x"}}}],
)
def test_what_another_version_stored_is_shown_as_it_is_stored(stored: dict[str, Any]) -> None:
    assert json.loads(stored_reason_say(stored)) == stored


def test_products_that_a_reason_names_are_found_within_it() -> None:
    named = because(ReasonCode.AMBIGUOUS, product_ids=("a", "b"), because=VOTES)

    assert because(ReasonCode.EXCHANGED, product_id="c", because=named).product_ids() == {"a", "b", "c"}
    assert VOTES.product_ids() == set()


@pytest.mark.django_db
def test_changes_by_hand_and_taking_them_back_are_stored_with_their_codes(shopper: User) -> None:
    session, tea, honey = services.session_start(user=shopper), product_make("Tea"), product_make("Honey")
    for quantity in (3, 2):
        items.item_set(session_id=session.pk, product_id=tea.pk, quantity=quantity)
    corrections.item_correct(session_id=session.pk, product_id=tea.pk, instead_id=honey.pk)
    for action in ("correct", "remove", "add"):
        change = ScanEvent.objects.get(session=session, action=action)
        corrections.change_undo(session_id=session.pk, event_id=change.pk)

    stored = ScanEvent.objects.order_by("created_at").values_list("reason__code", flat=True)
    assert list(stored) == [
        "set_by_hand",
        "set_by_hand",
        "corrected",
        "correct_undone",
        "remove_undone",
        "add_undone",
    ]


def test_the_sentences_stand_in_one_table_only() -> None:
    written = [path for path in Path("recognition/vision").rglob("*.py") if "gettext" in path.read_text()]

    assert written == []
