"""The state of the index as the database holds it, and whether an encoder fits it."""

from __future__ import annotations

from recognition.errors import EncoderMismatch
from recognition.models import IndexState


def encoder_require(state: IndexState, *, encoder: str, fingerprint: str) -> None:
    """Refuse an encoder whose vectors are not comparable with those of the index."""
    if state.encoder_fingerprint and state.encoder_fingerprint != fingerprint:
        raise EncoderMismatch(
            mismatch_message(
                index_encoder=state.encoder,
                index_fingerprint=state.encoder_fingerprint,
                encoder=encoder,
                fingerprint=fingerprint,
            ),
            index_encoder=state.encoder,
            encoder=encoder,
        )


def mismatch_message(*, index_encoder: str, index_fingerprint: str, encoder: str, fingerprint: str) -> str:
    """Return what does not fit, with the command that mends it."""
    return (
        f"The index was made with encoder {index_encoder} ({index_fingerprint[:12]}), this process runs "
        f"{encoder} ({fingerprint[:12]}). Embed all photos again with "
        f"`manage.py index rebuild --encoder {encoder}`, or go back to the encoder of the index."
    )


def state_current() -> IndexState:
    """Return the current state; that of an empty index before anything was registered."""
    return IndexState.objects.filter(pk=1).first() or IndexState()
