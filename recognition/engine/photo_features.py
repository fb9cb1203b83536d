"""Local features of the stored photos in question, computed in a thread and kept in memory."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.models import ProductImage
from ebrcs.background import Worker
from recognition.photos.files import PHOTO_UNREADABLE, photo_file_read
from recognition.vision.decision.local_features import Features, features_of
from recognition.vision.photos.item import photo_item

if TYPE_CHECKING:
    from recognition.index.view import IndexView

logger = logging.getLogger(__name__)

MEMORY_MAX_BYTES = 256 * 2**20
"""Features of about 6,000 photos. Those asked for longest ago are dropped first."""

LOAD_WAIT_S = 0.5
"""How long a verification waits for features still being computed: the photos of the products in question, a
few of each, take some 0.2 s."""

WANTED_MAX = 256
READ_AT_ONCE = 8


@dataclass(frozen=True)
class RowFeatures:
    """The features of the photo of a row, and the product that the photo is of."""

    features: Features
    product_id: str


class PhotoFeatures(Worker):
    """Keeps the features of stored photos by their rows: verifying an item reads neither file nor database.

    Features are computed only once a photo is in question. A withdrawn photo is forgotten at once, and
    what is returned is checked against the current index.

    Parameters
    ----------
    memory_max_bytes : what all features together may take
    """

    name = "photo-features"
    fails_message = "features of photos cannot be computed; items are not verified by them"
    niceness = 5

    def __init__(self, *, memory_max_bytes: int = MEMORY_MAX_BYTES) -> None:
        super().__init__()
        self._memory_max_bytes = memory_max_bytes
        self._kept: OrderedDict[int, RowFeatures | None] = OrderedDict()
        self._taken = 0
        self._wanted: OrderedDict[int, None] = OrderedDict()
        self._version = 0

    @property
    def nbytes(self) -> int:
        """Memory taken by all features."""
        with self._changed:
            return self._taken

    def rows_changed(self, rows: Sequence[int] | None) -> None:
        """Forget photos that came or went, or (None) all."""
        with self._changed:
            self._version += 1
            for row in list(self._kept) if rows is None else rows:
                self._forget(row)

    def want(self, rows: Iterable[int]) -> None:
        """Queue photos for the thread; those queued longest ago are dropped when too many wait."""
        with self._changed:
            for row in rows:
                if row not in self._kept:
                    self._wanted[row] = None
            while len(self._wanted) > WANTED_MAX:
                self._wanted.popitem(last=False)
            self._changed.notify_all()

    def get(
        self, view: IndexView, rows: Sequence[int], *, timeout_s: float = LOAD_WAIT_S
    ) -> dict[int, Features]:
        """Return the features of those photos that may match now, after waiting for those being computed.

        A photo is left out when its features are not there in time or its file cannot be read.
        """
        self.want(rows)
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopping.is_set() or all(row in self._kept for row in rows), timeout_s
            )
            found = {row: self._kept[row] for row in rows if row in self._kept}
            for row in found:
                self._kept.move_to_end(row)
        return {
            row: kept.features
            for row, kept in found.items()
            if kept is not None and _matches(view, row, kept.product_id)
        }

    def is_due(self) -> bool:
        """Whether photos are wanted."""
        return bool(self._wanted)

    def work(self) -> None:
        """Compute the features of a few photos, those wanted longest; on a failure these are given up."""
        with self._changed:
            count = min(READ_AT_ONCE, len(self._wanted))
            rows = [self._wanted.popitem(last=False)[0] for _ in range(count)]
            version = self._version
        self._keep(row_features(rows), version)

    def _keep(self, made: dict[int, RowFeatures | None], version: int) -> None:
        with self._changed:
            if version != self._version:
                self._wanted.update(dict.fromkeys(made))  # the index changed meanwhile: read again
                return
            for row, kept in made.items():
                self._forget(row)
                self._kept[row] = kept
                self._taken += _nbytes(kept)
            while self._taken > self._memory_max_bytes and self._kept:
                self._forget(next(iter(self._kept)))
            self._changed.notify_all()

    def _forget(self, row: int) -> None:
        self._taken -= _nbytes(self._kept.pop(row, None))


def _nbytes(kept: RowFeatures | None) -> int:
    return 0 if kept is None else kept.features.nbytes


def _matches(view: IndexView, row: int, product_id: str) -> bool:
    """Whether a row may match as this product; the view may be older or newer than what was kept."""
    return (
        row < min(len(view.product_ids), view.store.row_count)
        and view.product_ids[row] == product_id
        and view.store.is_active(row)
    )


def row_features(rows: Sequence[int]) -> dict[int, RowFeatures | None]:
    """Find the features of the photos of some rows; None for one whose file is missing or cannot be read."""
    photos = ProductImage.objects.filter(embedding_id__in=rows)
    found: dict[int, RowFeatures | None] = dict.fromkeys(rows)
    for row, product_id, name in photos.values_list("embedding_id", "product_id", "image"):
        if row is None:
            continue
        try:
            pixels = photo_file_read(name)
        except PHOTO_UNREADABLE:
            logger.warning("the photo %s cannot be read; no item is verified by it", name)
            continue
        found[row] = RowFeatures(features_of(photo_item(pixels)), str(product_id))
    return found
