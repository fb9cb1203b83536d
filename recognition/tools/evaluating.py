"""How good recognition is, over folders of photos and of recorded visits; no database is asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings

from ebrcs.errors import EbrcsError
from recognition.encoder_choice import encoder_load
from recognition.tools.evaluation_report import confusions_listed, report_write
from recognition.tools.labelled_photos import gallery_make, photos_read
from recognition.vision.evaluation.processor import processor_name
from recognition.vision.evaluation.progress import Progress, no_progress

if TYPE_CHECKING:
    from recognition.vision.encoders.protocol import Encoder
    from recognition.vision.lane.voting import Mode

Identity = Literal["encoder", "truth"]

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
"""What machines rely on; it comes first, in this order."""


class EvaluationImpossible(EbrcsError):
    """What was to be judged is not there, or cannot be read; says what is expected."""

    code = "evaluation_impossible"
    title = "This cannot be evaluated"


def sequences_evaluate(
    folder: Path,
    *,
    gallery: Path | None = None,
    mode: Mode = "scan",
    encoder_name: str | None = None,
    identity: Identity = "encoder",
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Play every recorded visit in a folder through lane and recognizer, and judge the carts.

    Parameters
    ----------
    folder : with a ``truth.json`` and a folder of frames for each visit
    gallery : the photos to register, by default ``gallery`` in the folder
    identity : ``truth`` takes what an item is from the truth, which judges counting alone

    Raises
    ------
    EvaluationImpossible
        When a folder, the truth, a frame or a photo of the gallery is missing or cannot be read.
    """
    from recognition.vision.evaluation.recognizer import Recognizer
    from recognition.vision.evaluation.recorded_visits import visits_read
    from recognition.vision.evaluation.true_identities import TrueIdentities
    from recognition.vision.evaluation.visit_metrics import visit_metrics
    from recognition.vision.evaluation.visit_player import RecognizerIdentities, visit_play
    from recognition.vision.lane.config import LaneConfig
    from recognition.vision.lane.lane import Lane
    from recognition.vision.photos.folders import FolderUnusable, photos_by_class
    from recognition.vision.scene.decode import BadFrame

    try:
        visits = visits_read(folder)
        photos = photos_read(
            photos_by_class(gallery or folder / "gallery"), progress=progress, step="gallery read"
        )
    except FolderUnusable as error:
        raise EvaluationImpossible(str(error)) from error
    if photos.unreadable:
        raise EvaluationImpossible(f"The gallery cannot be read: {'; '.join(photos.unreadable.values())}")
    encoder = encoder_for_evaluation(encoder_name)
    recognizer = Recognizer(
        encoder,
        gallery_make(encoder, photos, registered=True, progress=progress, step="gallery embedded"),
        false_accept_target=settings.FALSE_ACCEPT_RATE,
        visual_weight=settings.VISUAL_WEIGHT,
    )
    done = progress("frames", sum(len(visit.frames) for visit in visits))
    played, by_truth = [], identity == "truth"
    for visit in visits:
        lane = Lane(LaneConfig(mode=mode))
        try:
            identify = TrueIdentities(visit, encoder) if by_truth else RecognizerIdentities(recognizer)
            played.append(visit_play(visit, lane, identify, frame_done=done))
        except (BadFrame, ValueError) as error:
            raise EvaluationImpossible(f"{visit.name} cannot be played: {error}.") from error
    return {
        **visit_metrics(played),
        "mode": mode,
        "identity": identity,
        "products": len(recognizer.products),
        "photos": len(photos),
        "encoder": encoder.name,
        "fingerprint": encoder.fingerprint,
    }


def photos_evaluate(
    gallery: Path,
    queries: Path,
    *,
    impostors: Path | None = None,
    shots: Sequence[int] = (1, 3, 5),
    encoder_name: str | None = None,
    report: Path | None = None,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Register the photos of one folder, show those of another, and judge what is made of them.

    A class is a photo's own folder, at any depth. Queries of classes that the gallery lacks play the
    impostor, beside the photos of `impostors`; without any, see `photos_judge`.

    Parameters
    ----------
    shots : photos a class to try with as well, besides all
    report : where a page with the confusions is written, with pictures

    Raises
    ------
    EvaluationImpossible
        When a folder is missing or empty, that of the report too, an impostor is registered, or no query can
        be judged. Single photos that cannot be read are left out and named under ``unreadable``.
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


def shots_read(words: str) -> list[int]:
    """Read numbers of photos a class.

    Raises
    ------
    EvaluationImpossible
        When they are not different whole numbers from 1, with commas.
    """
    try:
        shots = [int(word) for word in words.split(",")]
    except ValueError:
        shots = [0]
    if min(shots) < 1 or len(set(shots)) < len(shots):
        raise EvaluationImpossible(
            f"Photos a class have to be whole numbers from 1 with commas, as in 1,3,5; got {words!r}."
        )
    return shots


def encoder_for_evaluation(name: str | None) -> Encoder:
    """Load an encoder, by default the configured one, on one thread: metrics are for one core."""
    from recognition.vision.encoders.errors import EncoderError

    try:
        return encoder_load(name or settings.ENCODER, threads=1)
    except EncoderError as error:
        raise EvaluationImpossible(str(error)) from error
