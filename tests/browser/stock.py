"""Fills the shop of the browser tests: a keeper, some packs of the demo clip, one product without photo."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

from django.conf import settings

from accounts.models import User
from catalog.models import Product
from checkout.demo.clip import FRAMES_PER_SECOND, clip_frames, clip_plan
from checkout.demo.drawing import product_photo
from recognition.services import Upload, product_register
from tests.conftest import PASSWORD
from tests.pictures import encoded

SHOWINGS = clip_plan()[:3]
VIEWS = 3


def stock() -> None:
    """Fill the shop."""
    User.objects.create_user("keeper", PASSWORD, role=User.Role.ADMIN)
    Product.objects.create(name="<b>Bold</b> bread", barcode="96385074")
    for pack in (showing.pack for showing in SHOWINGS):
        photos = [encoded(product_photo(pack, view), quality=85) for view in range(VIEWS)]
        uploads = [Upload(filename=f"{view}.jpg", data=photo) for view, photo in enumerate(photos)]
        product_register(name=pack.name, price=pack.price, barcode=pack.barcode, uploads=uploads)
    folder = Path(settings.MEDIA_ROOT) / "demo"
    folder.mkdir(parents=True)
    names = []
    for number, frame in enumerate(islice(clip_frames(), SHOWINGS[1].end + 5)):
        names.append(f"{number:04d}.jpg")
        (folder / names[-1]).write_bytes(encoded(frame, quality=85))
    (folder / "clip.json").write_text(json.dumps({"fps": FRAMES_PER_SECOND, "frames": names}))
