from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from recognition.vision.scene.crops import cut_item
from recognition.vision.scene.foreground import ForegroundConfig, ForegroundDetector, Scene
from recognition.vision.types import Box
from tests.recognition.vision.scenes import BLUE, HEIGHT, RED, WIDTH, Arm, Image, Pack, Stage

MIDDLE = (160.0, 115.0)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def detected(
    frames: list[Image], expected: tuple[Box, ...] = (), config: ForegroundConfig | None = None
) -> list[Scene]:
    detector = ForegroundDetector(config)
    return [detector.detect(frame, 0.1, expected) for frame in frames]


def box_of(pack: Pack) -> Box:
    left, top = pack.at[0] - pack.size[0] / 2, pack.at[1] - pack.size[1] / 2
    return Box(left / WIDTH, top / HEIGHT, pack.size[0] / WIDTH, pack.size[1] / HEIGHT)


def test_the_bare_counter_holds_nothing(stage: Stage) -> None:
    for scene in detected(stage.empty(10)):
        assert scene.proposals == ()
        assert scene.changed < 0.005


def test_an_item_is_boxed_tightly(stage: Stage) -> None:
    pack = Pack(RED, MIDDLE)
    (proposal,) = detected([*stage.empty(3), stage.frame(pack)])[-1].proposals

    assert proposal.box.iou(box_of(pack)) > 0.9
    assert proposal.fill > 0.9
    assert not proposal.cut_off
    assert np.linalg.norm(proposal.histogram) == pytest.approx(1.0)


def corner_iou(corners: np.ndarray, pack: Pack) -> float:
    truth = cv2.boxPoints((pack.at, pack.size, pack.angle))
    found = (corners * np.array([WIDTH, HEIGHT])).astype(np.float32)
    shared, _ = cv2.intersectConvexConvex(truth, found)
    return shared / (cv2.contourArea(truth) + cv2.contourArea(found) - shared)


@pytest.mark.parametrize("angle", [-25.0, -10.0, 0.0, 20.0])
def test_the_hand_that_holds_an_item_is_cut_off(stage: Stage, angle: float) -> None:
    pack = Pack(RED, MIDDLE, angle=angle)
    scene = detected([*stage.empty(3), stage.frame(pack, Arm((185, 150)))])[-1]

    (proposal,) = scene.proposals
    assert corner_iou(proposal.corners, pack) > 0.85
    # All foreground together, arm included, is a much larger box.
    rows = np.nonzero(scene.foreground)[0]
    assert rows.max() / scene.foreground.shape[0] > 0.98
    crop = cut_item(stage.frame(pack), proposal)
    reds = np.abs(crop.astype(int) - np.array(RED)).max(axis=2) < 25
    assert reds[4:-4, 4:-4].mean() > 0.8


def test_two_items_apart_and_two_that_hang_together_by_an_arm_are_two(stage: Stage) -> None:
    left, right = Pack(RED, (80, 110)), Pack(BLUE, (230, 110))
    frames = [*stage.empty(3), stage.frame(left, right)]
    bar = stage.frame(left, right)
    cv2.line(bar, (80, 140), (230, 140), (215, 170, 135), 18)

    for frame in (frames[-1], bar):
        boxes = sorted(proposal.box.x for proposal in detected([*frames[:3], frame])[-1].proposals)
        assert boxes == pytest.approx([box_of(left).x, box_of(right).x], abs=0.03)


def test_touching_items_are_parted_where_they_were_expected(stage: Stage) -> None:
    left, right = Pack(RED, (120, 115)), Pack(RED, (199, 115))
    detector = ForegroundDetector()
    for frame in stage.empty(3):
        detector.detect(frame, 0.1)
    touching = stage.frame(left, right)

    assert len(detector.detect(touching, 0.1).proposals) == 1
    parted = detector.detect(touching, 0.1, (box_of(left), box_of(right))).proposals
    assert len(parted) == 2
    for proposal, pack in zip(sorted(parted, key=lambda found: found.box.x), (left, right), strict=True):
        assert proposal.box.iou(box_of(pack)) > 0.85


def test_pieces_of_an_expected_item_are_held_together(stage: Stage) -> None:
    pack = Pack(RED, MIDDLE, size=(100, 120))
    broken = stage.frame(pack)
    strip = slice(105, 125)
    broken[strip] = stage.frame()[strip]
    detector = ForegroundDetector()
    for frame in stage.empty(3):
        detector.detect(frame, 0.1)

    assert len(detector.detect(broken, 0.1).proposals) == 2
    (whole,) = detector.detect(broken, 0.1, (box_of(pack),)).proposals
    assert whole.box.iou(box_of(pack)) > 0.9


def test_a_tracked_item_is_never_absorbed_and_an_untracked_one_is(stage: Stage) -> None:
    pack = Pack(RED, MIDDLE)
    frames = [*stage.empty(3), *[stage.frame(pack) for _ in range(80)]]

    held = detected(frames, (box_of(pack),))
    assert len(held[-1].proposals) == 1
    assert held[-1].proposals[0].box.iou(box_of(pack)) > 0.9
    left = detected(frames)
    assert len(left[20].proposals) == 1
    assert left[-1].proposals == ()


def test_the_arm_that_holds_a_tracked_item_still_is_not_absorbed_either(stage: Stage) -> None:
    pack = Pack(RED, MIDDLE)
    still = [stage.frame(pack, Arm((185, 150))) for _ in range(60)]
    scenes = detected([*stage.empty(3), *still, *stage.empty(2)], (box_of(pack),))

    assert scenes[-1].changed < 0.01


def test_light_is_followed_without_foreground(stage: Stage) -> None:
    for light in (0.8, 1.2):
        scenes = detected([*stage.empty(3), stage.frame(light=light)])
        assert scenes[-1].changed < 0.01
        naive = np.abs(stage.frame(light=light).astype(float) - stage.frame()).max(axis=2) > 13
        assert naive.mean() > 0.9


def test_an_item_is_found_in_changed_light(stage: Stage) -> None:
    pack = Pack(BLUE, MIDDLE)
    (proposal,) = detected([*stage.empty(3), stage.frame(pack, light=0.8)])[-1].proposals

    assert proposal.box.iou(box_of(pack)) > 0.85


def test_what_runs_out_of_the_frame_is_told(stage: Stage) -> None:
    (proposal,) = detected([*stage.empty(3), stage.frame(Pack(RED, (20, 115)))])[-1].proposals

    assert proposal.cut_off


def test_a_change_of_the_frame_size_starts_afresh(stage: Stage) -> None:
    detector = ForegroundDetector()
    detector.detect(stage.frame(), 0.1)
    tall = np.ascontiguousarray(np.rot90(stage.frame(Pack(RED, MIDDLE))))

    assert detector.detect(tall, 0.1).proposals == ()
    assert detector.detect(tall, 0.1).changed == 0.0


def test_what_covers_a_place_can_be_asked(stage: Stage) -> None:
    pack = Pack(RED, MIDDLE)
    detector = ForegroundDetector()
    for frame in [*stage.empty(3), stage.frame(pack)]:
        detector.detect(frame, 0.1)

    assert detector.covered(box_of(pack)) > 0.95
    assert detector.covered(Box(0.0, 0.7, 0.2, 0.2)) < 0.05


def test_the_items_of_a_recorded_visit_are_found_in_every_frame(shared_data: Path) -> None:
    folder = shared_data / "sequences" / "visit-005"
    frames = [cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB) for path in sorted(folder.glob("*.jpg"))]
    scenes = detected(frames)

    # Two items, held from frame 22 to 31 and from 86 to 96; an empty hand and nothing in between.
    for index in [*range(22, 31), *range(86, 96)]:
        assert len(scenes[index].proposals) == 1, index
    for index in [*range(16), *range(40, 78), *range(104, len(frames))]:
        assert scenes[index].proposals == (), index


def test_what_rests_is_uncovered_once_frames_have_another_size(stage: Stage) -> None:
    pack, detector = Pack(RED, MIDDLE), ForegroundDetector()
    for frame in (*stage.empty(3), stage.frame(pack)):
        detector.detect(frame, 0.1)
    detector.add_resting_item(7, box_of(pack))
    assert dict(detector.resting_items_uncovered())[7] < 0.2
    wider = [np.ascontiguousarray(frame[: HEIGHT // 2]) for frame in stage.empty(3)]
    for frame in wider:
        assert detector.detect(frame, 0.1).proposals == ()
        assert detector.resting_items_uncovered() == [(7, 1.0)]
    detector.remove_resting_item(7)
    assert detector.resting_items_uncovered() == []
