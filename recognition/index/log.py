"""Reads the rows and the log of the index from the database, which is the truth."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from django.db import connection
from django.db.models import BinaryField, Case, F, When

from recognition.models import VECTOR_BYTES, Embedding, IndexEvent
from recognition.vision.encoders.layout import EMBEDDING_DIM
from recognition.vision.types import FloatArray

READ_ROWS = 2000
"""Rows read at a time: 10 MB of vectors."""

COPY_HEADER_BYTES = 19
COPY_TUPLE_BYTES = 2 + 4 + VECTOR_BYTES


class LogDamaged(Exception):
    """Rows or numbers are missing from the database; `manage.py index verify` lists them."""


@dataclass(frozen=True)
class LogEntry:
    """One event, with what a replica needs to apply it; an addition brings its vector."""

    seq: int
    kind: str
    row: int
    product_id: str | None
    vector: bytes | None


def entries_after(seq: int, *, limit: int = READ_ROWS) -> list[LogEntry]:
    """Return the next events in their order.

    Read in one statement, so that an event and the photo it is about are seen at one moment.
    """
    events = IndexEvent.objects.filter(seq__gt=seq).order_by("seq")[:limit]
    return [
        LogEntry(
            seq=event_seq,
            kind=kind,
            row=row,
            product_id=None if product_id is None else str(product_id),
            vector=None if vector is None else bytes(vector),
        )
        for event_seq, kind, row, product_id, vector in events.values_list(
            "seq",
            "kind",
            "embedding_id",
            "embedding__product_image__product_id",
            Case(
                When(kind=IndexEvent.Kind.ADD, then=F("embedding__vector")),
                default=None,
                output_field=BinaryField(),
            ),
        )
    ]


def vectors_read(*, start: int, stop: int) -> Iterator[FloatArray]:
    """Read the vectors of rows [start, stop) in order, a few thousand at a time: float32 (n, 1280) each.

    Raises
    ------
    LogDamaged
        When a row is missing.
    """
    read = 0
    blocks = _blocks_copied if connection.vendor == "postgresql" else _blocks_selected
    for block in blocks(start, stop):
        read += len(block)
        yield block
    if read != max(stop - start, 0):
        raise LogDamaged(f"rows {start} to {stop - 1}: {stop - start} expected, {read} found")


def vectors_unpack(stored: Iterable[bytes | memoryview]) -> FloatArray:
    """Read vectors as they are stored: float32 (n, 1280)."""
    blob = b"".join(stored)
    return np.frombuffer(blob, "<f4").reshape(-1, EMBEDDING_DIM).astype(np.float32, copy=False)


def _blocks_selected(start: int, stop: int) -> Iterator[FloatArray]:
    for first in range(start, stop, READ_ROWS):
        rows = Embedding.objects.filter(id__gte=first, id__lt=min(first + READ_ROWS, stop)).order_by("id")
        yield vectors_unpack(rows.values_list("vector", flat=True))


def _blocks_copied(start: int, stop: int) -> Iterator[FloatArray]:
    """Read by binary COPY: 54,000 rows a second where SELECT brought 15,500, on two busy cores.

    Each tuple of the stream is a field count, a length and the vector, so that all are equally long
    (PostgreSQL, COPY, Binary Format). Nothing else may use the connection until the last block is read.
    """
    query = (
        "COPY (SELECT vector FROM embeddings WHERE id >= %s AND id < %s ORDER BY id) "
        "TO STDOUT (FORMAT BINARY)"
    )
    waiting = bytearray()
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(query, [start, stop]) as rows,
    ):
        for chunk in rows:
            waiting += chunk
            if len(waiting) >= COPY_HEADER_BYTES + READ_ROWS * COPY_TUPLE_BYTES:
                yield _take_tuples(waiting)
        yield _take_tuples(waiting)


def _take_tuples(waiting: bytearray) -> FloatArray:
    """Take the whole tuples off the front of a COPY stream; mutates `waiting`, whose header stays."""
    count = (len(waiting) - COPY_HEADER_BYTES) // COPY_TUPLE_BYTES
    end = COPY_HEADER_BYTES + count * COPY_TUPLE_BYTES
    tuples = np.frombuffer(bytes(waiting[COPY_HEADER_BYTES:end]), np.uint8).reshape(count, COPY_TUPLE_BYTES)
    del waiting[COPY_HEADER_BYTES:end]
    vectors = np.ascontiguousarray(tuples[:, COPY_TUPLE_BYTES - VECTOR_BYTES :]).view("<f4")
    return vectors.astype(np.float32, copy=False)


def products_read(*, stop: int) -> list[str | None]:
    """Return the product of each row [0, stop), None where the photo has been deleted.

    Raises
    ------
    LogDamaged
        When a row is missing.
    """
    rows = Embedding.objects.filter(id__lt=stop).order_by("id")
    products = rows.values_list("product_image__product_id", flat=True).iterator(chunk_size=READ_ROWS)
    found: list[str | None] = [None if product is None else str(product) for product in products]
    if len(found) != stop:
        raise LogDamaged(f"{stop} rows expected, {len(found)} found")
    return found


def labels_read(*, stop: int) -> list[str]:
    """Return the label of each row [0, stop)."""
    return list(Embedding.objects.filter(id__lt=stop).order_by("id").values_list("label", flat=True))


def withdrawn_read(*, seq: int) -> list[int]:
    """Return the rows whose last event up to `seq` is a withdrawal, in order."""
    changes = IndexEvent.objects.exclude(kind=IndexEvent.Kind.ADD).filter(seq__lte=seq).order_by("seq")
    last_kind = dict(changes.values_list("embedding_id", "kind"))
    return sorted(row for row, kind in last_kind.items() if kind == IndexEvent.Kind.WITHDRAW)


def log_mark(*, epoch: int, seq: int) -> str:
    """Digest the event at `seq`, so that files show whether they were made from this very log.

    Two databases, or one before and after it was restored from a backup, may have come equally far; the
    moment of their last event differs. Empty when there is no such event.
    """
    event = IndexEvent.objects.filter(pk=seq).values_list("kind", "embedding_id", "created_at").first()
    if event is None:
        return ""
    kind, row, created_at = event
    return hashlib.sha256(f"{epoch} {seq} {kind} {row} {created_at.isoformat()}".encode()).hexdigest()
