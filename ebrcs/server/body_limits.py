"""How large the body of a request may be, by address: one table for every server.

`Caddyfile` holds the same limits for the proxy, with the defaults of the settings.
"""

from __future__ import annotations

import re

from django.conf import settings

# Where photos are uploaded. Everything else takes JSON, or a page's form.
ONE_PHOTO = re.compile(
    r"/api/recognize|/admin/catalog/product/try/|/admin/accounts/store/(?:add|[^/]+/change)/"
)
MANY_PHOTOS = re.compile(
    r"/api/products|/api/products/[^/]+/images|/admin/catalog/product/add/|/admin/catalog/product/[^/]+/change/"
)


def body_limit(path: str, *, is_known: bool = True) -> int:
    """Return how many bytes a request to an address may carry: its photos, and a form's worth beside them.

    It never exceeds what one client may have in flight: such a body could not be received at any time.

    Parameters
    ----------
    is_known : whether the client shows a credential; nobody else's photos are taken anywhere
    """
    form = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if not is_known:
        limit = settings.JSON_MAX_BYTES if path.startswith("/api/") else form
    elif MANY_PHOTOS.fullmatch(path):
        limit = settings.IMAGE_MAX_BYTES * settings.IMAGE_MAX_COUNT + form
    elif ONE_PHOTO.fullmatch(path):
        limit = settings.IMAGE_MAX_BYTES + form
    elif path.startswith("/api/"):
        limit = settings.JSON_MAX_BYTES
    else:
        limit = form
    return min(limit, client_share())


def client_share() -> int:
    """Return how many bytes one client may have in flight: half of all, to leave room for others."""
    return int(settings.UPLOADS_MAX_BYTES // 2)
