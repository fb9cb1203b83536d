"""Tests of DINOv3 and CLIP run on any pair of torch and torchvision, unlike the product."""

from __future__ import annotations

import pytest

from tests.recognition.vision.encoders.torchvision_schemas import make_torchvision_importable


@pytest.fixture(scope="package", autouse=True)
def _torchvision_importable() -> None:
    make_torchvision_importable()
