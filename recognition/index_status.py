"""Where the index stands: the truth in the database, the encoder it needs, and the files of this machine."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from catalog.models import Product, ProductImage
from recognition import index_log
from recognition.encoder_keeper import encoder_name_wanted
from recognition.index_files import FilesStatus, IndexFiles
from recognition.models import IndexState
from recognition.vision.encoders import registry
from recognition.writer_lock import state_current


@dataclass(frozen=True)
class IndexStatus:
    """Facts about the index; `remarks` say what staff should know or do."""

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
    remarks: list[str]


def index_status() -> IndexStatus:
    """Gather the facts; every byte of the index files is read to check them."""
    state = state_current()
    wanted = encoder_name_wanted(
        configured=settings.ENCODER, index_encoder=state.encoder, models_dir=settings.MODELS_DIR
    )
    withdrawn = len(index_log.withdrawn_read(seq=state.last_seq))
    files = IndexFiles().status()
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
        remarks=_remarks(state, wanted, files),
    )


def _remarks(state: IndexState, wanted: str, files: FilesStatus) -> list[str]:
    remarks = []
    if state.encoder and wanted != state.encoder:
        remarks.append(
            f"The index was made with {state.encoder}, this machine runs {wanted}: nothing is recognised "
            f"until `manage.py index rebuild --encoder {wanted}` or EBRCS_ENCODER={state.encoder}."
        )
    elif state.encoder and settings.ENCODER == registry.AUTO:
        best = registry.resolve(registry.AUTO, settings.MODELS_DIR)
        if best != state.encoder:
            remarks.append(
                f"EBRCS_ENCODER=auto stays with {state.encoder}, the encoder of the index. {best} is here "
                f"too: `manage.py index rebuild --encoder {best}` changes over."
            )
    if files.problem:
        remarks.append(f"Index files: {files.problem}. `manage.py index snapshot` writes them.")
    return remarks
