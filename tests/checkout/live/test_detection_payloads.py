"""The shapes in which items and the reasons for them leave the server."""

from __future__ import annotations

from typing import Any

from checkout.live import detection_payloads
from checkout.live.detection_payloads import detection_show, frame_debug, products_named, sides, why_show
from checkout.payloads import Choice
from recognition.vision.lane.observations import Detection, Observation, TrackLife
from recognition.vision.types import Box

MILK, CREAM, TEA = (f"{number:08x}-0000-4000-8000-000000000000" for number in (1, 2, 3))
NAMES: dict[str, Choice] = {
    product_id: {"product_id": product_id, "name": name, "image": None, "price": None}
    for product_id, name in ((MILK, "Milk"), (CREAM, "Cream"))
}
BOX = Box(0.123456, 0.2, 0.34567, 0.1)


def item(state: Any, product_id: str | None = None, choices: tuple[str, ...] = ()) -> Detection:
    return Detection(7, BOX, state, product_id, 0.876543, 0.123456, choices)


def views(count: int) -> list[Any]:
    return [(frame, "accepted", MILK, 0.87654321, 0.1, 0.3) for frame in range(count)]


def test_an_item_is_shown_with_its_name_and_numbers_to_four_places() -> None:
    assert detection_show(item("accepted", MILK), NAMES) == {
        "track": 7,
        "box": [0.1235, 0.2, 0.3457, 0.1],
        "state": "accepted",
        "product_id": MILK,
        "name": "Milk",
        "score": 0.8765,
        "margin": 0.1235,
        "choices": [],
    }
    assert sides(BOX) == [0.1235, 0.2, 0.3457, 0.1]


def test_products_not_on_sale_have_no_name_and_are_no_choice() -> None:
    assert detection_show(item("accepted", TEA), NAMES)["name"] is None
    assert detection_show(item("unknown"), NAMES)["name"] is None
    shown = detection_show(item("ambiguous", None, (CREAM, TEA, MILK)), NAMES)
    assert shown["choices"] == [NAMES[CREAM], NAMES[MILK]]


def test_all_products_that_an_item_names_are_asked_for() -> None:
    assert list(products_named(item("ambiguous", None, (CREAM, TEA)))) == [CREAM, TEA]
    assert list(products_named(item("accepted", MILK))) == [MILK]
    assert list(products_named(item("unknown"))) == []


def test_the_last_six_views_are_sent_and_name_their_products() -> None:
    assert detection_payloads.EXPLAINED_MAX == 6
    life = TrackLife(7, 0, 9, sightings=9, inside=False, views=views(7))
    why = why_show(life, NAMES)
    assert (why["sightings"], why["inside"]) == (9, False)
    assert [view["frame"] for view in why["views"]] == [1, 2, 3, 4, 5, 6]
    assert why["views"][0] == {
        "frame": 1,
        "state": "accepted",
        "name": "Milk",
        "score": 0.8765,
        "margin": 0.1,
        "quality": 0.3,
    }
    life.views[0] = (0, "accepted", TEA, 0.9, 0.1, 0.3)
    life.views[1] = (1, "unknown", None, 0.9, 0.1, 0.3)
    assert set(products_named(item("unknown"), life)) == {MILK}
    assert why_show(life, NAMES)["views"][0]["name"] is None


def test_a_frame_tells_where_items_may_be_and_whether_anything_is_new() -> None:
    observation = Observation(3, (), (), changed=0.0, active=True, proposals=(BOX,))
    assert frame_debug(observation, [0.0, 0.0, 1.0, 1.0]) == {
        "zone": [0.0, 0.0, 1.0, 1.0],
        "proposals": [[0.1235, 0.2, 0.3457, 0.1]],
        "changed": True,
    }
