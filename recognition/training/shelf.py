"""Everything there is to train on, under one numbering of classes, and the batches drawn from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognition.training.packs import draw_pack
from recognition.training.photos import CACHED_SIDE_PX, PhotoSet, photos_load, squares_load
from recognition.training.recipe import Recipe

# A pack has no surroundings of its own and is nearly always drawn on a counter; a photo brings its shelf.
_PACK_ON_COUNTER = 0.85
_PHOTO_ON_COUNTER = 0.35


@dataclass(frozen=True)
class Batch:
    """What one step sees.

    Attributes
    ----------
    pixels : uint8 (n, side, side, 3) RGB
    classes : int64 (n,), class numbers
    counter_share : float32 (n,), each square's chance to be shown as a cut-out on a counter
    """

    pixels: NDArray[np.uint8]
    classes: NDArray[np.int64]
    counter_share: NDArray[np.float32]


class Shelf:
    """Real photos and drawn packs to train on.

    Parameters
    ----------
    recipe : decides the shares of a batch and which classes are kept out
    grocery : sets of photos with true classes; classes are drawn evenly, then a photo of the class
    clothing : photos that are each a class of their own
    packs : uint8 (n, side, side, 3), each a class of its own
    """

    def __init__(
        self, recipe: Recipe, grocery: Sequence[PhotoSet], clothing: PhotoSet, packs: NDArray[np.uint8]
    ) -> None:
        self._recipe = recipe
        self._grocery, self._clothing, self._packs = grocery, clothing, packs
        places: dict[str, list[tuple[int, int]]] = {}
        for number, photos in enumerate(grocery):
            for row, label in enumerate(photos.labels):
                if label not in recipe.unseen:
                    places.setdefault(label, []).append((number, row))
        self.class_names = sorted(places)
        self._places = [places[name] for name in self.class_names]
        self.class_count = len(self.class_names) + len(clothing) + len(packs)

    def batch(self, step: int) -> Batch:
        """The batch of a step: always the same one for the same recipe."""
        recipe = self._recipe
        rng = np.random.default_rng((recipe.seed, step))
        of_grocery = round(recipe.batch * recipe.grocery_share)
        of_clothing = round(recipe.batch * recipe.clothing_share)
        of_packs = recipe.batch - of_grocery - of_clothing
        pixels: list[NDArray[np.uint8]] = []
        classes: list[int] = []
        for chosen in rng.integers(len(self._places), size=of_grocery):
            number, row = self._places[chosen][rng.integers(len(self._places[chosen]))]
            pixels.append(self._grocery[number].pixels[row])
            classes.append(int(chosen))
        for row in rng.integers(len(self._clothing), size=of_clothing):
            pixels.append(self._clothing.pixels[row])
            classes.append(len(self.class_names) + int(row))
        for row in rng.integers(len(self._packs), size=of_packs) if len(self._packs) else ():
            pixels.append(self._packs[row])
            classes.append(len(self.class_names) + len(self._clothing) + int(row))
        is_pack = np.array(classes) >= len(self.class_names) + len(self._clothing)
        share = np.where(is_pack, _PACK_ON_COUNTER, _PHOTO_ON_COUNTER).astype(np.float32)
        return Batch(np.stack(pixels), np.array(classes, np.int64), share)

    def squares(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
        """All there is to train on, source by source: class numbers (n,) and squares (n, side, side, 3)."""
        number = {name: place for place, name in enumerate(self.class_names)}
        for photos in self._grocery:
            rows = [row for row, label in enumerate(photos.labels) if label in number]
            yield np.array([number[photos.labels[row]] for row in rows], np.int64), photos.pixels[rows]
        singles = len(self.class_names)
        for pixels in (self._clothing.pixels, self._packs):
            yield np.arange(singles, singles + len(pixels)), pixels
            singles += len(pixels)


def packs_load(recipe: Recipe, cache: Path, *, side_px: int = CACHED_SIDE_PX) -> NDArray[np.uint8]:
    """Map the recipe's drawn packs, drawing them first where the cache lacks them."""
    return squares_load(
        cache / f"packs-{recipe.packs}-{side_px}-{recipe.seed}.npy",
        lambda number: draw_pack(number, side_px=side_px, seed=recipe.seed),
        count=recipe.packs,
        side_px=side_px,
    )


def shelf_load(recipe: Recipe, data: Path, cache: Path, *, side_px: int = CACHED_SIDE_PX) -> Shelf:
    """Gather the training photos, the iconic pictures, the clothing and the drawn packs."""
    grocery = [photos_load(data, split, cache, side_px=side_px) for split in ("train", "iconic")]
    clothing = photos_load(data, "clothing", cache, side_px=side_px)
    return Shelf(recipe, grocery, clothing, packs_load(recipe, cache, side_px=side_px))
