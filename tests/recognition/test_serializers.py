"""The limits of what a client may send of a product: the last that is taken, the first that is refused."""

from __future__ import annotations

from typing import Any

import pytest

from recognition.serializers import ProductChangeSerializer, ProductQuerySerializer


@pytest.mark.parametrize(
    ("field", "taken", "refused"),
    [
        ("name", "a" * 200, "a" * 201),
        ("name", "a", " \u200b "),
        ("description", "a" * 10_000, "a" * 10_001),
        ("price", "9999999999.99", "10000000000.00"),
        ("price", "0.00", "-0.01"),
        ("price", "1.25", "1.255"),
        ("barcode", "4006381333931", "4006381333932"),
        ("barcode", "04006381333931", "004006381333931"),
        ("barcode", None, "x"),
    ],
)
def test_a_field_is_taken_up_to_its_limit(field: str, taken: Any, refused: Any) -> None:
    assert ProductChangeSerializer(data={field: taken}, partial=True).is_valid()
    beyond = ProductChangeSerializer(data={field: refused}, partial=True)
    assert not beyond.is_valid()
    assert set(beyond.errors) == {field}


@pytest.mark.parametrize(("field", "limit"), [("q", 200), ("barcode", 14)])
def test_a_search_is_taken_up_to_its_limit(field: str, limit: int) -> None:
    assert ProductQuerySerializer(data={field: "1" * limit}).is_valid()
    assert not ProductQuerySerializer(data={field: "1" * (limit + 1)}).is_valid()
