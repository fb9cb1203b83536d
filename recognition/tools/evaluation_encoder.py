"""The encoder that evaluations use, and the refusal they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from ebrcs.errors import EbrcsError
from recognition.encoder_choice import encoder_load

if TYPE_CHECKING:
    from recognition.vision.encoders.protocol import Encoder


class EvaluationImpossible(EbrcsError):
    """What is to be evaluated is missing or cannot be read; the detail says what is expected."""

    code = "evaluation_impossible"
    title = "This cannot be evaluated"


def encoder_for_evaluation(name: str | None) -> Encoder:
    """Load an encoder, by default the configured one, on one thread: metrics are for one core."""
    from recognition.vision.encoders.errors import EncoderError

    try:
        return encoder_load(name or settings.ENCODER, threads=1)
    except EncoderError as error:
        raise EvaluationImpossible(str(error)) from error
