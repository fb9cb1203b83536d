"""Evaluates recognition and counting over recorded visits; no database is used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings

from recognition.tools.evaluation_encoder import EvaluationImpossible, encoder_for_evaluation
from recognition.tools.labelled_photos import gallery_make, photos_read
from recognition.vision.evaluation.progress import StepProgress, no_progress

if TYPE_CHECKING:
    from recognition.vision.lane.voting import Mode

Identity = Literal["encoder", "truth"]


def sequences_evaluate(
    folder: Path,
    *,
    gallery: Path | None = None,
    mode: Mode = "scan",
    encoder_name: str | None = None,
    identity: Identity = "encoder",
    progress: StepProgress = no_progress,
) -> dict[str, Any]:
    """Play every recorded visit in a folder through lane and recognizer, and score the carts.

    Parameters
    ----------
    folder : with a ``truth.json`` and a folder of frames for each visit
    gallery : the photos to register, by default ``gallery`` in the folder
    identity : ``truth`` takes the identity of items from the truth, so that only counting is evaluated

    Returns
    -------
    dict
        As `visit_metrics` returns them, with the mode, the identity, and the encoder.

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
