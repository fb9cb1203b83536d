"""Serves the media folder, so that no other server is needed."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from catalog.models import PHOTO_FOLDER, ProductImage

SERVED_TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".json": "application/json"}


def media_path(path: str) -> Path:
    """Return the file at an address, or raise `Http404`: only plain files below the media folder exist."""
    parts = PurePosixPath(path).parts
    if "\0" in path or "\\" in path or not parts or any(part.startswith((".", "/")) for part in parts):
        raise Http404
    root = Path(settings.MEDIA_ROOT).resolve()
    try:
        found = root.joinpath(*parts).resolve(strict=True)
    except OSError:  # there is no such file, or its name is too long
        raise Http404 from None
    if not found.is_relative_to(root) or not found.is_file() or found.suffix not in SERVED_TYPES:
        raise Http404
    return found


@require_safe
def media_file(request: HttpRequest, path: str) -> HttpResponseBase:
    """Serve a file of the media folder.

    A product's photo is served only while its row exists: what a refused registration or a deleted photo
    left behind is not. A photo is named by its own id and never changes.
    """
    found = media_path(path)
    photo = PurePosixPath(path).parts[0] == PHOTO_FOLDER
    if photo and not ProductImage.objects.filter(image=path).exists():
        raise Http404
    try:
        changed_s = int(found.stat().st_mtime)
        content = found.read_bytes()
    except FileNotFoundError:
        raise Http404 from None
    response = HttpResponse(
        content,
        content_type=SERVED_TYPES[found.suffix],
        headers={
            "Cache-Control": "public, max-age=31536000, immutable" if photo else "no-cache",
            "Last-Modified": http_date(changed_s),
            "X-Content-Type-Options": "nosniff",
        },
    )
    return get_conditional_response(request, last_modified=changed_s, response=response) or response
