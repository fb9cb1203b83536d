"""Recognizes pictures as a running shop does, over a gallery in memory: for evaluation and experiments."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from recognition.vision.batches import EMBED_BATCH, batches
from recognition.vision.decision.calibration import FALSE_ACCEPT_TARGET, Calibration
from recognition.vision.decision.decide import Candidate, Decision, Thresholds
from recognition.vision.decision.local_features import Features, features_of
from recognition.vision.decision.matching import match
from recognition.vision.decision.verification import photos_needed, verify, verify_pictures
from recognition.vision.encoders.layout import EMBEDDING_DIM, VISUAL_WEIGHT, fuse
from recognition.vision.encoders.protocol import Encoder
from recognition.vision.photos.item import photo_item
from recognition.vision.store.faiss_store import FaissStore
from recognition.vision.types import FloatArray, Image


@dataclass(eq=False)
class PhotoGallery:
    """Labelled photos, embedded once; recognizers over subsets share their vectors and local features.

    Attributes
    ----------
    embeddings : float32 (n, 1280), unweighted, as encoders return them
    products : the product of each photo
    read : returns the pixels of a photo by its position, uint8 RGB; called when verification needs them
    features_max : photos whose features are cached, the least recently used dropped first; None keeps all
    items : whether verification uses the item of a photo, as for registered photos, or the whole picture
    """

    embeddings: FloatArray
    products: Sequence[str]
    read: Callable[[int], Image]
    features_max: int | None = None
    items: bool = True
    _features: OrderedDict[int, Features] = field(default_factory=OrderedDict, repr=False)

    def __post_init__(self) -> None:
        if self.embeddings.shape != (len(self.products), EMBEDDING_DIM):
            raise ValueError(
                f"expected embeddings of shape ({len(self.products)}, {EMBEDDING_DIM}), one for each "
                f"product named, got {self.embeddings.shape}"
            )

    def __len__(self) -> int:
        return len(self.products)

    @classmethod
    def embed(cls, encoder: Encoder, images: Sequence[Image], products: Sequence[str]) -> PhotoGallery:
        """Embed the items of photos in memory, uint8 RGB (h, w, 3) each, as registration does."""
        items = [photo_item(image) for image in images]
        parts = [encoder.encode(some) for some in batches(items, EMBED_BATCH)]
        embeddings = np.concatenate([np.empty((0, EMBEDDING_DIM), np.float32), *parts])
        return cls(embeddings, products, images.__getitem__)

    def features(self, position: int) -> Features:
        """Return the local features of a photo; extracted on first use."""
        if position not in self._features:
            picture = self.read(position)
            self._features[position] = features_of(photo_item(picture) if self.items else picture)
        self._features.move_to_end(position)
        while self.features_max is not None and len(self._features) > self.features_max:
            self._features.popitem(last=False)
        return self._features[position]


class Recognizer:
    """Decides on pictures exactly as a shop with the same photos would, without database, threads or waiting.

    Not thread-safe: `without` changes what every method returns.

    Parameters
    ----------
    encoder : embeds queries; must be the one that embedded the gallery. None where all queries are embedded
        already
    gallery : photos to choose from
    chosen : positions of the registered photos, by default all; products are known by these alone
    false_accept_target : share of unknown items that may be accepted as a product
    visual_weight : share of the visual block in a score
    thresholds : those of a shop with the same photos, by default measured here
    """

    def __init__(
        self,
        encoder: Encoder | None,
        gallery: PhotoGallery,
        *,
        chosen: Sequence[int] | None = None,
        false_accept_target: float = FALSE_ACCEPT_TARGET,
        visual_weight: float = VISUAL_WEIGHT,
        thresholds: Thresholds | None = None,
    ) -> None:
        self.encoder = encoder
        self.gallery = gallery
        self.visual_weight = visual_weight
        # rows of the store in the order of the positions; photos that were not chosen have none
        self._positions = sorted(range(len(gallery)) if chosen is None else chosen)
        if len(set(self._positions)) != len(self._positions):
            raise ValueError("expected each chosen photo once")
        self._row_of = {position: row for row, position in enumerate(self._positions)}
        self._products = [gallery.products[position] for position in self._positions]
        self._rows_of: dict[str, list[int]] = defaultdict(list)
        for row, product in enumerate(self._products):
            self._rows_of[product].append(row)
        self._store = FaissStore()
        self._store.add(fuse(gallery.embeddings[self._positions], visual_weight=visual_weight))
        self._false_accept_target = false_accept_target
        self._calibrated: Calibration | None = None
        self._thresholds = self._calibration.thresholds() if thresholds is None else thresholds

    @property
    def thresholds(self) -> Thresholds:
        """The thresholds measured on the registered photos, or those given."""
        return self._thresholds

    @property
    def products(self) -> tuple[str, ...]:
        """The products that can be recognized now, in order."""
        return tuple(sorted(name for name, rows in self._rows_of.items() if self._active(rows)))

    def photos_of(self, product: str) -> list[int]:
        """Return the positions of the photos by which a product is known now."""
        return [self._positions[row] for row in self._active(self._rows_of.get(product, []))]

    def best_photo(self, product: str, embedding: FloatArray) -> tuple[int, float] | None:
        """Return the photo of a product nearest to an embedding, float32 (1280,), and its score."""
        positions = self.photos_of(product)
        if not positions:
            return None
        photos = fuse(self.gallery.embeddings[positions], visual_weight=self.visual_weight)
        scores = photos @ fuse(embedding[None], visual_weight=self.visual_weight)[0]
        return positions[int(scores.argmax())], float(scores.max())

    def position_of(self, row: int) -> int:
        """Return the position of a candidate's row in the gallery."""
        return self._positions[row]

    def recognize(self, images: Sequence[Image]) -> list[Decision]:
        """Decide on pictures, uint8 RGB (h, w, 3), by embedding and artwork."""
        matches = self.match(self.embed(images))
        return [
            self.settle(decision, partial(features_of, image))
            for image, decision in zip(images, matches, strict=True)
        ]

    def embed(self, images: Sequence[Image]) -> FloatArray:
        """Embed pictures: float32 (n, 1280), unweighted.

        Raises
        ------
        ValueError
            Where the recognizer was made without an encoder.
        """
        if self.encoder is None:
            raise ValueError("this recognizer has no encoder")
        return self.encoder.encode(images)

    def match(self, embeddings: FloatArray) -> list[Decision]:
        """Decide by embeddings alone, float32 (n, 1280) unweighted, as for the views of a lane."""
        queries = fuse(embeddings, visual_weight=self.visual_weight)
        return match(self._store, self._products, queries, self._thresholds)

    def decide(self, pictures: PhotoGallery, position: int) -> Decision:
        """Decide on one embedded picture, by embedding and artwork."""
        decision = self.match(pictures.embeddings[position : position + 1])[0]
        return self.settle(decision, partial(pictures.features, position))

    def settle(self, decision: Decision, item: Callable[[], Features]) -> Decision:
        """Verify the decision on one picture.

        Parameters
        ----------
        decision : of `match`
        item : returns the features of the picture; called only where there is a photo to compare it with
        """
        photos = self._features_of(photos_needed(decision.candidates))
        return verify(item(), decision.candidates, self._thresholds, photos) if photos else decision

    def verify(self, pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        """Verify pictures of one item, as the engine does for a lane."""
        photos = self._features_of(photos_needed(contenders))
        return verify_pictures(pictures, contenders, self._thresholds, photos)

    @contextmanager
    def without(self, positions: Sequence[int], *, measured_again: bool = True) -> Iterator[Recognizer]:
        """Withdraw some photos of the gallery for the duration of a ``with`` block.

        The calibration is updated for these photos, not measured from scratch.

        Parameters
        ----------
        measured_again : whether thresholds are measured without them; else they stay those of all photos

        Raises
        ------
        ValueError
            Where one of the photos is not registered here; nothing is changed then.
        """
        gone = sorted({self._row_of.get(position, -1) for position in positions})
        if any(row < 0 or not self._store.is_active(row) for row in gone):
            raise ValueError("expected photos that are registered")
        thresholds = self._thresholds
        if measured_again:
            self._calibration.withdraw(gone)
        self._store.withdraw(gone)
        if measured_again:
            self._thresholds = self._calibration.thresholds()
        try:
            yield self
        finally:
            self._store.restore(gone)
            if measured_again:
                self._calibration.add(gone, [self._products[row] for row in gone])
            self._thresholds = thresholds

    @property
    def _calibration(self) -> Calibration:
        """The calibration on the registered photos; measured on first use."""
        if self._calibrated is None:
            self._calibrated = Calibration(self._store.vectors, false_accept_target=self._false_accept_target)
            rows = self._active(range(len(self._products)))
            self._calibrated.add(rows, [self._products[row] for row in rows])
        return self._calibrated

    def _active(self, rows: Sequence[int]) -> list[int]:
        return [row for row in rows if self._store.is_active(row)]

    def _features_of(self, rows: Sequence[int]) -> Mapping[int, Features]:
        return {row: self.gallery.features(self._positions[row]) for row in self._active(rows)}
