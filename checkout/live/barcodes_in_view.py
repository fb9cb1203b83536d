"""Decides what barcodes in view of a camera mean: which item they identify, what counts, what is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from checkout.cart import selectors
from checkout.cart.reasons import barcode_reason
from checkout.cart.scan_events import Cause
from checkout.cart.thumbnails import thumbnail_make
from checkout.errors import BarcodeInvalid, ProductNotFound
from checkout.live.camera_state import BarcodeHolders, BarcodeProduct, CameraState
from checkout.live.pending_changes import Change
from checkout.live.threads import in_database, in_vision
from checkout.models import ScanEvent, Source
from checkout.payloads import BarcodeSeen

if TYPE_CHECKING:
    from recognition.vision.scene.barcodes import CodeRead
    from recognition.vision.types import Box, Image

# A code outside all items counts after this many reads: the item that carries it may not be a track yet.
READS_ALONE = 4
# Where less than this share of a code's box differs from the background, the code is printed on the counter.
COVERED_MIN = 0.3


def product_find(code: str) -> BarcodeProduct | None:
    """Return the product on sale with a code."""
    try:
        product = selectors.product_by_barcode(code=code)
    except (ProductNotFound, BarcodeInvalid):
        return None
    return BarcodeProduct(product.pk, product.name)


async def barcodes_settle(
    camera: CameraState,
    reads: list[CodeRead],
    picture: Image,
    send: Callable[[Any], Awaitable[None]],
) -> None:
    """Settle each code once for each item that carries it; the caller holds the camera's `lock`.

    The resulting changes wait in the camera state. While the database is unavailable the error goes to the
    caller, and the code is settled when it is read again.
    """
    from recognition.vision.scene.barcodes import item_of

    for read in reads:
        items = camera.lane.in_view()
        item = item_of(read, items)
        track = None if item is None else item.track
        holders = camera.holders_of(read.code, read.sighting)
        if track in holders.settled or not _counts_here(camera, read, track, holders):
            continue
        known = await in_database(product_find, read.code)
        if track is None and known is not None:
            same = (item for item in items if camera.product_of(item) == str(known.product_id))
            track = next((item.track for item in same), None)
        settled = await in_vision(_settle, camera, read, track, known, picture)
        if settled is not None:
            holders.settled[track] = known
            await send(settled)


def _counts_here(camera: CameraState, read: CodeRead, track: int | None, holders: BarcodeHolders) -> bool:
    """Whether a code counts where and when it was read."""
    in_zone = camera.lane.zone.contains(read.box.centre)
    if track is None:
        # Outside all items: neither a poster on the counter nor an item whose track was lost for a moment.
        shown = camera.lane.covered(_wider(read.box)) >= COVERED_MIN and read.reads >= READS_ALONE
        return in_zone and shown and not holders.settled
    if not in_zone and camera.lane.mode != "cart":
        return False
    life = camera.lane.life(track)
    # A second track with the same code may prove to be the same item once it has been viewed.
    others = any(other is not None for other in holders.settled)
    return life is not None and (not others or bool(life.views))


def _settle(
    camera: CameraState,
    read: CodeRead,
    track: int | None,
    known: BarcodeProduct | None,
    picture: Image,
) -> BarcodeSeen | None:
    """Settle an item by the code on it; None where its track has ended meanwhile."""
    agrees = None
    if known is not None and track is None:
        camera.changes.append(_addition(read, known, _cut(picture, read.box)))
    elif known is not None and track is not None:
        try:
            agrees = _identify(camera, read, track, known, picture)
        except LookupError:
            return None
    return {
        "type": "barcode.seen",
        "code": read.code,
        "track": track,
        "product_id": str(known.product_id) if known else None,
        "name": known.name if known else None,
        "agrees": agrees,
    }


def _identify(
    camera: CameraState, read: CodeRead, track: int, known: BarcodeProduct, picture: Image
) -> bool | None:
    """Settle a track; return whether the picture agreed, None where it had not been recognized.

    Raises
    ------
    LookupError
        Where the track has ended meanwhile.
    """
    product_id, reason = str(known.product_id), barcode_reason(read.code)
    by_itself = None in camera.holders[read.code].settled
    found = camera.lane.identify(track, product_id, reason, counted=by_itself)
    if not found.known:
        raise LookupError(track)
    if found.agrees is None:
        camera.scanned.add(track)
        if found.event is not None:
            camera.take_event(found.event)
        return None
    pictured = next((item for item in camera.lane.in_view() if item.track == track), None)
    pictured_id = None if pictured is None else camera.product_of(pictured)
    if pictured_id is None or pictured_id == product_id:
        return True
    # Once a code has settled an item, a second, different code on it proves nothing.
    if track not in camera.scanned:
        camera.scanned.add(track)
        camera.overruled[track] = product_id
        cause = Cause(
            source=Source.BARCODE, thumbnail=thumbnail_make(_cut(picture, read.box, 1.0)), reason=reason
        )
        counted_id = camera.additions.get(track)
        action = ScanEvent.Action.DISAGREE
        change = Change(action, known.product_id, cause, counted_id, UUID(pictured_id))
        camera.changes.append(replace(change, unresolved_id=camera.unresolved.get(track)))
    return False


def _addition(read: CodeRead, known: BarcodeProduct, picture: Image) -> Change:
    cause = Cause(source=Source.BARCODE, thumbnail=thumbnail_make(picture), reason=barcode_reason(read.code))
    return Change(ScanEvent.Action.ADD, known.product_id, cause)


def _wider(box: Box) -> Box:
    """Return a box enlarged above and below: a code is located along a single line across its bars."""
    return replace(box, y=box.y - 0.02, height=box.height + 0.04)


def _cut(picture: Image, box: Box, room: float = 0.5) -> Image:
    """Return a part of the frame with a margin, in shares of the box's longer side."""
    height, width = picture.shape[:2]
    around = room * max(box.width, box.height)
    top, left = int(max(0.0, box.y - around) * height), int(max(0.0, box.x - around) * width)
    bottom, right = (box.y + box.height + around) * height, (box.x + box.width + around) * width
    return picture[top : max(top + 1, int(bottom)), left : max(left + 1, int(right))]
