"""Evaluates recognition over folders of labelled photos; no database is used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from recognition.tools.evaluation_encoder import EvaluationImpossible, encoder_for_evaluation
from recognition.tools.evaluation_report import confusions_listed, report_write
from recognition.tools.labelled_photos import gallery_make, photos_read
from recognition.vision.evaluation.processor import processor_name
from recognition.vision.evaluation.progress import StepProgress, no_progress

PROMISED = (
    "recall_at_1",
    "macro_recall_at_1",
    "recall_at_5",
    "per_class",
    "by_shots",
    "false_accept_rate",
    "recall_at_false_accept_1pct",
    "ambiguous_rate",
    "latency_ms",
    "confusions",
)
"""Metrics that programs rely on; they come first, in this order."""


def photos_evaluate(
    gallery: Path,
    queries: Path,
    *,
    impostors: Path | None = None,
    shots: Sequence[int] = (1, 3, 5),
    encoder_name: str | None = None,
    report: Path | None = None,
    progress: StepProgress = no_progress,
) -> dict[str, Any]:
    """Register the photos of one folder, show those of another, and measure what they are recognized as.

    A class is a photo's own folder, at any depth. Queries of classes that the gallery lacks play the
    impostor, besides the photos of `impostors`; without any, see `photos_judge`.

    Parameters
    ----------
    shots : numbers of photos a class to register as well, besides all
    report : HTML file to write, with the confusions and their pictures

    Returns
    -------
    dict
        `PROMISED` first, then the other metrics of `photo_metrics`; rates are in 0..1, times in milliseconds.

    Raises
    ------
    EvaluationImpossible
        When a folder is missing or empty, or that of the report is, an impostor is registered, or no query is
        of a registered class. Single photos that cannot be read are left out and named under ``unreadable``.
    """
    from recognition.vision.evaluation.photo_evaluation import PhotoSetting, photos_judge
    from recognition.vision.photos.folders import FolderUnusable, photos_by_class

    if report is not None and not report.resolve().parent.is_dir():
        raise EvaluationImpossible(
            f"The report cannot be written: there is no folder {report.resolve().parent}."
        )
    try:
        folders = {"gallery": photos_by_class(gallery), "queries": photos_by_class(queries)}
        if impostors is not None:
            folders["impostors"] = photos_by_class(impostors)
    except FolderUnusable as error:
        raise EvaluationImpossible(str(error)) from error
    known = set(folders["gallery"])
    if both := sorted(known & set(folders.get("impostors", ()))):
        raise EvaluationImpossible(f"Impostors must not be registered; both folders hold {', '.join(both)}.")
    if not known & set(folders["queries"]):
        raise EvaluationImpossible(
            f"No class of {queries} has photos in {gallery}. A class is a photo's own folder: in the one are "
            f"{', '.join(sorted(folders['queries'])[:3])}, in the other {', '.join(sorted(known)[:3])}."
        )
    encoder = encoder_for_evaluation(encoder_name)
    photos = {
        name: photos_read(found, progress=progress, step=f"{name} read") for name, found in folders.items()
    }
    pictures = {
        name: gallery_make(
            encoder, some, registered=name == "gallery", progress=progress, step=f"{name} embedded"
        )
        for name, some in photos.items()
    }
    try:
        setting = PhotoSetting(
            encoder,
            pictures["gallery"],
            pictures["queries"],
            pictures.get("impostors"),
            settings.FALSE_ACCEPT_RATE,
            settings.VISUAL_WEIGHT,
        )
        found = photos_judge(setting, shots=shots, progress=progress)
    except ValueError as error:
        raise EvaluationImpossible(f"Nothing can be judged: {error}.") from error
    metrics = {
        **{name: found.metrics.get(name) for name in PROMISED},
        **found.metrics,
        "confusions": confusions_listed(found, photos["gallery"], photos["queries"]),
        "encoder": encoder.name,
        "fingerprint": encoder.fingerprint,
        "machine": processor_name(),
        "unreadable": {path: why for some in photos.values() for path, why in some.unreadable.items()},
    }
    if report is not None:
        report_write(report, metrics, found, gallery=photos["gallery"], queries=photos["queries"])
    return metrics


def shots_read(text: str) -> list[int]:
    """Parse numbers of photos a class, such as "1,3,5".

    Raises
    ------
    EvaluationImpossible
        When they are not different whole numbers from 1, separated by commas.
    """
    try:
        shots = [int(part) for part in text.split(",")]
    except ValueError:
        shots = [0]
    if min(shots) < 1 or len(set(shots)) < len(shots):
        raise EvaluationImpossible(
            f"Photos per class must be whole numbers from 1, separated by commas, as in 1,3,5; got {text!r}."
        )
    return shots
