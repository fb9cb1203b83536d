"""Reading barcodes: at any angle, believed after two reads, one sighting while they stay in view."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from recognition.vision.lane.lane import Lane
from recognition.vision.lane.observations import Detection
from recognition.vision.lane.reasons import ReasonCode, because
from recognition.vision.scene.barcodes import BarcodeConfig, BarcodeReader, CodeRead, codes_read, item_of
from recognition.vision.types import WHOLE_FRAME, Box
from tests.recognition.vision.codes import code_picture, coded, enlarged
from tests.recognition.vision.scenes import YELLOW, Image, Pack, Stage, play, receipt

CODE, UPC, SHORT = "8801234567893", "036000291452", "96385074"
MIDDLE = (160.0, 120.0)
AROUND = Box(0.3, 0.25, 0.4, 0.5)


def patient() -> BarcodeReader:
    """Return a reader that reads everything however slow the machine is."""
    return BarcodeReader(BarcodeConfig(budget_s=60))


def scene(code: str = SHORT, *, angle: float = 0.0, module_px: int = 2) -> Image:
    """Return a frame with a barcode in its middle, turned."""
    drawn = code_picture(code, module_px=module_px)
    side = int(np.hypot(*drawn.shape))
    turn = cv2.getRotationMatrix2D((drawn.shape[1] / 2, drawn.shape[0] / 2), angle, 1.0)
    turn[:, 2] += ((side - drawn.shape[1]) / 2, (side - drawn.shape[0]) / 2)
    return coded(Stage().frame(), cv2.warpAffine(drawn, turn, (side, side), borderValue=255), MIDDLE)


@pytest.mark.parametrize(("code", "read"), [(CODE, CODE), (SHORT, SHORT), (UPC, f"0{UPC}")])
def test_codes_of_products_are_read_where_they_are(code: str, read: str) -> None:
    found = codes_read(scene(code), WHOLE_FRAME, 960)
    assert set(found) == {read}
    assert found[read].centre[0] == pytest.approx(0.5, abs=0.02)
    assert found[read].centre[1] == pytest.approx(0.5, abs=0.15), "somewhere along its bars"


def test_other_codes_and_things_are_no_products() -> None:
    import zxingcpp

    drawn = np.array(zxingcpp.create_barcode("nonsense", zxingcpp.BarcodeFormat.Code128).to_image(scale=2))
    assert codes_read(coded(Stage().frame(), drawn, MIDDLE), WHOLE_FRAME, 960) == {}
    assert codes_read(coded(Stage().frame(), None, MIDDLE), WHOLE_FRAME, 960) == {}


@pytest.mark.parametrize("angle", range(0, 180, 15))
def test_a_code_at_any_angle_is_believed_within_four_frames(angle: int) -> None:
    reader = patient()
    picture = scene(angle=angle)
    reads = [reader.read(picture, frame / 10, [AROUND], active=True) for frame in range(4)]
    assert {read.code for frame in reads for read in frame} == {SHORT}


def test_an_item_not_known_yet_is_enlarged_so_that_a_smaller_code_is_read() -> None:
    small = cv2.resize(scene(module_px=3), None, fx=0.4, fy=0.4, interpolation=cv2.INTER_LINEAR)
    assert codes_read(small, AROUND, round(AROUND.width * small.shape[1])) == {}
    assert set(codes_read(small, AROUND, 520)) == {SHORT}


def test_a_code_is_believed_when_it_was_read_in_two_frames() -> None:
    reader, picture = patient(), scene()
    assert reader.read(picture, 0.0, [AROUND], active=True) == []
    (read,) = reader.read(picture, 0.1, [], active=True)
    assert (read.code, read.sighting, read.reads) == (SHORT, 1, 2)


def looked(reader: BarcodeReader, pictures: list[tuple[float, Image]]) -> list[int]:
    """Return the appearances of all codes believed."""
    return [
        read.sighting
        for at_s, picture in pictures
        for read in reader.read(picture, at_s, [AROUND], active=True)
    ]


def test_a_code_that_was_gone_for_a_while_appears_again_and_a_moment_does_not_count() -> None:
    here, (away,) = scene(), enlarged([Stage().frame()])
    moment = [(0.0, here), (0.1, here), *((0.2 + n / 10, away) for n in range(10)), (1.3, here)]
    assert looked(patient(), moment) == [1, 1]
    longer = [(0.0, here), (0.1, here), *((0.2 + n / 10, away) for n in range(20)), (2.3, here), (2.4, here)]
    assert looked(patient(), longer) == [1, 2]


def test_a_broken_connection_ends_no_sighting() -> None:
    here = scene()
    assert looked(patient(), [(0.0, here), (0.1, here), (9.0, here)]) == [1, 1]


def test_nothing_is_read_over_a_bare_counter() -> None:
    reader, picture = patient(), scene()
    started_s = time.thread_time()
    for frame in range(100):
        assert reader.read(picture, frame / 10, [], active=False) == []
    assert time.thread_time() - started_s < 0.1


def test_a_code_belongs_to_the_smallest_item_around_it() -> None:
    def item(track: int, box: Box) -> Detection:
        return Detection(track, box, "candidate", None, 0.0, 0.0, ())

    items = [item(1, Box(0, 0, 1, 1)), item(2, Box(0.2, 0.2, 0.4, 0.4)), item(3, Box(0.7, 0.7, 0.2, 0.2))]
    read = CodeRead(SHORT, Box(0.5, 0.3, 0.1, 0.1), 1, 2)
    assert item_of(read, items) == items[1]
    assert item_of(read, items[2:]) is None


@pytest.mark.parametrize(("counted", "events"), [(False, [("add", "green")]), (True, [])])
def test_an_item_in_the_cart_before_it_was_a_track_is_not_counted_again(
    counted: bool, events: list[tuple[str, str]]
) -> None:
    stage, lane = Stage(), Lane()
    scene = [*stage.empty(8), *stage.shown(Pack(YELLOW, MIDDLE), 14)]
    before = play(lane, scene[:18])
    (item,) = lane.in_view()
    found = lane.identify(item.track, "green", because(ReasonCode.BARCODE, barcode="1"), counted=counted)
    after = play(lane, scene[18:], from_s=1.8)
    said = [] if found.event is None else [(found.event.action, found.event.product_id)]
    assert [*receipt(before), *said, *receipt(after)] == events


class ScannedParts:
    """Stands in for the decoder: notes which parts are scanned, and reads a code where it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found: dict[str, Box] = {}
        self.parts: list[tuple[Box, int, float]] = []
        monkeypatch.setattr("recognition.vision.scene.barcodes.codes_read", self)

    def __call__(
        self, frame: Image, region: Box, side_px: int, *, turn_degrees: float = 0.0
    ) -> dict[str, Box]:
        self.parts.append((region, side_px, turn_degrees))
        return dict(self.found)


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> ScannedParts:
    return ScannedParts(monkeypatch)


def test_the_whole_picture_is_scanned_in_every_fourth_frame(scanned: ScannedParts) -> None:
    reader, per_frame = patient(), []
    for number in range(9):
        reader.read(Stage().frame(), number / 10, [], active=True)
        per_frame.append(len(scanned.parts))
    assert per_frame == [1, 1, 1, 1, 2, 2, 2, 2, 3]
    assert scanned.parts == [(WHOLE_FRAME, 960, 0.0)] * 3


def test_the_three_largest_unknown_items_are_scanned_turned_in_every_other_frame(
    scanned: ScannedParts,
) -> None:
    reader = patient()
    items = [Box(0.1, 0.1, side, side) for side in (0.1, 0.5, 0.2, 0.4, 0.3)]
    for number in range(2):
        reader.read(Stage().frame(), number / 10, items, active=True)
    largest = [items[1].grown(0.1), items[3].grown(0.1), items[4].grown(0.1)]
    assert scanned.parts == [
        *((part, 520, 0.0) for part in largest),
        (WHOLE_FRAME, 960, 0.0),
        *((part, 400, 45.0) for part in largest),
    ]


@pytest.mark.parametrize(("part_ms", "parts"), [(7.4, 3), (7.6, 2)])
def test_no_part_is_begun_after_15_ms(
    scanned: ScannedParts, part_ms: float, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "thread_time", lambda: len(scanned.parts) * part_ms / 1e3)
    BarcodeReader().read(Stage().frame(), 0.0, [AROUND] * 3, active=True)
    assert len(scanned.parts) == parts


@pytest.mark.parametrize(
    ("times_s", "sighting"),
    [
        ((0.5, 1.0, 1.5), 1),
        ((0.5, 1.0, 1.25, 1.5625), 2),  # gone for more than 1.5 s
        ((9.0, 18.0, 18.5), 1),  # a pause counts as 0.5 s
        ((9.0, 18.0, 18.25, 18.5, 18.5625), 2),
    ],
)
def test_a_code_has_left_after_a_second_and_a_half_without_it(
    scanned: ScannedParts, times_s: tuple[float, ...], sighting: int
) -> None:
    reader, frame = patient(), Stage().frame()
    for at_s in (0.0, 0.0):
        scanned.found = {SHORT: AROUND}
        reader.read(frame, at_s, [AROUND], active=True)
    scanned.found = {}
    for at_s in times_s[:-1]:
        reader.read(frame, at_s, [AROUND], active=True)
    scanned.found = {SHORT: AROUND}
    reads = [read for _ in range(2) for read in reader.read(frame, times_s[-1], [AROUND], active=True)]
    assert reads[-1].sighting == sighting
