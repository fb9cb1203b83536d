"""Plays drawn visits to a lane with perfect recognition of each crop, so that only counting can go wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recognition.vision.decision.decide import Candidate, Decision
from recognition.vision.lane.config import LaneConfig
from recognition.vision.lane.lane import Lane
from recognition.vision.types import Box
from tests.recognition.vision.drawn_counter import Camera, Labels, Visit

FloatArray = NDArray[np.float32]
EMBEDDING_SIDE = 32
MOSTLY = 0.3
"""An item is recognized in a crop of which it fills at least this share, and twice that of any other."""


@dataclass
class Played:
    """The result of a played visit.

    Attributes
    ----------
    cart : counts at the end, none below zero
    events : (action, product) in order
    """

    lane: Lane
    cart: dict[str, int]
    events: list[tuple[str, str]] = field(default_factory=list)


def play_visit(visit: Visit, *, width: int = 320, every: int = 1, config: LaneConfig | None = None) -> Played:
    """Play a visit in the mode and zone it is meant for, one of `every` frames."""
    (mode,) = visit.carts
    lane, camera, cart = Lane(config), Camera(visit, width), Counter[str]()
    lane.set_mode(mode)  # type: ignore[arg-type]
    lane.set_zone(Box(*visit.zone))
    events: list[tuple[str, str]] = []
    for index in range(0, visit.frames, every):
        image, labels = camera.frame(index)
        observation = lane.observe(image, visit.time_s(index))
        recognized = [recognized_by_truth(labels, visit, box) for box in observation.boxes]
        embeddings = np.array([embedding for embedding, _ in recognized], np.float32).reshape(
            -1, EMBEDDING_SIDE
        )
        lane.vote(observation, embeddings, [decision for _, decision in recognized])
        for event in lane.conclude().events:
            events.append((event.action, event.product_id))
            cart[event.product_id] += 1 if event.action == "add" else -1
    return Played(lane, {product: count for product, count in cart.items() if count > 0}, events)


def recognized_by_truth(labels: Labels, visit: Visit, box: Box) -> tuple[FloatArray, Decision]:
    """Recognize perfectly what a box of a frame shows: an embedding, float32 (32,), and a decision."""
    height, width = labels.shape
    top, left = round(box.y * height), round(box.x * width)
    part = labels[
        max(0, top) : top + round(box.height * height), max(0, left) : left + round(box.width * width)
    ]
    numbers, counts = np.unique(part[part >= 0], return_counts=True)
    shares = sorted(zip((counts / max(part.size, 1)).tolist(), numbers.tolist(), strict=True), reverse=True)
    if not shares or shares[0][0] < MOSTLY or (len(shares) > 1 and shares[1][0] > 0.5 * shares[0][0]):
        return _direction("nothing"), Decision("unknown", 0.3, 0.0, ())
    number = shares[0][1]
    product = visit.things[number].product
    if product is None:
        return _direction(f"stranger {number}"), Decision("unknown", 0.3, 0.0, ())
    return _direction(product), Decision("accepted", 0.9, 0.3, (Candidate(product, 0.9, 0),))


def _direction(name: str) -> FloatArray:
    row = np.random.default_rng(list(name.encode())).normal(size=EMBEDDING_SIDE)
    return (row / np.linalg.norm(row)).astype(np.float32)
