"""Fills an empty shop for trying it out: two accounts, a dozen drawn products, a clip."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from PIL import Image

from accounts.models import User
from accounts.selectors import DEFAULT_PASSWORDS
from catalog.models import Product
from checkout.demo.clip import CLIP_PATH, FRAMES_PER_SECOND, clip_frames, clip_length
from checkout.demo.drawing import VIEW_ANGLES, product_photo
from checkout.demo.pack import Pack
from checkout.demo.packs import PACKS
from recognition.services import Upload, product_register

JPEG_QUALITY = 85
Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SeedCounts:
    """How many users, products and clip frames were added; what was there already is not counted."""

    users: int
    products: int
    frames: int


def demo_seed(*, report: Report) -> SeedCounts:
    """Add what is missing of the demo shop; what is there, changed or not, stays as it is.

    `report` is called with the name of a step, how much of it is done, and how much there is. The accounts
    come last: a shop that has accounts is either fully seeded or not the demo's.
    """
    products, frames = _products_add(report), _clip_add(report)
    return SeedCounts(users=_users_add(), products=products, frames=frames)


def _users_add() -> int:
    added = 0
    for username, role in (("admin", User.Role.ADMIN), ("user1", User.Role.USER)):
        if not User.objects.filter(username__iexact=username).exists():
            User.objects.create_user(username, DEFAULT_PASSWORDS[username], role=role)
            added += 1
    return added


def _products_add(report: Report) -> int:
    known = set(
        Product.objects.filter(barcode__in=[p.barcode for p in PACKS]).values_list("barcode", flat=True)
    )
    missing = [pack for pack in PACKS if pack.barcode not in known]
    for done, pack in enumerate(missing):
        report("products", done, len(missing))
        product_register(
            name=pack.name, price=pack.price, barcode=pack.barcode, uploads=_uploads(pack), created_by=None
        )
    report("products", len(missing), len(missing))
    return len(missing)


def _uploads(pack: Pack) -> list[Upload]:
    return [
        Upload(filename=f"{pack.label.lower()}-{number}.jpg", data=_jpeg(product_photo(pack, number)))
        for number in range(len(VIEW_ANGLES))
    ]


def _clip_add(report: Report) -> int:
    """Draw the clip in a folder beside its own and rename that, so that no half of it is ever played."""
    folder = (Path(settings.MEDIA_ROOT) / CLIP_PATH).parent
    if (folder / CLIP_PATH.name).exists():
        return 0
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as draft_name:
        draft = Path(draft_name) / folder.name
        draft.mkdir()
        names = [f"{number:04d}.jpg" for number in range(clip_length())]
        for number, (name, frame) in enumerate(zip(names, clip_frames(), strict=True), start=1):
            (draft / name).write_bytes(_jpeg(frame))
            report("clip", number, len(names))
        (draft / CLIP_PATH.name).write_text(json.dumps({"fps": FRAMES_PER_SECOND, "frames": names}))
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    return len(names)


def _jpeg(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()
