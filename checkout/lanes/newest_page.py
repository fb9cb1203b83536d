"""Which page of a lane is the newest, across processes: only that one is served."""

from __future__ import annotations

import logging
from uuid import UUID

from django.core.cache import cache
from redis.exceptions import RedisError

from checkout.lanes.announce import lane_announce

logger = logging.getLogger(__name__)
KEPT_S = 86_400


def page_take(*, lane_id: UUID, page: str) -> bool:
    """Make a page the newest of its lane; the others look at once, or with their next watch.

    Returns False while the cache is away, which may remember an older page: to be tried again.
    """
    try:
        cache.set(_key(lane_id), page, KEPT_S)
    except (RedisError, OSError):
        logger.warning("The cache cannot be reached; two pages of a lane may be served.")
        return False
    lane_announce(lane_id=lane_id, notice={"type": "lane.page", "page": page})
    return True


def page_is_newest(*, lane_id: UUID, page: str) -> bool:
    """Whether no newer page of the lane was opened.

    A cache that forgot which is the newest takes this one; while it is away, all are served.
    """
    try:
        return bool(cache.get_or_set(_key(lane_id), page, KEPT_S) == page)
    except (RedisError, OSError):
        logger.warning("The cache cannot be reached; two pages of a lane may be served.")
        return True


def _key(lane_id: UUID) -> str:
    return f"lane-page:{lane_id.hex}"
