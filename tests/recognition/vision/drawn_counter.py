"""Draws a counter before a camera: things on paths, hands, a shopper behind, light, a camera that moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Layer = NDArray[np.float32]
Labels = NDArray[np.int16]

WIDTH, HEIGHT = 640, 480
SKIN_TONES = ((224, 180, 148), (190, 138, 102), (118, 78, 56))
NOTHING, BODY = -1, -2
"""Labels of pixels that show no thing: the counter; a hand or the shopper."""


@dataclass(frozen=True)
class Key:
    """Where a thing is at a frame; between two of them it moves smoothly."""

    frame: int
    x: float
    y: float
    angle: float = 0.0
    scale: float = 1.0


@dataclass
class Thing:
    """A picture, or only a hand, carried along a path; in view from its first to its last key.

    Attributes
    ----------
    art : uint8 (h, w, 3), RGB; None for an empty hand
    product : its class, None for a thing that is not registered
    height : of the art in pixels of a 640 by 480 frame
    hand : rim from which the arm comes, None for a thing that lies or is pushed unseen
    hand_frames : frames in which the hand is there, as (first, last) pairs; None for always
    cover : share of the thing's height that fingers hide, from below
    depth : things of greater depth hide those of less
    tremble : of a hand that holds it, in pixels
    blur : length of motion blur per pixel moved in a frame
    shadow : how much of the light it takes from the counter beside it
    """

    art: Image | None
    product: str | None
    path: Sequence[Key]
    height: float = 210.0
    hand: str | None = "right"
    hand_frames: Sequence[tuple[int, int]] | None = None
    cover: float = 0.0
    depth: int = 0
    tremble: float = 3.0
    blur: float = 0.35
    shadow: float = 0.0
    skin: tuple[int, int, int] = SKIN_TONES[0]

    def at(self, frame: int) -> Key | None:
        """Tell where it is, None where it is not in view."""
        if not self.path[0].frame <= frame <= self.path[-1].frame:
            return None
        later = next(index for index, key in enumerate(self.path) if key.frame >= frame)
        end = self.path[later]
        start = self.path[max(0, later - 1)]
        share = (frame - start.frame) / max(1, end.frame - start.frame)
        ease = share * share * (3 - 2 * share)

        def between(one: float, other: float) -> float:
            return one + (other - one) * ease

        return Key(
            frame,
            between(start.x, end.x),
            between(start.y, end.y),
            between(start.angle, end.angle),
            between(start.scale, end.scale),
        )


Light = Callable[[int], NDArray[np.float64] | float]
"""For a frame the factor of its brightness: a number, or one for each column (640,)."""


@dataclass
class Visit:
    """What happens before the camera, and the cart that each mode should make of it."""

    kind: str
    frames: int
    things: list[Thing]
    carts: dict[str, dict[str, int]]
    seed: int
    light: Light = lambda _: 1.0
    noise: float = 2.5
    shift: Callable[[int], tuple[float, float]] = lambda _: (0.0, 0.0)
    shopper: Callable[[int], tuple[float, float] | None] | None = None
    times_s: list[float] | None = None
    zone: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)

    def time_s(self, frame: int) -> float:
        """When a frame was taken."""
        return frame / 10 if self.times_s is None else self.times_s[frame]


class Camera:
    """Draws the frames of one visit; the same visit and size give the same frames.

    Parameters
    ----------
    width : of the frames in pixels, at 4 to 3; noise is that of 640 pixels, averaged over what became one
    """

    def __init__(self, visit: Visit, width: int = WIDTH) -> None:
        self.visit = visit
        self.size = (width, width * HEIGHT // WIDTH)
        self._scale = width / WIDTH
        self._random = np.random.default_rng([visit.seed, 1])
        self._margin = 40
        self._counter = self._draw_counter()

    def frame(self, index: int) -> tuple[Image, Labels]:
        """Draw a frame, uint8 (h, w, 3) RGB, and say for each pixel which thing it shows, int16 (h, w)."""
        visit, scale = self.visit, self._scale
        random = np.random.default_rng([visit.seed, 2, index])
        width, height = self.size
        across, down = visit.shift(index)
        margin = round(self._margin * scale)
        left, top = round(margin + across * scale), round(margin + down * scale)
        image = self._counter[top : top + height, left : left + width].copy()
        labels = np.full((height, width), NOTHING, np.int16)
        if visit.shopper is not None and (place := visit.shopper(index)) is not None:
            self._draw_shopper(image, labels, (place[0] - across, place[1] - down))
        order = sorted(range(len(visit.things)), key=lambda number: visit.things[number].depth)
        for number in order:
            thing = visit.things[number]
            key = thing.at(index)
            if key is not None:
                wobble = random.uniform(-1, 1, 3) * thing.tremble if self._held(thing, index) else np.zeros(3)
                here = Key(
                    index,
                    (key.x + wobble[0] - across) * scale,
                    (key.y + wobble[1] - down) * scale,
                    key.angle + 0.5 * wobble[2],
                    key.scale * scale,
                )
                self._draw_thing(image, labels, number, here, self._step(thing, index))
        gain = np.asarray(visit.light(index), np.float64)
        if gain.ndim:
            gain = cv2.resize(gain.reshape(1, -1), (width, 1))[..., None]
        grain = random.standard_normal(image.shape, np.float32) * np.float32(visit.noise * scale)
        lit = image * gain.astype(np.float32) + grain
        return np.clip(lit, 0, 255).astype(np.uint8), labels

    def _held(self, thing: Thing, index: int) -> bool:
        if thing.hand is None:
            return False
        return thing.hand_frames is None or any(a <= index <= b for a, b in thing.hand_frames)

    def _step(self, thing: Thing, index: int) -> tuple[float, float]:
        now, before = thing.at(index), thing.at(index - 1)
        if now is None or before is None:
            return 0.0, 0.0
        return (now.x - before.x) * self._scale, (now.y - before.y) * self._scale

    def _draw_counter(self) -> Layer:
        scale, random = self._scale, np.random.default_rng([self.visit.seed, 3, *self.visit.kind.encode()])
        width, height = (round((side + 2 * self._margin) * scale) for side in (WIDTH, HEIGHT))
        slope = np.linspace(0.85, 1.12, height)[:, None, None] * np.linspace(0.95, 1.05, width)[None, :, None]
        image = random.uniform(80, 190, 3) * slope
        for _ in range(int(random.integers(3, 8))):
            x, y = random.uniform(0, width), random.uniform(0, height)
            half = random.uniform(10, 90, 2) * scale
            box = cv2.boxPoints(((x, y), (2 * half[0], 2 * half[1]), float(random.uniform(-20, 20))))
            cv2.fillPoly(image, [box.astype(np.int32)], random.uniform(40, 220, 3).tolist())
        grain = cv2.GaussianBlur(random.normal(0, 22, image.shape), (0, 0), 3 * scale)
        return (cv2.GaussianBlur(image, (0, 0), 1.5 * scale) + grain).astype(np.float32)

    def _draw_thing(
        self, image: Layer, labels: Labels, number: int, key: Key, step: tuple[float, float]
    ) -> None:
        thing, scale = self.visit.things[number], self._scale
        before = image.copy() if thing.blur and np.hypot(*step) * thing.blur > 1.5 else None
        half = 60.0 * scale, 0.0
        if thing.art is not None:
            high, wide = thing.art.shape[:2]
            zoom = thing.height * key.scale / high
            half = zoom * wide / 2, zoom * high / 2
            if thing.shadow:
                self._darken(image, key, half, thing.shadow)
            turn = cv2.getRotationMatrix2D((wide / 2, high / 2), key.angle, zoom)
            turn[:, 2] += np.array([key.x, key.y]) - (wide / 2, high / 2)
            size = self.size
            laid = cv2.warpAffine(thing.art, turn, size, flags=cv2.INTER_AREA).astype(np.float32)
            full = np.full((high, wide), 255, np.uint8)
            mask = cv2.warpAffine(full, turn, size).astype(np.float32)[..., None] / 255
            image += mask * (laid - image)
            labels[mask[..., 0] > 0.5] = number
        if self._held(thing, key.frame):
            self._draw_hand(image, labels, thing, key, half)
        if before is not None:
            self._smear(image, before, step, thing.blur)

    def _draw_hand(
        self, image: Layer, labels: Labels, thing: Thing, key: Key, half: tuple[float, float]
    ) -> None:
        scale = self._scale
        turn = np.deg2rad(-key.angle)
        axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        side = {"left": (-1.0, 0.6), "right": (1.0, 0.6), "bottom": (0.3, 1.0), "top": (0.3, -1.0)}[
            thing.hand or "right"
        ]
        grip = np.array([key.x, key.y])
        if thing.art is not None:
            grip = grip + axes @ (np.array(side) * (half[0] * 0.85, half[1] * 0.75))
        width, height = self.size
        end = {
            "left": (-60.0, grip[1] + 90 * scale),
            "right": (width + 60.0, grip[1] + 90 * scale),
            "bottom": (grip[0] + 40 * scale, height + 60.0),
            "top": (grip[0] + 40 * scale, -60.0),
        }[thing.hand or "right"]
        mask = np.zeros(labels.shape, np.uint8)
        start = (round(grip[0]), round(grip[1]))
        cv2.line(mask, start, (round(end[0]), round(end[1])), 255, max(2, round(42 * scale)))
        cv2.ellipse(mask, start, (round(38 * scale), round(29 * scale)), 20, 0, 360, 255, -1)
        if thing.cover and thing.art is not None:
            for finger in range(4):
                low = np.array([half[0] * (-0.75 + 0.5 * finger), half[1]])
                high = low - (0, 2 * half[1] * thing.cover)
                one, other = (np.array([key.x, key.y]) + axes @ point for point in (low, high))
                width_px = max(2, round(0.42 * half[0]))
                cv2.line(mask, _px(one), _px(other), 255, width_px)
        soft = cv2.GaussianBlur(mask, (0, 0), 1.2).astype(np.float32)[..., None] / 255
        shade = np.linspace(1.08, 0.88, labels.shape[0], dtype=np.float32)[:, None, None]
        image += soft * (np.array(thing.skin, np.float32) * shade - image)
        labels[mask > 127] = BODY

    def _draw_shopper(self, image: Layer, labels: Labels, place: tuple[float, float]) -> None:
        """Draw a head and a striped torso, coming in over the upper rim."""
        scale, random = self._scale, np.random.default_rng([self.visit.seed, 4])
        x, y = place[0] * scale, place[1] * scale
        shirt, hair = random.uniform(30, 200, 3), random.uniform(20, 90, 3)
        skin = SKIN_TONES[int(random.integers(len(SKIN_TONES)))]

        def blob(dx: float, dy: float, rx: float, ry: float, colour: Iterable[float]) -> None:
            centre, axes = (
                (round(x + dx * scale), round(y + dy * scale)),
                (round(rx * scale), round(ry * scale)),
            )
            cv2.ellipse(image, centre, axes, 0, 0, 360, [float(part) for part in colour], -1)
            cv2.ellipse(labels, centre, axes, 0, 0, 360, BODY, -1)

        blob(0, 190, 190, 130, shirt)
        for stripe in range(-3, 4):
            blob(stripe * 48, 190, 9, 100 - 8 * abs(stripe), shirt * 0.6)
        blob(0, 12, 64, 82, hair)
        blob(0, 26, 54, 68, skin)
        for eye in (-20, 20):
            blob(eye, 14, 8, 5, (40, 30, 30))
        blob(0, 62, 20, 6, (150, 70, 70))

    def _darken(self, image: Layer, key: Key, half: tuple[float, float], strength: float) -> None:
        width, height = self.size
        mask = np.zeros((height, width), np.float32)
        centre = (key.x + 0.55 * half[0], key.y + 0.5 * half[1])
        size = (2.1 * half[0], 2.0 * half[1])
        box = cv2.boxPoints((centre, size, -key.angle))
        cv2.fillPoly(mask, [box.astype(np.int32)], strength)
        image *= (1 - cv2.GaussianBlur(mask, (0, 0), 14 * self._scale))[..., None]

    def _smear(self, image: Layer, before: Layer, step: tuple[float, float], blur: float) -> None:
        length = min(41, 2 * round(np.hypot(*step) * blur / 2) + 1)
        kernel = np.zeros((length, length), np.float32)
        middle = length // 2
        direction = np.array(step) / max(float(np.hypot(*step)), 1e-6) * middle
        one, other = (middle - direction), (middle + direction)
        cv2.line(kernel, _px(one), _px(other), 1.0)
        changed = cv2.dilate(
            (np.abs(image - before).max(axis=2) > 2).astype(np.uint8), np.ones((3, 3), np.uint8)
        )
        soft = cv2.filter2D(changed.astype(np.float32), -1, kernel / kernel.sum())[..., None]
        image += soft * (cv2.filter2D(image, -1, kernel / kernel.sum()) - image)


def _px(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
