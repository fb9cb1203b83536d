"""A shop with a folder of its own and an engine over the deterministic encoder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from recognition.engine import shared
from recognition.engine.engine import Engine
from recognition.engine.gallery import Gallery
from tests.fakes import ThumbnailEncoder

READY_S = 20


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
    shared.engine_use(made)
    yield made
    shared.engine_use(None)


def engine_make(encoder: ThumbnailEncoder | None = None, gallery: Gallery | None = None) -> Engine:
    """Start an engine over a deterministic encoder and wait until its index is loaded."""
    chosen = encoder or ThumbnailEncoder()
    made = Engine(load=lambda name: chosen, gallery=gallery)
    made.start()
    assert made.replica.wait_for(0, timeout_s=READY_S)
    assert made.encoder_identity().fingerprint == chosen.fingerprint
    return made
