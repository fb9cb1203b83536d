"""Pictures from lanes for members of staff who watch without WebRTC: the newest of each lane, for seconds."""

from __future__ import annotations

import base64
import io
import logging
from uuid import UUID

from django.core.cache import cache
from PIL import Image
from redis.exceptions import RedisError

from checkout.errors import LanePictureRefused

logger = logging.getLogger(__name__)
PICTURE_MAX_BYTES = 256 * 2**10
PICTURE_SIDE_MAX_PX = 4096
PICTURE_LIFETIME_S = 5


def picture_check(jpeg: bytes) -> None:
    """Raise `LanePictureRefused` for bytes that are no JPEG, by their content, or too many."""
    if len(jpeg) > PICTURE_MAX_BYTES:
        raise LanePictureRefused(f"A picture may have up to {PICTURE_MAX_BYTES} bytes.")
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as picture:  # reads the head only
            is_small = max(picture.size) <= PICTURE_SIDE_MAX_PX
    except Exception:  # noqa: BLE001 - the library raises many kinds of errors for damaged files
        raise LanePictureRefused("A picture must be a JPEG.") from None
    if not is_small:
        raise LanePictureRefused(f"A picture may have up to {PICTURE_SIDE_MAX_PX} pixels a side.")


def picture_put(lane_id: UUID, jpeg: bytes) -> None:
    """Keep the newest picture of a lane for five seconds, or raise `LanePictureRefused`."""
    picture_check(jpeg)
    try:
        cache.set(_key(lane_id), base64.b64encode(jpeg).decode(), PICTURE_LIFETIME_S)
    except (RedisError, OSError) as error:
        logger.warning("The picture of lane %s cannot be kept: %s", lane_id, error)
        raise LanePictureRefused("The shared cache does not answer.") from None


def picture_get(lane_id: UUID) -> bytes | None:
    """Return the newest picture of a lane; None if there is none from the last five seconds."""
    kept = cache.get(_key(lane_id))
    return None if kept is None else base64.b64decode(kept)


def _key(lane_id: UUID) -> str:
    return f"lane-picture:{lane_id.hex}"
