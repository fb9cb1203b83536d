"""The status of the index: the truth in the database, the encoder it needs, and the files of this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from catalog.models import Product, ProductImage
from recognition.encoder_choice import encoder_load, encoder_name_wanted
from recognition.index import log
from recognition.index.files import FilesStatus, IndexFiles
from recognition.index.state import mismatch_message, state_current
from recognition.models import IndexState
from recognition.vision.encoders import registry
from recognition.vision.encoders.errors import EncoderError
from recognition.vision.encoders.protocol import Encoder


@dataclass(frozen=True)
class IndexStatus:
    """Facts about the index.

    Attributes
    ----------
    usable : whether this machine can recognize anything with it
    remarks : what staff should know or do
    """

    epoch: int
    encoder: str
    fingerprint: str
    configured_encoder: str
    wanted_encoder: str
    rows: int
    active_rows: int
    withdrawn_rows: int
    last_seq: int
    products: int
    photos: int
    files: FilesStatus
    usable: bool
    remarks: list[str]


def index_status(*, load: Callable[[str], Encoder] = encoder_load) -> IndexStatus:
    """Gather the facts; reads every byte of the index files to check them, and loads the encoder."""
    state = state_current()
    wanted = encoder_name_wanted(
        configured=settings.ENCODER, index_encoder=state.encoder, models_dir=settings.MODELS_DIR
    )
    withdrawn = len(log.withdrawn_read(seq=state.last_seq))
    files = IndexFiles().status()
    misfit = _misfit(state, wanted, load) if state.encoder else ""
    return IndexStatus(
        epoch=state.epoch,
        encoder=state.encoder,
        fingerprint=state.encoder_fingerprint,
        configured_encoder=settings.ENCODER,
        wanted_encoder=wanted,
        rows=state.row_count,
        active_rows=state.row_count - withdrawn,
        withdrawn_rows=withdrawn,
        last_seq=state.last_seq,
        products=Product.objects.count(),
        photos=ProductImage.objects.count(),
        files=files,
        usable=not misfit,
        remarks=[misfit] * bool(misfit) + _remarks(state, wanted, files),
    )


def _misfit(state: IndexState, wanted: str, load: Callable[[str], Encoder]) -> str:
    """Return why the encoder of this machine and the index do not fit together, or nothing."""
    if wanted != state.encoder:
        return (
            f"The index was made with {state.encoder}, this machine runs {wanted}: nothing is recognized "
            f"until `manage.py index rebuild --encoder {wanted}` or EBRCS_ENCODER={state.encoder}."
        )
    try:
        encoder = load(wanted)
    except EncoderError as error:
        return str(error)
    if encoder.fingerprint == state.encoder_fingerprint:
        return ""
    return mismatch_message(
        index_encoder=state.encoder,
        index_fingerprint=state.encoder_fingerprint,
        encoder=encoder.name,
        fingerprint=encoder.fingerprint,
    )


def _remarks(state: IndexState, wanted: str, files: FilesStatus) -> list[str]:
    remarks = []
    if wanted == state.encoder and settings.ENCODER == registry.AUTO:
        best = registry.resolve(registry.AUTO, settings.MODELS_DIR)
        if best != state.encoder:
            remarks.append(
                f"EBRCS_ENCODER=auto stays with {state.encoder}, the encoder of the index. {best} is here "
                f"too: `manage.py index rebuild --encoder {best}` changes over."
            )
    if files.problem:
        remarks.append(f"Index files: {files.problem}. `manage.py index snapshot` writes them.")
    return remarks
