"""The demo shop: drawn packs that differ, a clip with a known cart, seeded once."""

from __future__ import annotations

import io
import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from PIL import Image
from pytest_django.fixtures import Settings

from accounts.models import User
from catalog.gtin import gtin_is_valid
from catalog.models import Product
from checkout.demo import seed
from checkout.demo.clip import clip_cart, clip_frames, clip_length
from checkout.demo.drawing import VIEW_ANGLES, product_photo
from checkout.demo.packs import PACKS
from recognition.engine import shared
from recognition.engine.engine import Engine
from tests.fakes import ThumbnailEncoder

# Frames stored where it matters that they are stored, not what is on them: drawing all takes seconds.
CLIP_LENGTH = 12


def test_every_pack_has_a_name_a_price_and_a_barcode_of_its_own() -> None:
    assert len(PACKS) == 12
    assert len({pack.name for pack in PACKS}) == len({pack.barcode for pack in PACKS}) == 12
    assert all(gtin_is_valid(pack.barcode) and pack.price > 0 for pack in PACKS)


def test_photos_are_the_same_at_every_drawing_and_differ_between_packs() -> None:
    first, again = product_photo(PACKS[0], 1), product_photo(PACKS[0], 1)
    other = product_photo(PACKS[1], 1)
    assert first.size == (720, 720)
    assert np.array_equal(np.asarray(first), np.asarray(again))
    assert not np.array_equal(np.asarray(first), np.asarray(other))


def test_the_clip_begins_and_ends_with_an_empty_counter_and_shows_six_items() -> None:
    bare = np.asarray(next(clip_frames()), np.int16)
    assert bare.shape == (480, 640, 3)
    changed = [
        float(np.mean(np.abs(np.asarray(frame, np.int16) - bare).max(axis=2) > 30)) for frame in clip_frames()
    ]
    assert len(changed) == clip_length()
    assert changed[0] == changed[5] == changed[-1] == 0.0
    shown = np.array(changed) > 0.01
    assert int(np.sum(shown[1:] & ~shown[:-1])) == 6 == sum(clip_cart().values())
    assert clip_cart()["Coffee Beans 500 g"] == 2


@pytest.mark.django_db(transaction=True)
def test_seeding_fills_an_empty_shop_once(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
    monkeypatch.setattr(seed, "PACKS", PACKS[:2])
    monkeypatch.setattr(seed, "clip_frames", lambda: islice(clip_frames(), CLIP_LENGTH))
    monkeypatch.setattr(seed, "clip_length", lambda: CLIP_LENGTH)
    engine = Engine(load=lambda name: ThumbnailEncoder())
    engine.start()
    shared.engine_use(engine)
    try:
        steps: list[tuple[str, int, int]] = []
        assert vars(seed.demo_seed(report=lambda *step: steps.append(step))) == {
            "users": 2,
            "products": 2,
            "frames": CLIP_LENGTH,
        }
        assert steps[-1] == ("clip", CLIP_LENGTH, CLIP_LENGTH)
        assert {p.name: p.images.count() for p in Product.objects.all()} == {
            pack.name: len(VIEW_ANGLES) for pack in PACKS[:2]
        }
        assert dict(User.objects.values_list("username", "role")) == {"admin": "admin", "user1": "user"}
        clip = json.loads((tmp_path / "media" / "demo" / "clip.json").read_text())
        assert (clip["fps"], len(clip["frames"])) == (10, CLIP_LENGTH)
        with Image.open(tmp_path / "media" / "demo" / clip["frames"][-1]) as frame:
            assert frame.size == (640, 480)
        Product.objects.filter(barcode=PACKS[0].barcode).update(name="Renamed by the keeper")
        again = seed.demo_seed(report=lambda *step: None)
        assert vars(again) == {"users": 0, "products": 0, "frames": 0}
        assert Product.objects.filter(name="Renamed by the keeper").exists()
        Product.objects.all().delete()
        said = io.StringIO()
        call_command("seed_demo", "--if-new", stdout=said)
        assert (said.getvalue(), Product.objects.count()) == ("", 0)
        call_command("seed_demo", "--json", stdout=said)
        assert json.loads(said.getvalue()) == {"users": 0, "products": 2, "frames": 0}
    finally:
        shared.engine_use(None)
