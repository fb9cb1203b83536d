"""How the tests are shared out: by paths that are there."""

from __future__ import annotations

import pytest
from django.conf import settings

from tests.workers import SLOW, SPREAD, group_of


@pytest.mark.parametrize("start", [*SLOW, *SPREAD])
def test_paths_named_apart_are_there(start: str) -> None:
    assert list(settings.BASE_DIR.glob(f"{start.rstrip('/')}*"))


def test_tests_stay_with_their_group_or_file_unless_they_are_spread() -> None:
    assert group_of("tests/browser/test_zone.py::test_one") == group_of(
        "tests/browser/test_motion.py::test_two"
    )
    assert group_of("tests/orders/test_api.py::test_one") == group_of("tests/orders/test_api.py::test_two")
    assert group_of("tests/orders/test_api.py::test_one") != group_of("tests/orders/test_pages.py::test_one")
    assert group_of(f"{SPREAD[0]}::test_one") != group_of(f"{SPREAD[0]}::test_two")
