"""Readers of request bodies that refuse what the framework's own ones stumble over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, ClassVar

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.utils.json import strict_constant

from ebrcs.errors import EbrcsError


class BodyTooLarge(EbrcsError):
    """The body exceeds what is read into memory."""

    code: ClassVar[str] = "request_too_large"
    status: ClassVar[int] = 413
    title: ClassVar[str] = "The request is too large"


class BoundedJSONParser(BaseParser):
    """Reads JSON of bounded size, always as UTF-8 (RFC 8259), without NaN, Infinity or endless nesting."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the parsed body; anything that is no JSON is a `ParseError`."""
        limit = settings.JSON_MAX_BYTES
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge(f"JSON may have up to {limit} bytes.", limit=limit)
        try:
            return json.loads(body.decode("utf-8"), parse_constant=strict_constant)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is not JSON: {str(error) or 'nested too deeply'}") from error
