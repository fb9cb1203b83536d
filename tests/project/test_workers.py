"""How the tests are shared out: by paths that are there."""

from __future__ import annotations

import pytest
from django.conf import settings

from tests.workers import SLOW


@pytest.mark.parametrize("start", SLOW)
def test_paths_named_apart_are_there(start: str) -> None:
    assert list(settings.BASE_DIR.glob(f"{start.rstrip('/')}*"))
