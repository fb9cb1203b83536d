"""When a barcode in view counts, and as what: each rule by itself, with a lane that the test controls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID, uuid4

import numpy as np
import pytest

from catalog.models import Product
from checkout.cart.reasons import barcode_reason
from checkout.live import barcodes_in_view
from checkout.live.barcodes_in_view import barcodes_settle
from checkout.live.camera_state import CameraState
from checkout.models import ScanEvent, Source
from recognition.vision.lane.observations import Detection, Identification, TrackLife
from recognition.vision.lane.reasons import Reason
from recognition.vision.lane.voting import CountEvent
from recognition.vision.scene.barcodes import CodeRead
from recognition.vision.types import WHOLE_FRAME, Box
from tests.checkout.shop import product_make

pytestmark = pytest.mark.django_db(transaction=True)

Action = ScanEvent.Action
MILK_CODE, CREAM_CODE, TEA_CODE, NO_CODE = "4006381333931", "0036000291452", "5901234123457", "96385074"
PICTURE = np.full((240, 320, 3), 200, np.uint8)
CODE_BOX = Box(0.4, 0.4, 0.1, 0.1)


@dataclass
class Lane:
    """A lane whose items the test sets, recording what it is asked to identify."""

    mode: str = "scan"
    zone: Box = WHOLE_FRAME
    items: list[Detection] = field(default_factory=list)
    views: dict[int, int] = field(default_factory=dict)
    share_covered: float = 1.0
    asked: list[Box] = field(default_factory=list)
    identified: list[tuple[int, str, bool]] = field(default_factory=list)
    answers: dict[int, Identification] = field(default_factory=dict)

    def in_view(self) -> tuple[Detection, ...]:
        return tuple(self.items)

    def covered(self, box: Box) -> float:
        self.asked.append(box)
        return self.share_covered

    def life(self, track: int) -> TrackLife | None:
        views = [(0, "unknown", None, 0.0, 0.0, 0.0)] * self.views.get(track, 0)
        return TrackLife(track, 0, 0, views=cast("Any", views)) if track in self.views else None

    def identify(
        self, track: int, product_id: str, _reason: Reason, *, counted: bool = False
    ) -> Identification:
        self.identified.append((track, product_id, counted))
        return self.answers[track]


class Reader:
    """A camera before which codes are read."""

    def __init__(self) -> None:
        self.lane = Lane()
        self.camera = CameraState(cast("Any", self.lane))
        self.sent: list[dict[str, Any]] = []

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def read(
        self, code: str = MILK_CODE, *, reads: int = 4, sighting: int = 1, box: Box = CODE_BOX
    ) -> list[tuple[int | None, bool | None]]:
        """Read a code; return the tracks reported to have it, and whether the picture agreed."""
        before = len(self.sent)
        await barcodes_settle(self.camera, [CodeRead(code, box, sighting, reads)], PICTURE, self.send)
        return [(each["track"], each["agrees"]) for each in self.sent[before:]]

    def show(
        self,
        track: int,
        *,
        product_id: UUID | None = None,
        views: int = 0,
        known: bool = True,
        agrees: bool | None = None,
        counts_as: UUID | None = None,
        box: Box = CODE_BOX,
    ) -> None:
        """Put an item around the code; set the result of identifying it."""
        shown = None if product_id is None else str(product_id)
        state: Any = "accepted" if shown else "unknown"
        self.lane.items.append(Detection(track, box, state, shown, 0.0, 0.0, ()))
        self.lane.views[track] = views
        event = None
        if counts_as is not None:
            event = CountEvent(
                "add", str(counts_as), track, 0.0, 0.0, 0, PICTURE[:9, :9], barcode_reason(MILK_CODE)
            )
        self.lane.answers[track] = Identification(known, agrees, event)

    @property
    def changes(self) -> list[tuple[Action, UUID | None]]:
        return [(Action(change.action), change.product_id) for change in self.camera.changes]


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def milk(db: None) -> Product:
    return product_make("Milk", barcode=MILK_CODE)


@pytest.fixture
def cream(db: None) -> Product:
    return product_make("Cream", barcode=CREAM_CODE)


@pytest.fixture
def tea(db: None) -> Product:
    return product_make("Tea", barcode=TEA_CODE)


async def test_a_code_beside_all_items_counts_at_its_fourth_read_and_once_for_each_sighting(
    reader: Reader, milk: Product
) -> None:
    assert await reader.read(reads=3) == []
    assert reader.changes == []
    assert await reader.read(reads=4) == [(None, None)]
    assert await reader.read(reads=5) == []
    assert reader.changes == [(Action.ADD, milk.pk)]
    assert await reader.read(reads=4, sighting=2) == [(None, None)]
    assert reader.changes == [(Action.ADD, milk.pk)] * 2
    assert reader.sent[0] == {
        "type": "barcode.seen",
        "code": MILK_CODE,
        "track": None,
        "product_id": str(milk.pk),
        "name": "Milk",
        "agrees": None,
    }
    cause = reader.camera.changes[0].cause
    assert (cause.source, cause.score) == (Source.BARCODE, None)
    assert (cause.thumbnail or b"")[:2] == b"\xff\xd8"


@pytest.mark.parametrize(("covered", "counts"), [(0.29, False), (0.3, True)])
async def test_a_code_printed_on_the_counter_is_recognized_by_how_little_differs_from_it(
    reader: Reader, milk: Product, covered: float, counts: bool
) -> None:
    reader.lane.share_covered = covered
    assert await reader.read() == ([(None, None)] if counts else [])
    (asked,) = reader.lane.asked
    # wider by two hundredths above and below: a code is found along one line across its bars
    assert (asked.x, asked.y, asked.width, asked.height) == pytest.approx((0.4, 0.38, 0.1, 0.14))


@pytest.mark.parametrize("mode", ["scan", "cart", "tray"])
async def test_outside_of_the_zone_only_an_item_on_its_way_into_the_cart_is_named(
    reader: Reader, milk: Product, mode: str
) -> None:
    reader.lane.mode, reader.lane.zone = mode, Box(0.5, 0.0, 0.5, 1.0)
    assert await reader.read() == []
    reader.show(7, counts_as=milk.pk)
    assert await reader.read() == ([(7, None)] if mode == "cart" else [])
    assert len(reader.lane.identified) == (mode == "cart")


async def test_a_code_that_no_product_has_is_reported_once_and_changes_nothing(reader: Reader) -> None:
    reader.show(7)
    assert await reader.read(NO_CODE) == [(7, None)]
    assert await reader.read(NO_CODE) == []
    assert (reader.sent[0]["product_id"], reader.sent[0]["name"]) == (None, None)
    assert (reader.changes, reader.lane.identified) == ([], [])


async def test_an_item_that_is_not_known_yet_is_named_at_once_and_counts(
    reader: Reader, milk: Product
) -> None:
    reader.show(7, counts_as=milk.pk)
    assert await reader.read(reads=2) == [(7, None)]
    assert await reader.read(reads=3) == []
    assert reader.lane.identified == [(7, str(milk.pk), False)]
    assert reader.changes == [(Action.ADD, milk.pk)]
    assert reader.camera.changes[0].cause.source == Source.BARCODE
    assert reader.camera.scanned == {7}


async def test_an_item_counted_by_its_code_before_it_was_a_track_is_identified_as_counted(
    reader: Reader, milk: Product
) -> None:
    assert await reader.read() == [(None, None)]
    reader.show(7, views=1)
    assert await reader.read(reads=9) == [(7, None)]
    assert reader.lane.identified == [(7, str(milk.pk), True)]
    assert reader.changes == [(Action.ADD, milk.pk)]


async def test_a_second_item_with_the_code_has_to_be_seen_first(reader: Reader, milk: Product) -> None:
    reader.show(7, counts_as=milk.pk)
    await reader.read()
    reader.lane.items.clear()
    reader.show(8, counts_as=milk.pk)
    assert await reader.read() == []
    reader.lane.views[8] = 1
    assert await reader.read() == [(8, None)]
    assert reader.changes == [(Action.ADD, milk.pk)] * 2


async def test_a_code_alone_is_that_of_the_item_in_view_that_its_picture_shows(
    reader: Reader, milk: Product
) -> None:
    reader.show(7, product_id=milk.pk, agrees=True, box=Box(0.8, 0.8, 0.1, 0.1))
    assert await reader.read() == [(7, True)]
    assert reader.changes == []
    assert await reader.read(reads=5) == []


async def test_an_item_that_has_gone_meanwhile_is_settled_when_its_code_is_read_again(
    reader: Reader, milk: Product
) -> None:
    reader.show(7, known=False)
    assert await reader.read() == []
    reader.lane.items.clear()
    reader.show(7, counts_as=milk.pk)
    assert await reader.read() == [(7, None)]


async def test_a_code_that_disagrees_is_believed_once_and_a_second_one_proves_nothing(
    reader: Reader, milk: Product, cream: Product, tea: Product
) -> None:
    counted_id = uuid4()
    reader.camera.additions[7] = counted_id
    reader.show(7, product_id=milk.pk, agrees=False)
    assert await reader.read(CREAM_CODE) == [(7, False)]
    assert reader.changes == [(Action.DISAGREE, cream.pk)]
    change = reader.camera.changes[0]
    assert (change.added_id, change.pictured_id) == (counted_id, milk.pk)
    assert reader.camera.overruled == {7: str(cream.pk)}
    assert await reader.read(TEA_CODE) == [(7, False)]
    assert await reader.read(MILK_CODE) == [(7, False)]
    assert len(reader.changes) == 1
    assert reader.camera.overruled == {7: str(cream.pk)}


async def test_a_code_that_agrees_changes_nothing(reader: Reader, milk: Product) -> None:
    reader.show(7, product_id=milk.pk, agrees=True)
    assert await reader.read() == [(7, True)]
    assert (reader.changes, reader.camera.overruled) == ([], {})


async def test_the_hundred_codes_read_last_are_remembered(reader: Reader) -> None:
    codes = [f"{number:013d}" for number in range(101)]
    for code in codes[:100]:
        await reader.read(code)
    assert await reader.read(codes[0]) == []
    await reader.read(codes[100])
    assert len(reader.camera.holders) == 100
    assert await reader.read(codes[1]) == []
    assert await reader.read(codes[0]) == [(None, None)], "the one read first was forgotten"


async def test_a_code_is_that_of_the_smallest_item_around_it_or_just_beside(
    reader: Reader, milk: Product
) -> None:
    reader.show(7, counts_as=milk.pk, box=Box(0.2, 0.2, 0.6, 0.6))
    reader.show(8, counts_as=milk.pk, box=Box(0.35, 0.35, 0.2, 0.2))
    assert await reader.read(reads=2) == [(8, None)]
    assert await reader.read(reads=2, sighting=2, box=Box(0.81, 0.4, 0.04, 0.04)) == [(7, None)]
    assert await reader.read(reads=2, sighting=3, box=Box(0.86, 0.4, 0.04, 0.04)) == []


def test_the_waiting_for_a_track_and_the_share_covered_are_what_they_were_measured_to_be() -> None:
    assert (barcodes_in_view.READS_ALONE, barcodes_in_view.COVERED_MIN) == (4, 0.3)
