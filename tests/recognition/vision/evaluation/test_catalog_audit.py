"""Leaving out one photo after the other: what is counted, and what is advised."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from recognition.vision.decision.decide import State
from recognition.vision.evaluation import catalog_audit
from recognition.vision.evaluation.catalog_audit import (
    LeftOut,
    ProductCheck,
    photos_left_out,
    positions_checked,
    products_judged,
)
from recognition.vision.evaluation.recognizer import PhotoGallery, Recognizer
from tests.fakes import ThumbnailEncoder
from tests.recognition.vision.packs import pack, seen


def left_out(
    product: str,
    state: State,
    named: str | None,
    *,
    position: int = 0,
    matched: int | None = 9,
    score: float = 0.5,
) -> LeftOut:
    return LeftOut(position, product, state, named, matched if named else None, score)


def test_photos_are_counted_by_product_and_the_weakest_comes_first() -> None:
    checks = products_judged(
        Counter({"fine": 2, "weak": 3, "alone": 1, "wrong": 2}),
        [
            left_out("fine", "accepted", "fine"),
            left_out("fine", "accepted", "fine"),
            left_out("weak", "accepted", "weak"),
            left_out("weak", "unknown", None),
            left_out("weak", "ambiguous", "fine", position=7, score=0.6),
            left_out("wrong", "accepted", "wrong"),
            left_out("wrong", "accepted", "fine", position=4, matched=1, score=0.93),
        ],
    )

    assert [check.product for check in checks] == ["wrong", "weak", "alone", "fine"]
    assert [
        (c.photos, c.checked, c.right, c.accepted, c.ambiguous, c.unknown, c.wrongly_added) for c in checks
    ] == [
        (2, 2, 1, 2, 0, 0, 1),
        (3, 3, 1, 1, 1, 1, 0),
        (1, 0, 0, 0, 0, 0, 0),
        (2, 2, 2, 2, 0, 0, 0),
    ]
    (like,) = checks[0].looks_like
    assert (like.product, like.count, like.picture, like.matched, like.score) == ("fine", 1, 4, 1, 0.93)


def test_what_it_is_taken_for_most_comes_first_with_its_surest_picture() -> None:
    (check,) = products_judged(
        Counter({"tea": 5}),
        [
            left_out("tea", "unknown", "jam", position=1, score=0.9),
            left_out("tea", "unknown", "milk", position=2, score=0.4),
            left_out("tea", "unknown", "milk", position=3, score=0.6),
        ],
    )
    assert [(each.product, each.count, each.picture) for each in check.looks_like] == [
        ("milk", 2, 3),
        ("jam", 1, 1),
    ]


def checked(**counts: Any) -> ProductCheck:
    return ProductCheck("tea", **{"photos": 5, "checked": 5, **counts})


LIKE_MILK = (catalog_audit.LooksLike("milk", 2, 0, 9, 0.9),)
ONCE_LIKE_MILK = (catalog_audit.LooksLike("milk", 1, 0, 9, 0.9),)


@pytest.mark.parametrize(
    ("check", "advice"),
    [
        (checked(photos=1, checked=0), "one_photo"),
        (checked(wrongly_added=1, looks_like=LIKE_MILK), "added_wrongly"),
        (checked(looks_like=LIKE_MILK), "looks_like"),
        (checked(photos=2, checked=2, right=2, accepted=2), "few_photos"),
        (checked(unknown=3, right=3, accepted=2, looks_like=ONCE_LIKE_MILK), "other_sides"),
        (checked(ambiguous=2, right=4, accepted=3), "often_asked"),
        (checked(ambiguous=1, right=4, accepted=4, looks_like=ONCE_LIKE_MILK), "fine"),
        (checked(right=5, accepted=5), "fine"),
        (checked(photos=3, checked=3, right=3, accepted=3), "fine"),
        (checked(checked=10, looks_like=LIKE_MILK), "fine"),
        (checked(checked=9, looks_like=LIKE_MILK), "looks_like"),
        (checked(checked=99, ambiguous=20), "often_asked"),
        (checked(checked=10, ambiguous=2), "fine"),
        (checked(checked=9, ambiguous=2), "often_asked"),
        (checked(checked=10, unknown=5), "fine"),
        (checked(checked=9, unknown=5), "other_sides"),
    ],
)
def test_the_advice_names_what_would_help_most(check: ProductCheck, advice: str) -> None:
    assert check.advice == advice


def catalog(**photos: list[Any]) -> Recognizer:
    images = [image for some in photos.values() for image in some]
    products = [name for name, some in photos.items() for _ in some]
    embeddings = ThumbnailEncoder().encode(images)
    return Recognizer(None, PhotoGallery(embeddings, products, images.__getitem__))


def test_the_photo_shown_is_not_there_to_match_itself() -> None:
    stripes = np.zeros((240, 240, 3), np.uint8)
    stripes[::24] = 255
    recognizer = catalog(
        tea=[seen(pack(1, 1), tilt=0.05), seen(pack(1, 1), tilt=0.08), stripes],
        jam=[seen(pack(3, 1), tilt=0.05), seen(pack(3, 1), tilt=0.08)],
        salt=[seen(pack(4, 1))],
    )
    found = {each.position: each for each in photos_left_out(recognizer)}

    assert sorted(found) == [0, 1, 2, 3, 4]
    assert [(found[place].right, found[place].matched) for place in (0, 1, 3, 4)] == [
        (True, 1),
        (True, 0),
        (True, 4),
        (True, 3),
    ]
    assert (found[2].state, found[2].matched != 2) == ("unknown", True)
    # nothing is left out in the end
    assert recognizer.match(recognizer.gallery.embeddings[2:3])[0].candidates[0].row == 2


def test_of_many_photos_an_even_choice_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_audit, "PHOTOS_CHECKED", 3)
    photos = [seen(pack(1, 1), tilt=0.02 * number) for number in range(5)]
    recognizer = catalog(tea=photos, jam=[seen(pack(2, 1))] * 2)
    assert positions_checked(recognizer) == [5, 6, 0, 2, 4]


def test_no_more_than_twelve_photos_of_a_product_are_left_out() -> None:
    recognizer = catalog(tea=[seen(pack(1, 1))] * 12, jam=[seen(pack(2, 1))] * 13)
    assert positions_checked(recognizer) == [*range(12, 23), 24, *range(12)]


def test_a_check_can_be_stopped_after_any_photo() -> None:
    class Stopped(Exception):
        pass

    def stop() -> None:
        raise Stopped

    recognizer = catalog(tea=[seen(pack(1, 1))] * 2)
    with pytest.raises(Stopped):
        photos_left_out(recognizer, done=stop)
    assert recognizer.photos_of("tea") == [0, 1]
