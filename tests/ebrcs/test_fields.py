"""What is of another JSON type than the schema names is refused; the framework's own fields would turn it."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from ebrcs.api.fields import StrictBooleanField, StrictCharField, StrictDecimalField, StrictIntegerField

DIGITS: dict[str, Any] = {"max_digits": 12, "decimal_places": 2}
TURNED = [
    (StrictCharField(), serializers.CharField(), 5),
    (StrictIntegerField(), serializers.IntegerField(), "5"),
    (StrictBooleanField(), serializers.BooleanField(), "yes"),
    (StrictBooleanField(), serializers.BooleanField(), 1),
    (StrictDecimalField(**DIGITS), serializers.DecimalField(**DIGITS), -2.5),
    (StrictDecimalField(**DIGITS), serializers.DecimalField(**DIGITS), "-1"),
    (StrictDecimalField(**DIGITS), serializers.DecimalField(**DIGITS), "2.50\n"),
    (StrictDecimalField(**DIGITS), serializers.DecimalField(**DIGITS), "\u0661"),
]


@pytest.mark.parametrize(("strict", "lenient", "value"), TURNED)
def test_a_value_of_another_type_is_refused(
    strict: serializers.Field[Any, Any, Any, Any], lenient: serializers.Field[Any, Any, Any, Any], value: Any
) -> None:
    lenient.run_validation(value)
    with pytest.raises(ValidationError):
        strict.run_validation(value)


@pytest.mark.parametrize(
    ("strict", "value", "taken"),
    [
        (StrictCharField(), " Milk ", "Milk"),
        (StrictIntegerField(), 5, 5),
        (StrictBooleanField(), False, False),
        (StrictDecimalField(**DIGITS), "9999999999.99", "9999999999.99"),
        (StrictDecimalField(**DIGITS), 2.5, "2.50"),
        (StrictDecimalField(**DIGITS), 3, "3.00"),
        (StrictDecimalField(**DIGITS), 9999999999.99, "9999999999.99"),
        (StrictDecimalField(allow_null=True, **DIGITS), "", "None"),
    ],
)
def test_a_value_of_its_type_is_taken(
    strict: serializers.Field[Any, Any, Any, Any], value: Any, taken: Any
) -> None:
    found = strict.run_validation(value)
    assert (str(found) if isinstance(strict, StrictDecimalField) else found) == taken


@pytest.mark.parametrize(
    "value",
    [True, 2.505, 0.1 + 0.2, 10**10, -1, 1e22, float("nan"), float("inf"), pytest.param(10**4000, id="huge")],
)
def test_no_amount_is_rounded_or_made_of_what_is_none(value: Any) -> None:
    with pytest.raises(ValidationError):
        StrictDecimalField(**DIGITS).run_validation(value)
