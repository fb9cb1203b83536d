"""Data that was stored under an older schema is carried over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.timezone import now

BEFORE, AFTER = [("checkout", "0003_answer_times")], [("checkout", "0006_reason_sentences_removed")]


@pytest.fixture
def old_events(transactional_db: None) -> Iterator[Any]:
    """Return the scan events of the schema in which reasons were sentences."""
    executor = MigrationExecutor(connection)
    executor.migrate(BEFORE)
    yield executor.loader.project_state(BEFORE).apps.get_model("checkout", "ScanEvent")
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_reasons_of_known_shapes_become_codes_and_all_others_stay_text(old_events: Any) -> None:
    apps = old_events._meta.apps
    user = apps.get_model("accounts", "User").objects.create(username="shopper", role="user")
    session = apps.get_model("checkout", "CheckoutSession").objects.create(user=user, last_active=now())
    votes = {"code": "views_accept", "params": {"accepting": 3, "views": 4}}
    expected = {
        "": None,
        "3 of 4 views accept it": votes,
        "settled by a closer look; 3 of 4 views accept it": {
            "code": "verified",
            "params": {"because": votes},
        },
        "left open by a closer look; no product in enough of 6 views": {
            "code": "verification_undecided",
            "params": {"because": {"code": "no_product", "params": {"views": 6}}},
        },
        "it lies in view; 2 products named in 6 views, none sure": {
            "code": "lies_in_view",
            "params": {"because": {"code": "no_product_sure", "params": {"products": 2, "views": 6}}},
        },
        "it moved in": {"code": "moved_in", "params": {}},
        "it moved out": {"code": "moved_out", "params": {}},
        "it was taken out of view": {"code": "taken_away", "params": {}},
        "barcode 8801234567893": {"code": "barcode", "params": {"barcode": "8801234567893"}},
        "chosen by the shopper": {"code": "chosen", "params": {}},
        "corrected by the shopper": {"code": "corrected", "params": {}},
        "set by hand": {"code": "set_by_hand", "params": {}},
        "add taken back": {"code": "add_undone", "params": {}},
        "remove taken back": {"code": "remove_undone", "params": {}},
        "correct taken back": {"code": "correct_undone", "params": {}},
        "5 of 6 views agree": {"text": "5 of 6 views agree"},
        "it lies in view; something else": {"text": "it lies in view; something else"},
    }
    events = {
        sentence: old_events.objects.create(
            session=session, action="unknown", source="vision", reason=sentence
        ).pk
        for sentence in expected
    }

    executor = MigrationExecutor(connection)
    executor.migrate(AFTER)

    moved = executor.loader.project_state(AFTER).apps.get_model("checkout", "ScanEvent")
    assert {sentence: moved.objects.get(pk=key).reason for sentence, key in events.items()} == expected
