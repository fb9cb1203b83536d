"""Hands out row numbers and sequence numbers of the index; nothing else does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection
from django.db.transaction import TransactionManagementError

from catalog.models import ProductImage
from recognition.index.state import encoder_require
from recognition.models import Embedding, IndexEvent, IndexState
from recognition.vision.types import FloatArray

WRITER_LOCK_KEY = 0x4542_5243_5301
"""Number of the advisory lock: any constant that nothing else in the database uses."""

INSERT_ROWS = 500
"""Rows of one INSERT: 2.5 MB of vectors, and below SQLite's limit of variables."""


@dataclass
class IndexWriter:
    """Hands out rows and sequence numbers to the holder of the writer lock."""

    state: IndexState

    def encoder_claim(self, *, encoder: str, fingerprint: str) -> None:
        """Make the first encoder the index's own, and refuse every other one from then on."""
        if not self.state.encoder_fingerprint:
            self.state.encoder, self.state.encoder_fingerprint = encoder, fingerprint
        encoder_require(self.state, encoder=encoder, fingerprint=fingerprint)

    def rows_add(self, *, images: Sequence[ProductImage], vectors: FloatArray, label: str) -> range:
        """Store one row for each photo, which is saved with its row number; log and return the rows."""
        first_row = self.state.row_count
        rows = range(first_row, first_row + len(images))
        for row, image in zip(rows, images, strict=True):
            image.embedding_id = row
        ProductImage.objects.bulk_create(images, batch_size=INSERT_ROWS)
        little_endian = vectors.astype("<f4", copy=False)
        Embedding.objects.bulk_create(
            [
                Embedding(
                    id=row,
                    product_image=image,
                    vector=vector.tobytes(),
                    label=label,
                    encoder_fingerprint=self.state.encoder_fingerprint,
                )
                for row, image, vector in zip(rows, images, little_endian, strict=True)
            ],
            batch_size=INSERT_ROWS,
        )
        self.state.row_count = rows.stop
        self.events_append(IndexEvent.Kind.ADD, rows)
        return rows

    def events_append(self, kind: IndexEvent.Kind, rows: Iterable[int]) -> None:
        """Log one event for each row, numbered on from the last."""
        events = [
            IndexEvent(seq=seq, kind=kind, embedding_id=row)
            for seq, row in enumerate(rows, start=self.state.last_seq + 1)
        ]
        IndexEvent.objects.bulk_create(events, batch_size=INSERT_ROWS)
        self.state.last_seq += len(events)


@contextmanager
def writer_lock() -> Iterator[IndexWriter]:
    """Hold the index's writer lock until the transaction ends.

    Numbers handed out under it become visible in their order: who holds the lock sees the commit of
    everyone before. On PostgreSQL it is an advisory lock of the transaction, taken before anything is read;
    on SQLite the transaction began IMMEDIATE and is the only one that writes. Numbers of a transaction that
    fails are handed out again, so that rows and sequence have no holes.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("the writer lock lives as long as a transaction: open one first")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [WRITER_LOCK_KEY])
    state, _ = IndexState.objects.get_or_create(pk=1)
    writer = IndexWriter(state)
    yield writer
    state.save()
