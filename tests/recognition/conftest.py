"""Photos that are told apart easily, and an engine over the deterministic encoder."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytest_django.fixtures import Settings

from recognition import runtime
from recognition.gallery import Gallery
from recognition.runtime import Engine
from recognition.services import Upload
from recognition.vision.encoders.protocol import Image as Picture
from tests.fakes import ThumbnailEncoder

READY_S = 20


def picture(number: int) -> Picture:
    """Draw a picture of 8 x 8 random tiles: uint8 (64, 64, 3), the same for the same number."""
    tiles = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
    return np.kron(tiles, np.ones((8, 8, 1), np.uint8))


def photo_bytes(number: int) -> bytes:
    """Return the picture as a PNG file."""
    with BytesIO() as file:
        Image.fromarray(picture(number)).save(file, "PNG")
        return file.getvalue()


def upload(number: int) -> Upload:
    """Return the picture as a client would send it."""
    return Upload(filename=f"{number}.png", data=photo_bytes(number))


@pytest.fixture
def shop_folder(tmp_path: Path, settings: Settings) -> Path:
    """Give the test a media and a data folder of its own."""
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path


@pytest.fixture
def engine(transactional_db: None, shop_folder: Path) -> Iterator[Engine]:
    """Run an engine for the length of a test and make it the process's own."""
    made = engine_make()
    runtime.engine_use(made)
    yield made
    runtime.engine_use(None)


def engine_make(encoder: ThumbnailEncoder | None = None, gallery: Gallery | None = None) -> Engine:
    """Start an engine over a deterministic encoder and wait until its index is loaded."""
    chosen = encoder or ThumbnailEncoder()
    made = Engine(load=lambda name: chosen, gallery=gallery)
    made.start()
    assert made.replica.wait_for(0, timeout_s=READY_S)
    assert made.encoder_identity().fingerprint == chosen.fingerprint
    return made
