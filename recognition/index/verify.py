"""Compares rows, log, photos and files of the index with each other, and names all that does not fit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db.models import F, Max, Min, Q

from catalog.models import PHOTO_FOLDER, ProductImage
from recognition.index import log
from recognition.index.files import IndexFiles
from recognition.index.state import state_current
from recognition.models import Embedding, IndexEvent, IndexState
from recognition.photos.files import photo_path
from recognition.vision.encoders.fingerprint import file_digest

YOUNG_S = 600.0
"""Files newer than this may belong to a registration in progress: they are written before their rows."""

NAMED = 20


@dataclass
class Verification:
    """What was found.

    Attributes
    ----------
    damage : each thing that is wrong, with its remedy where there is one
    orphans : photo files no row names, left by a crash; harmless
    removed : how many of them were removed
    """

    rows: int = 0
    last_seq: int = 0
    photos: int = 0
    damage: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    removed: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damage


def index_verify(*, remove_orphans: bool = False, young_s: float = YOUNG_S) -> Verification:
    """Check everything, reading every photo and file; changes nothing, except that it may remove orphans.

    While the shop is open it may report a registration that commits at that very moment; then run it again.
    """
    state = state_current()
    found = Verification(rows=state.row_count, last_seq=state.last_seq, photos=ProductImage.objects.count())
    found.damage += _rows_damage(state)
    found.damage += _log_damage(state)
    found.damage += _photo_damage()
    found.damage += _file_damage(state)
    for path in _orphans(young_s=young_s):
        found.orphans.append(str(path.relative_to(settings.MEDIA_ROOT)))
        if remove_orphans:
            path.unlink(missing_ok=True)
            found.removed += 1
    return found


def _rows_damage(state: IndexState) -> Iterator[str]:
    rows = Embedding.objects.filter(id__lt=state.row_count)
    if rows.count() != state.row_count:
        yield f"{state.row_count} rows are recorded, {rows.count()} are there"
    if beyond := Embedding.objects.filter(id__gte=state.row_count).count():
        yield f"{beyond} rows are numbered beyond the {state.row_count} recorded"
    if foreign := rows.exclude(encoder_fingerprint=state.encoder_fingerprint).count():
        yield (
            f"{foreign} rows were made by another encoder than {state.encoder}: "
            f"`manage.py index rebuild --encoder {state.encoder}` embeds all photos again"
        )
    unlike = ProductImage.objects.filter(
        Q(embedding__isnull=True) | ~Q(embedding_id=F("embedding__id")) | Q(embedding_id__isnull=True)
    ).distinct()
    for image_id in unlike.values_list("pk", flat=True)[:NAMED]:
        yield f"photo {image_id} and its row do not name each other"


def _log_damage(state: IndexState) -> Iterator[str]:
    events = IndexEvent.objects.filter(seq__lte=state.last_seq)
    ends = events.aggregate(first=Min("seq"), last=Max("seq"))
    if state.last_seq and state.row_count:
        first, last = ends["first"] or 0, ends["last"] or 0
        if last != state.last_seq or events.count() != last - first + 1:
            yield f"the log has holes: {events.count()} events from {first} to {last}, last {state.last_seq}"
    if IndexEvent.objects.filter(seq__gt=state.last_seq).exists():
        yield f"the log goes on beyond {state.last_seq}, the last sequence number recorded"
    added = events.filter(kind=IndexEvent.Kind.ADD).count()
    if added != state.row_count:
        yield f"the log adds {added} rows, {state.row_count} are recorded"
    withdrawn = set(log.withdrawn_read(seq=state.last_seq))
    should_be = set(
        Embedding.objects.filter(
            Q(product_image__isnull=True) | Q(product_image__product__is_active=False)
        ).values_list("id", flat=True)
    )
    for row in sorted(should_be - withdrawn)[:NAMED]:
        yield f"row {row} matches although its photo is deleted or its product not on sale"
    for row in sorted(withdrawn - should_be)[:NAMED]:
        yield f"row {row} is withdrawn although its product is on sale"


def _photo_damage() -> Iterator[str]:
    for name, sha256 in ProductImage.objects.values_list("image", "sha256").iterator(chunk_size=2000):
        try:
            digest = file_digest(photo_path(name), cache_path=None)
        except OSError as error:
            yield f"photo {name} cannot be read: {error.strerror}"
            continue
        if digest != sha256:
            yield f"photo {name} is not the file that was stored"


def _file_damage(state: IndexState) -> Iterator[str]:
    snapshot, problem = IndexFiles().read(state)
    if problem:
        yield f"index files: {problem}; `manage.py index snapshot` writes new ones"
    if snapshot is None:
        return
    first = 0
    try:
        for block in log.vectors_read(start=0, stop=len(snapshot.embeddings)):
            unlike = np.flatnonzero((block != snapshot.embeddings[first : first + len(block)]).any(axis=1))
            for row in unlike[:NAMED]:
                yield f"index files: row {first + int(row)} differs from the database"
            first += len(block)
    except log.LogDamaged as error:
        yield str(error)


def _orphans(*, young_s: float) -> list[Path]:
    """Return photo files without a row, old enough not to belong to a registration in progress."""
    folder = Path(settings.MEDIA_ROOT) / PHOTO_FOLDER
    oldest_s = time.time() - young_s
    files = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_mtime <= oldest_s]
    stored = {photo_path(name) for name in ProductImage.objects.values_list("image", flat=True)}
    return sorted(path for path in files if path not in stored)
