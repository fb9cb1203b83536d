"""Begins new epochs of the index: without the rows of deleted photos, or embedded by another encoder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from catalog.models import ProductImage
from recognition.encoder_choice import encoder_load
from recognition.index.embedding_file import EmbeddingFile
from recognition.index.hints import index_changed
from recognition.index.writer_lock import INSERT_ROWS, IndexWriter, writer_lock
from recognition.models import Embedding, IndexEvent
from recognition.photos.checks import photo_checks_save, photo_examine
from recognition.photos.files import photo_file_read, photo_path
from recognition.vision.batches import EMBED_BATCH, batches
from recognition.vision.encoders.protocol import Encoder

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class EpochChange:
    """The new epoch, and how many rows there were before."""

    epoch: int
    encoder: str
    rows_before: int
    rows: int
    index_seq: int


def index_compact() -> EpochChange:
    """Renumber the rows, leaving out those whose photo was deleted; replicas switch by themselves.

    Rows of products not on sale stay, withdrawn. Registrations wait while it runs.
    """
    with transaction.atomic():
        with writer_lock() as writer:
            rows_before = writer.state.row_count
            IndexEvent.objects.all().delete()
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM embeddings WHERE product_image_id IS NULL")
                # In two steps, because a database checks the uniqueness of a key row by row: first out of the
                # way of every old number, then to the new ones.
                cursor.execute("UPDATE embeddings SET id = id + %s", [rows_before])
                cursor.execute(
                    "UPDATE embeddings SET id = ranked.new_id FROM ("
                    "SELECT id AS old_id, ROW_NUMBER() OVER (ORDER BY id) - 1 AS new_id FROM embeddings"
                    ") AS ranked WHERE embeddings.id = ranked.old_id"
                )
            change = _epoch_begin(writer, rows_before=rows_before)
        index_changed(seq=change.index_seq)
    return change


def index_rebuild(
    *,
    encoder_name: str,
    progress: Progress,
    load: Callable[[str], Encoder] = encoder_load,
    work_folder: Path | None = None,
) -> EpochChange:
    """Embed every stored photo with an encoder, and switch to it at the end, all at once.

    Checkouts use the old rows meanwhile. What has been embedded is kept in a file, so that an interrupted run
    resumes where it stopped. Photos registered while it runs are embedded before the switch, which itself
    only moves numbers; from then on processes that still run another encoder are refused.
    """
    encoder = load(encoder_name)
    folder = work_folder or settings.DATA_DIR / "index"
    done = EmbeddingFile(folder / f".rebuild-{encoder.fingerprint[:16]}.bin")
    while True:
        _photos_embed(encoder, done, progress)
        with transaction.atomic(), writer_lock() as writer:
            photos = _photos_by_row()
            if all(image_id in done for image_id, _ in photos):
                change = _rows_replace(writer, encoder, done, photos)
                break
    index_changed(seq=change.index_seq)
    done.remove()
    return change


def _photos_embed(encoder: Encoder, done: EmbeddingFile, progress: Progress) -> None:
    stored = dict(ProductImage.objects.order_by("embedding_id").values_list("pk", "image"))
    missing = [image_id for image_id in stored if image_id not in done]
    progress(len(stored) - len(missing), len(stored))
    for batch in batches(missing, EMBED_BATCH):
        present = [image_id for image_id in batch if photo_path(stored[image_id]).exists()]
        gone = set(batch) - set(present)
        if gone & set(ProductImage.objects.filter(pk__in=gone).values_list("pk", flat=True)):
            name = stored[next(iter(gone))]
            raise FileNotFoundError(f"the photo {name} is missing: `manage.py index verify` lists all such")
        pixels = [photo_file_read(stored[image_id]) for image_id in present]
        examined = [photo_examine(picture) for picture in pixels]
        done.append(present, encoder.encode([each.item for each in examined]))
        photo_checks_save(each.check(image_id) for each, image_id in zip(examined, present, strict=True))
        progress(len(batch), len(stored))


def _photos_by_row() -> list[tuple[UUID, str]]:
    """Return the photos that have a row, in its order, with their labels."""
    rows = Embedding.objects.filter(product_image__isnull=False).order_by("id")
    return [
        (image_id, label) for image_id, label in rows.values_list("product_image_id", "label") if image_id
    ]


def _rows_replace(
    writer: IndexWriter, encoder: Encoder, done: EmbeddingFile, photos: Sequence[tuple[UUID, str]]
) -> EpochChange:
    rows_before = writer.state.row_count
    IndexEvent.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM embeddings")
    for first in range(0, len(photos), INSERT_ROWS):
        Embedding.objects.bulk_create(
            Embedding(
                id=row,
                product_image_id=image_id,
                vector=done[image_id],
                label=label,
                encoder_fingerprint=encoder.fingerprint,
            )
            for row, (image_id, label) in enumerate(photos[first : first + INSERT_ROWS], start=first)
        )
    writer.state.encoder, writer.state.encoder_fingerprint = encoder.name, encoder.fingerprint
    return _epoch_begin(writer, rows_before=rows_before)


def _epoch_begin(writer: IndexWriter, *, rows_before: int) -> EpochChange:
    """Point the photos at their new rows and write a new log, which continues the sequence of the old one."""
    ProductImage.objects.update(embedding_id=None)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE product_images SET embedding_id = embeddings.id FROM embeddings "
            "WHERE embeddings.product_image_id = product_images.id"
        )
    rows = Embedding.objects.order_by("id")
    writer.state.epoch += 1
    writer.state.row_count = rows.count()
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO index_events (seq, kind, embedding_id, created_at) "
            "SELECT %s + id, 'add', id, %s FROM embeddings",
            [writer.state.last_seq + 1, now],
        )
    writer.state.last_seq += writer.state.row_count
    inactive = rows.filter(product_image__product__is_active=False)
    writer.events_append(IndexEvent.Kind.WITHDRAW, list(inactive.values_list("id", flat=True)))
    logger.info("index epoch %d: %d rows, before %d", writer.state.epoch, writer.state.row_count, rows_before)
    return EpochChange(
        epoch=writer.state.epoch,
        encoder=writer.state.encoder,
        rows_before=rows_before,
        rows=writer.state.row_count,
        index_seq=writer.state.last_seq,
    )
