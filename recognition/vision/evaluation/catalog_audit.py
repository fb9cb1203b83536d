"""Measures how well each product of a catalog is recognized, by leaving out its photos one at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from recognition.vision.decision.decide import State
from recognition.vision.evaluation.recognizer import Recognizer

PHOTOS_CHECKED = 12
"""Photos of a product that are left out in turn, evenly chosen where it has more: bounds the work."""

PHOTOS_ENOUGH = 3
"""A product with fewer photos has sides that no photo shows."""

CONFUSED_SHARE = 0.2
"""Share of a product's photos above which confusions, or questions, call for advice."""

WEAK_SHARE = 0.5
"""The same for photos that were not recognized."""

Advice = Literal[
    "one_photo", "few_photos", "looks_like", "added_wrongly", "other_sides", "often_asked", "fine"
]


@dataclass(frozen=True)
class LeftOut:
    """The decision on one photo that is left out of the gallery.

    Attributes
    ----------
    position, product : of the photo
    named : the likeliest product, None where nothing was found
    matched : position of the best matching photo of that product
    score : of that match, in -1..1
    """

    position: int
    product: str
    state: State
    named: str | None
    matched: int | None
    score: float

    @property
    def right(self) -> bool:
        """Whether the likeliest product is the photo's own."""
        return self.named == self.product


@dataclass(frozen=True)
class LooksLike:
    """Another product that photos were taken for.

    Attributes
    ----------
    count : photos taken for it
    picture : position of the one with the highest score
    matched : position of the photo that it matched
    score : of that match, in -1..1
    """

    product: str
    count: int
    picture: int
    matched: int
    score: float


@dataclass(frozen=True)
class ProductCheck:
    """How well one product is recognized.

    Attributes
    ----------
    photos : all of the product
    checked : photos that were left out; 0 for an only photo, without which the product is not in the gallery
    right : those whose likeliest product was right, whether or not that was sure enough
    accepted, ambiguous, unknown : those decided so; they add up to ``checked``
    wrongly_added : those accepted as another product
    looks_like : the products it was taken for, the most frequent first
    """

    product: str
    photos: int
    checked: int = 0
    right: int = 0
    accepted: int = 0
    ambiguous: int = 0
    unknown: int = 0
    wrongly_added: int = 0
    looks_like: tuple[LooksLike, ...] = field(default=())

    @property
    def advice(self) -> Advice:
        """The advice that would help most."""
        confused = self.looks_like[0].count if self.looks_like else 0
        reasons: list[tuple[bool, Advice]] = [
            (not self.checked, "one_photo"),
            (self.wrongly_added > 0, "added_wrongly"),
            (confused > CONFUSED_SHARE * self.checked, "looks_like"),
            (self.photos < PHOTOS_ENOUGH, "few_photos"),
            (self.unknown > WEAK_SHARE * self.checked, "other_sides"),
            (self.ambiguous > CONFUSED_SHARE * self.checked, "often_asked"),
        ]
        return next((advice for holds, advice in reasons if holds), "fine")


def photos_left_out(recognizer: Recognizer, *, done: Callable[[], object] = lambda: None) -> list[LeftOut]:
    """Show each product's photos to a recognizer that lacks just the photo shown.

    Thresholds stay those of all photos, since one photo barely moves them. An only photo is not shown:
    without it the product is not in the gallery.

    Parameters
    ----------
    recognizer : over the whole catalog
    done : called after each photo; raise in it to stop
    """
    found = []
    for position in positions_checked(recognizer):
        product = recognizer.gallery.products[position]
        with recognizer.without([position], measured_again=False):
            decision = recognizer.decide(recognizer.gallery, position)
        best = decision.candidates[0] if decision.candidates else None
        found.append(
            LeftOut(
                position,
                product,
                decision.state,
                best.product_id if best else None,
                recognizer.position_of(best.row) if best else None,
                best.score if best else 0.0,
            )
        )
        done()
    return found


def positions_checked(recognizer: Recognizer) -> list[int]:
    """Return the positions of the photos that are left out in turn, product by product."""
    chosen: list[int] = []
    for product in recognizer.products:
        positions = recognizer.photos_of(product)
        if len(positions) > 1:
            count = min(len(positions), PHOTOS_CHECKED)
            chosen += [positions[index] for index in np.linspace(0, len(positions) - 1, count).astype(int)]
    return chosen


def products_judged(photos: Counter[str], left_out: Iterable[LeftOut]) -> list[ProductCheck]:
    """Summarize by product, the weakest first.

    Parameters
    ----------
    photos : number of photos of each product
    """
    of_product: dict[str, list[LeftOut]] = {product: [] for product in photos}
    for each in left_out:
        of_product[each.product].append(each)
    checks = [_judged(product, photos[product], some) for product, some in of_product.items()]
    return sorted(checks, key=_strength)


def _judged(product: str, photos: int, left_out: Sequence[LeftOut]) -> ProductCheck:
    states = Counter(each.state for each in left_out)
    wrong: dict[str, list[LeftOut]] = defaultdict(list)
    for each in left_out:
        if each.named is not None and not each.right:
            wrong[each.named].append(each)
    looks_like = [_looks_like(named, some) for named, some in wrong.items()]
    return ProductCheck(
        product,
        photos,
        checked=len(left_out),
        right=sum(each.right for each in left_out),
        accepted=states["accepted"],
        ambiguous=states["ambiguous"],
        unknown=states["unknown"],
        wrongly_added=sum(each.state == "accepted" and not each.right for each in left_out),
        looks_like=tuple(sorted(looks_like, key=lambda each: (-each.count, -each.score, each.product))),
    )


def _looks_like(named: str, some: Sequence[LeftOut]) -> LooksLike:
    surest = max(some, key=lambda each: (each.score, -each.position))
    assert surest.matched is not None
    return LooksLike(named, len(some), surest.position, surest.matched, surest.score)


def _strength(check: ProductCheck) -> tuple[float, float, float, str]:
    """Sort by need for help: wrong accepts first, then few right, then few accepted."""
    if not check.checked:
        # nothing is known of it: it ranks as half right
        return (0.0, 0.5, 0.0, check.product)
    shares = [count / check.checked for count in (check.wrongly_added, check.right, check.accepted)]
    return (-shares[0], shares[1], shares[2], check.product)
