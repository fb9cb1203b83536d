"""Tells a new item from one that another track was counted for and then lost."""

from __future__ import annotations

from collections.abc import Iterable

from recognition.vision.lane.tracked_item import TrackedItem

SAME_POSITION = 0.5
"""Share of the smaller of two boxes that lies in the other, above which both are of one item."""

TOUCHING = 0.05
"""Share of their size by which two boxes are grown when tested for touching."""


def duplicate_of(item: TrackedItem, others: Iterable[TrackedItem]) -> TrackedItem | None:
    """Return the item that was counted as the same product and may be this very item on another track.

    That is one at the same position, or one that has not matched the product since this item first did: its
    track may have lost the item, as when something passes in front of it. An item that entered at the edge
    of the frame and was recognized at once is a new one, whatever else is in view.
    """
    product_id = item.verdict.product_id
    if product_id is None or item.counted or item.answered:
        return None
    for other in others:
        if other is item or not other.counts_as(product_id):
            continue
        if other.track.seen and same_position(item, other):
            return other
        if other.last_match_frame <= item.first_match_frame and not item.is_new_arrival:
            return other
    return None


def same_position(item: TrackedItem, other: TrackedItem) -> bool:
    """Return whether two tracks have the same position, or are fragments of one item."""
    one, two = item.track.box, other.track.box
    if one.shared(two) > SAME_POSITION * min(one.area, two.area):
        return True
    return not item.is_new_arrival and one.grown(TOUCHING).shared(two.grown(TOUCHING)) > 0


def switched_with(product_id: str, item: TrackedItem, others: Iterable[TrackedItem]) -> TrackedItem | None:
    """Return the counted item with which an item's track has switched identity; None without one.

    The item now looks like `product_id`. Where another item was counted as that product and was seen after
    this one last matched its own, the two tracks have swapped items, and both are counted already.
    """
    return next(
        (
            other
            for other in others
            if other is not item
            and other.counts_as(product_id)
            and other.life.last_frame >= item.last_match_frame
        ),
        None,
    )
