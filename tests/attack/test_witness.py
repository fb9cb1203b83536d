"""The bystander's wait is counted from each frame it sent to the first result that followed."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tests.attack.witness import Witness


@pytest.fixture
def witness() -> Witness:
    """Return a witness that has heard nothing yet."""
    return Witness(cast("Any", None))


def event(kind: str, at: float, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "at": at, **more}


def test_a_frame_waits_until_it_or_a_later_one_has_a_result(witness: Witness) -> None:
    witness.events = [
        event("sent", 1.0, number=1),
        event("sent", 2.0, number=2),
        event("result", 2.5, number=2),
        event("refused", 2.6, code="late_frame"),
        event("sent", 3.0, number=3),
        event("result", 3.25, number=3),
    ]
    assert witness.between(0.0, 3.0).answer_ms == [1500.0, 500.0]
    assert witness.between(3.0, 9.0).answer_ms == [250.0]


def test_a_frame_without_result_has_waited_until_now(witness: Witness) -> None:
    witness.events = [event("sent", 0.0, number=1)]
    [waited_ms] = witness.between(0.0, 1.0).answer_ms
    assert waited_ms > 1000


def test_a_stall_counts_for_every_span_that_it_reaches_into(witness: Witness) -> None:
    witness.events = [
        event("health", 1.1, status="200", began=1.0),
        event("health", 6.0, status="200", began=2.0),
        event("orders", 7.0, status="503", began=6.5),
    ]
    assert witness.between(0.0, 2.0).stall_ms == pytest.approx(100)
    assert witness.between(3.0, 5.0).stall_ms == 4000
    assert witness.between(6.5, 8.0).stall_ms == 0
    assert witness.between(0.0, 8.0).answers == {"200": 2, "503": 1}
