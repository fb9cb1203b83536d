"""Tells which items left without being counted, and keeps hands, sleeves and fragments out of that."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from recognition.vision.lane.observations import UnresolvedItem, UnresolvedKind
from recognition.vision.lane.reasons import ReasonCode, because
from recognition.vision.lane.tracked_item import TrackedItem
from recognition.vision.lane.tracking import TrackingConfig
from recognition.vision.lane.voting import CHOICES_MAX, State, contenders_of
from recognition.vision.scene.crops import sharpness
from recognition.vision.types import Image

SEEN_S = 0.25
"""What was in view for less is a flicker or a fragment of an item beside it."""

AREA_MIN = 0.015
"""Share of the frame that an item covers in its largest view; fragments of arms and shadows cover less."""

SKIN_SHARE = 0.5
"""Share of skin colour from which a picture may be one of a hand; cartons reach 0.97, too."""

SKIN_SHARPNESS = 8.0
"""What has the colour of skin and is less sharp is skin. Drawn hands and palms reach 5.4; cartons of that
colour begin at 11."""

REAPPEARS_S = 2.0
"""Time in which an item that a track lost turns up on another one."""

KINDS: dict[State, UnresolvedKind] = {
    "candidate": "undecided",
    "unknown": "unknown",
    "ambiguous": "unanswered",
}


def skin_share(picture: Image) -> float:
    """Return the share of a picture, uint8 (h, w, 3) RGB, that has the colour of skin.

    The bounds on Cr and Cb are those of D. Chai and K. N. Ngan (Face segmentation using skin-color map,
    1999); they hold for skin of any tone, and for much of what is brown or orange.
    """
    tones = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)
    red, blue = tones[..., 1], tones[..., 2]
    return float(np.mean((red >= 133) & (red <= 173) & (blue >= 77) & (blue <= 127)))


def is_skin(picture: Image) -> bool:
    """Return whether a picture shows nothing but skin: its colour, and nothing printed on it."""
    return skin_share(picture) >= SKIN_SHARE and sharpness(picture) < SKIN_SHARPNESS


def is_item(item: TrackedItem, config: TrackingConfig) -> bool:
    """Return whether a track that was not counted showed an item of its own, as far as it was seen.

    It was viewed, in view for a while, and large enough; the edge of the frame did not cut it off for long,
    as it does a shopper; it is no duplicate of a counted item; and its best picture is no bare skin.
    """
    track = item.track
    if not item.pictures or item.largest_area < AREA_MIN or track.last_s - track.first_s < SEEN_S:
        return False
    if track.cut_off_s > config.cut_off_s:
        return False
    if any(event.reason.code == ReasonCode.SHOWS_COUNTED_ITEM for event in item.life.story):
        return False
    return not is_skin(item.pictures[0][1])


def unresolved_of(item: TrackedItem) -> UnresolvedItem:
    """Return an item as unresolved; its votes and pictures have to be there still."""
    verdict = item.verdict
    choices, score, margin, reason = verdict.choices, verdict.score, verdict.margin, verdict.reason
    if verdict.state != "ambiguous":
        likeliest = contenders_of(item.votes, CHOICES_MAX)
        choices = choices or tuple(each.product_id for each in likeliest)
        score = likeliest[0].score if likeliest else 0.0
        margin = score - (likeliest[1].score if len(likeliest) > 1 else 0.0)
    if verdict.state == "candidate":
        reason = because(ReasonCode.TOO_FEW_VIEWS, views=len(item.life.views))
    picture = item.pictures[0][1]
    return UnresolvedItem(item.track.id, KINDS[verdict.state], choices, score, margin, picture, reason)


def earlier_track_of(
    item: TrackedItem, others: Iterable[TrackedItem], config: TrackingConfig
) -> TrackedItem | None:
    """Return the ended track whose item turned up again on this one, by embedding and time, or None.

    An item that entered at the edge of the frame is a new one, and what left over the edge is gone.
    """
    track = item.track
    if track.entered_at_edge or track.embedding is None:
        return None
    for other in others:
        ended = other.track
        if other is item or ended.embedding is None or ended.leaving():
            continue
        alike = float(ended.embedding @ track.embedding) >= config.linked_similarity
        if alike and 0 <= track.first_s - ended.last_s <= REAPPEARS_S:
            return other
    return None
