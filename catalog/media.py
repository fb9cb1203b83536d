"""Serves the media folder, so that no other server is needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.http import require_safe
from rest_framework.exceptions import APIException
from rest_framework_simplejwt.authentication import JWTAuthentication

from accounts.models import LOGO_FOLDER, Store, User
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


FOR_EVER = "public, max-age=31536000, immutable"
HasProduct = Callable[[User, UUID], bool]


def viewer(request: HttpRequest) -> User | None:
    """Return who asks, known by the session of a page or the token of another program."""
    if isinstance(request.user, User):
        return request.user
    try:
        found = JWTAuthentication().authenticate(request)  # type: ignore[arg-type]  # it reads headers only
    except APIException:
        return None
    return found[0] if found else None  # type: ignore[return-value]


def photo_caching(request: HttpRequest, path: str, has_product: HasProduct) -> str:
    """Return how long the photo at an address may be kept, or raise `Http404` where it is not to be seen."""
    image = ProductImage.objects.filter(image=path).select_related("product").first()
    if image is None:
        raise Http404
    if image.product.is_active:
        return FOR_EVER
    user = viewer(request)
    if user is None or not (user.is_staff or has_product(user, image.product_id)):
        raise Http404
    return "private, no-cache"


def logo_caching(path: str) -> str:
    """Return how long a store's logo may be kept, or raise `Http404` where no store has it any more."""
    if not Store.objects.filter(logo=path).exists():
        raise Http404
    return FOR_EVER


@require_safe
def media_file(request: HttpRequest, path: str, *, has_product: HasProduct) -> HttpResponseBase:
    """Serve a file of the media folder.

    A product's photo is served only while its row exists: what a refused registration or a deleted photo
    left behind is not. A photo is named by its own id and never changes. While its product is off sale it is
    served to staff, and to whoever has the product in a cart or on a receipt, and is asked for again each
    time. A store's logo, which is named by its content, is served to everyone.

    Parameters
    ----------
    has_product : whether a user has a product in a cart or on a receipt
    """
    found = media_path(path)
    folder = PurePosixPath(path).parts[0]
    caching = "no-cache"
    if folder == PHOTO_FOLDER:
        caching = photo_caching(request, path, has_product)
    elif folder == LOGO_FOLDER:
        caching = logo_caching(path)
    try:
        changed_s = int(found.stat().st_mtime)
        content = found.read_bytes()
    except FileNotFoundError:
        raise Http404 from None
    response = HttpResponse(
        content,
        content_type=SERVED_TYPES[found.suffix],
        headers={
            "Cache-Control": caching,
            "Last-Modified": http_date(changed_s),
            "X-Content-Type-Options": "nosniff",
        },
    )
    return get_conditional_response(request, last_modified=changed_s, response=response) or response
