"""Reports an evaluation: lines on a terminal, or a page in one file with the confused pictures."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.template.loader import render_to_string
from django.utils import timezone
from PIL import Image as PillowImage

if TYPE_CHECKING:
    from recognition.tools.labelled_photos import LabelledPhotos
    from recognition.vision.evaluation.photo_evaluation import PhotoEvaluation
    from recognition.vision.evaluation.photo_metrics import Confusion
    from recognition.vision.types import Image

CONFUSIONS_LISTED = 100
"""In the metrics."""

CONFUSIONS_SHOWN = 40
"""On the page, which holds three pictures for each."""

REPORT_PICTURE_SIDE_PX = 220

STATES = {"accepted": "added", "ambiguous": "shopper asked", "unknown": "not recognized"}

HEADLINE_METRICS = (
    ("recall_at_1", "Recall@1", "the best match is the right product"),
    ("macro_recall_at_1", "Recall@1 by class", "mean over classes, whatever their size"),
    ("recall_at_5", "Recall@5", "the right product is among the best five"),
    ("right_accept_rate", "Added correctly", "accepted as the right product, without a question"),
    ("ambiguous_rate", "Asked", "products too close to call"),
    ("false_accept_rate", "False accepts", "pictures of unregistered products that were accepted"),
    ("recall_at_false_accept_1pct", "Recall at 1% false accepts", "with the threshold set to let 1% pass"),
)


@dataclass(frozen=True)
class Shot:
    """A picture in the report: a JPEG as a data URI, what it is, and its score."""

    source: str
    caption: str
    path: str
    score: float | None = None


def summary_lines(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each metric, and then the worst confusions or the wrong carts."""
    for name, value in metrics.items():
        if name in {"per_class", "confusions", "wrong", "unreadable"}:
            continue
        rows = value.items() if name == "by_shots" else [("", value)]
        for key, row in rows:
            yield f"{name}{key and f' {key}'}: {_formatted(row)}"
    for each in metrics.get("confusions", [])[:10]:
        yield f"{each['class']} taken for {each['taken_for']}: {each['pictures']} of {each['of']}"
    for visit in metrics.get("wrong", []):
        lines = (
            f"{name} {line['counted']} instead of {line['shown']}" for name, line in visit["lines"].items()
        )
        yield f"{visit['name']} is wrong: {', '.join(lines)}"


def _formatted(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_formatted(each)}" for name, each in value.items())
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def confusions_listed(
    found: PhotoEvaluation, gallery: LabelledPhotos, queries: LabelledPhotos
) -> list[dict[str, Any]]:
    """Return the worst confusions as JSON, each with its surest picture and the photo that matched it."""
    listed = []
    for confusion in found.confusions[:CONFUSIONS_LISTED]:
        worst = confusion.answers[0]
        matched = found.recognizer.position_of(worst.decision.candidates[0].row)
        listed.append(
            {
                "class": confusion.truth,
                "taken_for": confusion.named,
                "pictures": len(confusion.answers),
                "of": confusion.of,
                "accepted": confusion.accepted,
                "worst": {
                    "picture": str(queries.paths[worst.picture]),
                    "matched": str(gallery.paths[matched]),
                    "state": worst.decision.state,
                    "score": round(worst.decision.score, 4),
                    "confidence": round(worst.confidence, 4),
                },
            }
        )
    return listed


def report_write(
    path: Path,
    metrics: Mapping[str, Any],
    found: PhotoEvaluation,
    *,
    gallery: LabelledPhotos,
    queries: LabelledPhotos,
) -> None:
    """Write the report as one HTML file without external resources.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    classes = sorted(
        metrics["per_class"].items(),
        key=lambda item: (item[1]["recall_at_1"] is None, item[1]["recall_at_1"], item[0]),
    )
    context = {
        "metrics": metrics,
        "headlines": [
            (name, hint, metrics[key], key == "false_accept_rate") for key, name, hint in HEADLINE_METRICS
        ],
        "by_shots": metrics["by_shots"].items(),
        "classes": classes,
        "confusions": [
            _confusion_context(each, found, gallery, queries) for each in found.confusions[:CONFUSIONS_SHOWN]
        ],
        "confusions_total": len(found.confusions),
        "made": timezone.localtime(),
    }
    page = render_to_string("recognition/evaluation_report.html", context)
    path.write_text(page, encoding="utf-8")


def _confusion_context(
    confusion: Confusion, found: PhotoEvaluation, gallery: LabelledPhotos, queries: LabelledPhotos
) -> dict[str, Any]:
    worst = confusion.answers[0]
    best = worst.decision.candidates[0]
    matched = found.recognizer.position_of(best.row)
    own = found.recognizer.best_photo(confusion.truth, found.embeddings[worst.picture])
    shots = [
        _shot(queries, worst.picture, f"Shown: {confusion.truth}"),
        _shot(gallery, matched, f"Taken for: {confusion.named}", best.score),
    ]
    if own is not None:
        shots.append(_shot(gallery, own[0], f"Its own best photo: {confusion.truth}", own[1]))
    return {
        "confusion": confusion,
        "count": len(confusion.answers),
        "state": worst.decision.state,
        "state_words": STATES[worst.decision.state],
        "shots": shots,
    }


def _shot(photos: LabelledPhotos, position: int, caption: str, score: float | None = None) -> Shot:
    path = photos.paths[position]
    return Shot(picture_uri(photos.read(position)), caption, f"{path.parent.name}/{path.name}", score)


def picture_uri(picture: Image) -> str:
    """Return a thumbnail of a picture, uint8 RGB (h, w, 3), as a data URI of a JPEG."""
    small = PillowImage.fromarray(np.ascontiguousarray(picture))
    small.thumbnail((REPORT_PICTURE_SIDE_PX, REPORT_PICTURE_SIDE_PX))
    with BytesIO() as file:
        small.save(file, "JPEG", quality=80)
        return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
