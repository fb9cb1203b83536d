"""Builds the payloads of detections, with explanations where the client asked for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from checkout.cart.reasons import event_say
from checkout.payloads import Choice, DetectionPayload, FrameDebug, Why

if TYPE_CHECKING:
    from recognition.vision.lane import observations
    from recognition.vision.types import Box

# The newest views and events of an item: as many as fit beside its box.
EXPLAINED_MAX = 6


def detection_show(detection: observations.Detection, names: Mapping[str, Choice]) -> DetectionPayload:
    """Return the payload of an item; products withdrawn from sale have no name."""
    return {
        "track": detection.track,
        "box": sides(detection.box),
        "state": detection.state,
        "product_id": detection.product_id,
        "name": _name(detection.product_id, names),
        "score": round(detection.score, 4),
        "margin": round(detection.margin, 4),
        "choices": [names[product_id] for product_id in detection.choices if product_id in names],
    }


def products_named(
    detection: observations.Detection, life: observations.TrackLife | None = None
) -> Iterator[str]:
    """Yield the ids of all products that the payload of an item, and its explanation, name."""
    yield from detection.choices
    if detection.product_id is not None:
        yield detection.product_id
    if life is not None:
        yield from (view[2] for view in life.views[-EXPLAINED_MAX:] if view[2] is not None)
        for event in life.story[-EXPLAINED_MAX:]:
            yield from event.reason.product_ids()


def why_show(life: observations.TrackLife, names: Mapping[str, Choice]) -> Why:
    """Return the newest part of an item's life, in the active language, with product names."""
    known = {product_id: choice["name"] for product_id, choice in names.items()}
    return {
        "sightings": life.sightings,
        "views": [
            {
                "frame": frame,
                "state": state,
                "name": _name(product_id, names),
                "score": round(score, 4),
                "margin": round(margin, 4),
                "quality": round(quality, 4),
            }
            for frame, state, product_id, score, margin, quality in life.views[-EXPLAINED_MAX:]
        ],
        "story": [
            {
                "frame": event.frame,
                "code": event.reason.code,
                "params": event.reason.payload()["params"],
                "text": event_say(event, known),
            }
            for event in life.story[-EXPLAINED_MAX:]
        ],
        "inside": life.inside,
    }


def frame_debug(observation: observations.Observation, zone: list[float]) -> FrameDebug:
    """Return what the lane found in a frame before recognition."""
    return {
        "zone": zone,
        "proposals": [sides(box) for box in observation.proposals],
        "changed": observation.active,
    }


def sides(box: Box) -> list[float]:
    """Return x, y, width and height, relative to the frame."""
    return [round(side, 4) for side in (box.x, box.y, box.width, box.height)]


def _name(product_id: str | None, names: Mapping[str, Choice]) -> str | None:
    named = names.get(product_id or "")
    return named["name"] if named else None
