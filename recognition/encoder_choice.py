"""Chooses the encoder of this machine by the settings, the encoder of the index, and the weights here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from django.conf import settings

from recognition.vision.encoders import registry
from recognition.vision.encoders.protocol import Encoder

if TYPE_CHECKING:
    from recognition.vision.encoders.hardware import DtypeName


def encoder_name_wanted(*, configured: str, index_encoder: str, models_dir: Path) -> str:
    """Return the encoder to load.

    ``auto`` stays with the encoder of the index while its weights are here: with a better one that has just
    been downloaded, no stored vector could be compared with anything.
    """
    stay = configured == registry.AUTO and index_encoder in registry.ENCODER_NAMES
    if stay and registry.status_of(index_encoder, models_dir).ready:
        return index_encoder
    return registry.resolve(configured, models_dir)


def encoder_load(name: str, *, threads: int | None = None) -> Encoder:
    """Load an encoder from the configured folder, in the configured number format.

    Parameters
    ----------
    threads : CPU threads; None takes as many as there are cores free now
    """
    return registry.load(
        name,
        models_dir=settings.MODELS_DIR,
        dtype=cast("DtypeName", settings.ENCODER_DTYPE),
        threads=threads,
    )
