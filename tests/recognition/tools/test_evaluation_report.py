"""How many confusions a report lists and shows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from recognition.tools import evaluation_report
from recognition.vision.decision.decide import Candidate, Decision
from recognition.vision.evaluation.photo_metrics import Answer, Confusion


def evaluation(confusions: int) -> Any:
    """Return as many confusions of one picture each."""
    decision = Decision("accepted", 0.9, 0.1, (Candidate("jam", 0.9, 0),))
    found = [Confusion(f"tea-{n}", "jam", (Answer(0, f"tea-{n}", decision),), 1) for n in range(confusions)]
    return SimpleNamespace(confusions=found, recognizer=SimpleNamespace(position_of=lambda row: row))


def test_the_hundred_worst_confusions_are_listed_and_forty_shown(tmp_path: Path) -> None:
    photos: Any = SimpleNamespace(paths=[tmp_path / "photo.jpg"])
    found = evaluation(101)
    listed = evaluation_report.confusions_listed(found, photos, photos)
    assert [each["class"] for each in listed] == [f"tea-{n}" for n in range(100)]

    metrics: Any = {"per_class": {}, "by_shots": {}}
    metrics |= dict.fromkeys((key for key, _, _ in evaluation_report.HEADLINE_METRICS), 0.5)
    with (
        mock.patch.object(evaluation_report, "_confusion_context", side_effect=lambda each, *_: each.truth),
        mock.patch.object(evaluation_report, "render_to_string", return_value="") as rendered,
    ):
        evaluation_report.report_write(
            tmp_path / "report.html", metrics, found, gallery=photos, queries=photos
        )
    context = rendered.call_args.args[1]
    assert context["confusions"] == [f"tea-{n}" for n in range(40)]
    assert context["confusions_total"] == 101
