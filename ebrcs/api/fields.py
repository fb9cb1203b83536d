"""Fields that take values of the JSON type that the schema names, and of no other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework import serializers

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema
    from drf_spectacular.utils import Direction

ANY_CHARACTERS = r"^[^\x00]*$"
SOME_CHARACTERS = r"^[^\x00]+$"
VISIBLE_CHARACTERS = r"^[^\x00]*\S[^\x00]*$"


class StrictCharField(serializers.CharField):
    """A text; a number is none."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictIntegerField(serializers.IntegerField):
    """A whole number; a text of digits is none."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        if isinstance(data, str | bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """True or false; neither 1 nor "yes" is."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the value."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictDecimalField(serializers.DecimalField):
    """An amount of 0 or more, as text such as "2.50" or as a number; an empty text means none.

    A number that does not stand for so many decimals is refused, never rounded.
    """

    def to_internal_value(self, data: Any) -> Any:
        """Return the amount."""
        if isinstance(data, float):
            data = str(abs(data) if data == 0 else data)  # -0.0 is 0
        elif isinstance(data, int) and not isinstance(data, bool):
            data = str(data) if 0 <= data < 10**self.whole_digits else None
        if not isinstance(data, str) or not re.fullmatch(self.pattern, data, re.ASCII):
            self.fail("invalid")
        return super().to_internal_value(data)

    @property
    def whole_digits(self) -> int:
        """Return how many digits an amount may have before the point."""
        assert self.max_digits is not None
        assert self.decimal_places is not None
        return self.max_digits - self.decimal_places

    @property
    def pattern(self) -> str:
        """Return what the text looks like."""
        return rf"[0-9]{{1,{self.whole_digits}}}(\.[0-9]{{1,{self.decimal_places}}})?"


class StrictCharFieldDescription(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Tells that a text holds no NUL, and whether it needs a character that is no space."""

    target_class = StrictCharField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        """Return the schema of the field."""
        described: dict[str, Any] = auto_schema._map_serializer_field(  # type: ignore[no-untyped-call]
            self.target, direction, bypass_extensions=True
        )
        needs_some = self.target.trim_whitespace and not self.target.allow_blank
        return {"pattern": VISIBLE_CHARACTERS if needs_some else SOME_CHARACTERS, **described}


class StrictDecimalFieldDescription(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Tells what an amount looks like."""

    target_class = StrictDecimalField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        """Return the schema of the field."""
        text = {"type": "string", "format": "decimal", "pattern": f"^({self.target.pattern})?$"}
        step = 10**-self.target.decimal_places
        most = 10**self.target.whole_digits - step
        return {"anyOf": [text, {"type": "number", "minimum": 0, "maximum": most, "multipleOf": step}]}
