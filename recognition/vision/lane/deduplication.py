"""Tells an item that is new from one that was counted and that its track then lost."""

from __future__ import annotations

from collections.abc import Iterable

from recognition.vision.lane.tracked_item import TrackedItem

SAME_PLACE = 0.5
"""Share of the smaller of two boxes in the other from which both are taken for boxes of one thing."""

TOUCHING = 0.05
"""Share of their sizes by which boxes that touch may be apart."""


def duplicate_of(item: TrackedItem, others: Iterable[TrackedItem]) -> TrackedItem | None:
    """Return the track that was counted as an item's product and may have been counted for this very item.

    That is one at the same place, or one that has not been seen to show the product since this item first
    did: it may have lost its item, as when another thing passes before it. An item that came in over the rim
    of the frame and was recognised at once is a new one, whatever else is in view.
    """
    product_id = item.verdict.product_id
    if product_id is None or item.counted or item.answered:
        return None
    for other in others:
        if other is item or not other.counts_as(product_id):
            continue
        if other.track.seen and in_place_of(item, other):
            return other
        if other.confirmed_frame <= item.named_frame and not item.came_in:
            return other
    return None


def in_place_of(item: TrackedItem, other: TrackedItem) -> bool:
    """Tell whether two tracks are at one place, or are parts of one thing that fell apart in the view."""
    one, two = item.track.box, other.track.box
    if one.shared(two) > SAME_PLACE * min(one.area, two.area):
        return True
    return not item.came_in and one.grown(TOUCHING).shared(two.grown(TOUCHING)) > 0


def owner_of(product_id: str, item: TrackedItem, others: Iterable[TrackedItem]) -> TrackedItem | None:
    """Return what was counted as a product that an item seems to have been exchanged for.

    Where there is one, in view or lost only after this item was last seen to be itself, their tracks have
    changed places and both are counted.
    """
    return next(
        (
            other
            for other in others
            if other is not item
            and other.counts_as(product_id)
            and other.life.last_frame >= item.confirmed_frame
        ),
        None,
    )
