"""Draws small scenes as a checkout camera sees them, and recognizes their items by colour alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition.vision.decision.decide import Candidate, Decision
from recognition.vision.lane.lane import Lane
from recognition.vision.lane.observations import Outcome

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float32]
Point = tuple[float, float]

WIDTH, HEIGHT, FPS = 320, 240, 10
RED, BLUE, GREEN, YELLOW = (200, 40, 40), (40, 60, 200), (30, 150, 60), (230, 210, 40)
SKIN = (215, 170, 135)
REGISTERED = {"red": RED, "blue": BLUE, "green": GREEN}


@dataclass(frozen=True)
class Pack:
    """A coloured pack with a white label, held or lying somewhere."""

    colour: tuple[int, int, int]
    at: Point
    size: tuple[int, int] = (80, 100)
    angle: float = 0.0

    def there(self, at: Point) -> Pack:
        """The same pack elsewhere."""
        return replace(self, at=at)


@dataclass(frozen=True)
class Arm:
    """A bare arm reaching in from below, with a fist at its end."""

    at: Point


Shape = Pack | Arm


class Stage:
    """A counter; the same seed draws the same frames."""

    def __init__(self, seed: int = 5) -> None:
        self._random = np.random.default_rng(seed)
        ramp = np.linspace(0.85, 1.1, HEIGHT)[:, None, None]
        texture = cv2.GaussianBlur(self._random.normal(0, 20, (HEIGHT, WIDTH, 3)), (0, 0), 3)
        self.counter = (np.array([150.0, 145.0, 140.0]) * ramp + texture).astype(np.float32)
        cv2.rectangle(self.counter, (20, 30), (80, 70), (90.0, 60.0, 120.0), -1)

    def frame(self, *shapes: Shape, light: float = 1.0, noise: float = 2.0) -> Image:
        """Draw one frame, later shapes in front of earlier ones."""
        image = self.counter.copy()
        for shape in shapes:
            _draw_arm(image, shape) if isinstance(shape, Arm) else _draw_pack(image, shape)
        noisy = image * light + self._random.normal(0, noise, image.shape)
        return np.clip(noisy, 0, 255).astype(np.uint8)

    def empty(self, frames: int) -> list[Image]:
        """Draw the empty counter for some frames."""
        return [self.frame() for _ in range(frames)]

    def shown(self, pack: Pack, frames: int, *, from_x: float = -100.0) -> list[Image]:
        """Draw a pack carried in by an arm from one side, held with a tremble, and carried out again."""
        spot_x, spot_y = pack.at
        path = [(from_x + (spot_x - from_x) * share, spot_y) for share in (0.3, 0.65, 0.9)]
        trembling = [
            (spot_x + float(x), spot_y + float(y)) for x, y in self._random.uniform(-2, 2, (frames, 2))
        ]
        outside = (from_x, spot_y)
        positions = [*path, *trembling, *reversed(path), outside]
        return [self.frame(pack.there(at), Arm((at[0] + 25, at[1] + 40))) for at in positions]


def _draw_pack(image: FloatArray, pack: Pack) -> None:
    outline = cv2.boxPoints((pack.at, pack.size, pack.angle)).astype(np.int32)
    cv2.fillPoly(image, [outline], [float(level) for level in pack.colour])
    label = cv2.boxPoints((pack.at, (pack.size[0] * 0.7, pack.size[1] * 0.15), pack.angle)).astype(np.int32)
    cv2.fillPoly(image, [label], [250.0, 250.0, 250.0])


def _draw_arm(image: FloatArray, arm: Arm) -> None:
    x, y = round(arm.at[0]), round(arm.at[1])
    cv2.line(image, (x, y), (x + 20, HEIGHT + 20), [float(level) for level in SKIN], 18)
    cv2.ellipse(image, (x, y), (17, 13), 20, 0, 360, [float(level) for level in SKIN], -1)


def colour_embeddings(crops: Sequence[Image]) -> FloatArray:
    """Embed each crop as its median colour: float32 (n, 3)."""
    rows = [np.median(crop.reshape(-1, 3), axis=0) for crop in crops]
    return (np.array(rows, np.float32) - 128.0).reshape(-1, 3)


def decision_by_colour(embedding: FloatArray, registered: dict[str, tuple[int, int, int]]) -> Decision:
    """Match an embedding of ``colour_embeddings`` to the nearest registered colours."""
    scores = {
        name: float(np.exp(-np.linalg.norm(embedding + 128.0 - np.array(colour)) / 60.0))
        for name, colour in registered.items()
    }
    ranked = sorted(scores, key=lambda name: -scores[name])
    candidates = tuple(Candidate(product_id=name, score=scores[name], row=0) for name in ranked)
    score = candidates[0].score
    margin = score - (candidates[1].score if len(candidates) > 1 else 0.0)
    if score < 0.5:
        return Decision("unknown", score, margin, candidates)
    return Decision("accepted" if margin > 0.15 else "ambiguous", score, margin, candidates)


# Verifies pictures of one item against the products it may be, as an engine does.
Verify = Callable[[Sequence[Image], Sequence[Candidate]], tuple[Decision, ...]]


def unverified(pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
    """Verify nothing, as where no photo can be compared."""
    return ()


def play(
    lane: Lane,
    frames: Iterable[Image],
    *,
    from_s: float = 0.0,
    registered: dict[str, tuple[int, int, int]] | None = None,
    verify: Verify = unverified,
) -> list[Outcome]:
    """Show frames to a lane, one outcome each."""
    outcomes = []
    for index, frame in enumerate(frames):
        observation = lane.observe(frame, from_s + index / FPS)
        embeddings = colour_embeddings([crop for _, crop in observation.crops])
        matches = [decision_by_colour(row, registered or REGISTERED) for row in embeddings]
        requests = lane.vote(observation, embeddings, matches)
        verified = {each.track: verify(each.pictures, each.contenders) for each in requests}
        outcomes.append(lane.conclude(verified))
    return outcomes


def receipt(outcomes: Iterable[Outcome]) -> list[tuple[str, str]]:
    """List the events of outcomes as (action, product)."""
    return [(event.action, event.product_id) for outcome in outcomes for event in outcome.events]
