"""Local features of the stored photos of the products in question, made in a thread and kept in memory."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from django.db import connection

from catalog.images import photo_pixels
from catalog.models import ProductImage
from recognition.photo_files import photo_path
from recognition.priority import thread_yield
from recognition.vision.verification import PHOTOS_MAX, Features, features_of

if TYPE_CHECKING:
    from recognition.replica import IndexView

logger = logging.getLogger(__name__)

MEMORY_MAX_BYTES = 256 * 2**20
"""Features of about 6,000 photos. Products that were not asked for longest go first."""

LOAD_WAIT_S = 0.5
"""How long a closer look waits for features still being made: the photos of a product take some 0.1 s."""

WANTED_MAX = 64
NICENESS = 5


@dataclass(frozen=True)
class _Kept:
    """The features of one product, by row of the index."""

    by_row: Mapping[int, Features]

    @property
    def nbytes(self) -> int:
        return sum(features.nbytes for features in self.by_row.values())


class PhotoFeatures:
    """Keeps the features of stored photos, so that a closer look at an item reads no file and no database.

    Nothing is made before a product is in question. A photo that is withdrawn is forgotten at once, and what
    is handed out is checked against the index as it stands.

    Parameters
    ----------
    memory_max_bytes : what all features together may take
    """

    def __init__(self, *, memory_max_bytes: int = MEMORY_MAX_BYTES) -> None:
        self._memory_max_bytes = memory_max_bytes
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._wanted: OrderedDict[str, None] = OrderedDict()
        self._version = 0
        self._busy = False
        self._stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="photo-features", daemon=True)

    @property
    def nbytes(self) -> int:
        """Memory taken by all features."""
        with self._changed:
            return sum(kept.nbytes for kept in self._kept.values())

    def start(self) -> None:
        """Begin to wait for products."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the product in progress and close the thread's database connection."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def rows_changed(self, view: IndexView, rows: Sequence[int] | None) -> None:
        """Forget the products whose rows came or went, or (None) all."""
        with self._changed:
            self._version += 1
            if rows is None:
                self._kept.clear()
                return
            touched = set(rows)
            products = {view.product_ids[row] for row in touched}
            for product_id in list(self._kept):
                if product_id in products or not touched.isdisjoint(self._kept[product_id].by_row):
                    del self._kept[product_id]

    def want(self, product_ids: Iterable[str]) -> None:
        """Have the features of products made, soon and elsewhere; forgotten again where too many wait."""
        with self._changed:
            for product_id in product_ids:
                if product_id not in self._kept:
                    self._wanted[product_id] = None
            while len(self._wanted) > WANTED_MAX:
                self._wanted.popitem(last=False)
            self._changed.notify_all()

    def get(
        self, view: IndexView, product_ids: Sequence[str], *, timeout_s: float = LOAD_WAIT_S
    ) -> dict[str, list[Features]]:
        """Return the features of the photos that may match now, after waiting for those in the making.

        A product whose features are not there in time has no photos in the answer.
        """
        self.want(product_ids)
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopping or all(each in self._kept for each in product_ids), timeout_s
            )
            found = {each: self._kept[each].by_row for each in product_ids if each in self._kept}
            for product_id in found:
                self._kept.move_to_end(product_id)
        return {
            product_id: [features for row, features in by_row.items() if _matches(view, row, product_id)]
            for product_id, by_row in found.items()
        }

    def _run(self) -> None:
        thread_yield(NICENESS)
        while True:
            with self._changed:
                if not self._wanted and not self._stopping:
                    # an open connection that nobody uses would be cut by the database in the end
                    connection.close()
                self._changed.wait_for(lambda: self._wanted or self._stopping)
                if self._stopping:
                    break
                product_id, _ = self._wanted.popitem(last=False)
                version = self._version
            try:
                made = _Kept(product_features(product_id))
            except Exception:
                logger.exception("the photos of product %s cannot be looked at closely", product_id)
                connection.close()
                continue
            self._keep(product_id, made, version)
        connection.close()

    def _keep(self, product_id: str, made: _Kept, version: int) -> None:
        with self._changed:
            if version != self._version:
                self._wanted[product_id] = None  # the index changed meanwhile: read again
                return
            self._kept[product_id] = made
            taken = sum(kept.nbytes for kept in self._kept.values())
            while taken > self._memory_max_bytes and self._kept:
                taken -= self._kept.popitem(last=False)[1].nbytes
            self._changed.notify_all()


def _matches(view: IndexView, row: int, product_id: str) -> bool:
    """Whether a row may match as this product; the view may be older or newer than what was kept."""
    return (
        row < min(len(view.product_ids), view.store.row_count)
        and view.product_ids[row] == product_id
        and view.store.is_active(row)
    )


def product_features(product_id: str) -> dict[int, Features]:
    """Find the features of the photos of a product, of an even choice of them where it has many.

    A photo whose file is missing or cannot be read is left out.
    """
    photos = ProductImage.objects.filter(product_id=product_id, embedding_id__isnull=False)
    found_rows = photos.order_by("embedding_id").values_list("embedding_id", "image")
    stored = [(row, name) for row, name in found_rows if row is not None]
    if len(stored) > PHOTOS_MAX:
        stored = [stored[place] for place in np.linspace(0, len(stored) - 1, PHOTOS_MAX).astype(int)]
    found = {}
    for row, name in stored:
        try:
            pixels = photo_pixels(photo_path(name).read_bytes())
        except (OSError, ValueError, SyntaxError):  # Pillow's words for what is no JPEG
            logger.warning("the photo %s cannot be read and helps no closer look", name)
            continue
        found[row] = features_of(np.asarray(pixels))
    return found
