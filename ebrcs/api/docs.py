"""The API's description of itself, and the page on which it can be tried."""

from __future__ import annotations

from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny

from ebrcs.api.fields import ANY_CHARACTERS, SOME_CHARACTERS
from ebrcs.api.problems import PROBLEM_JSON

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What was wrong and what is allowed (RFC 9457); some problems carry further members.",
    "properties": {
        "type": {"type": "string", "description": "`urn:ebrcs:problem:` and the code."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "A stable word for programs."},
        "errors": {
            "type": "object",
            "additionalProperties": {},
            "description": "With the codes `invalid` and `invalid_product`: the messages by field.",
        },
    },
    "required": ["type", "title", "status", "detail", "code"],
    "additionalProperties": True,
}


def problems_describe(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Add to every operation the one shape its refusals have."""
    result["components"]["schemas"]["Problem"] = PROBLEM
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = {"description": "A refusal.", "content": content}
    return result


def blank_texts_describe(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Describe a text that may be blank as one text, not as one of two, which forms cannot tell apart."""
    for schema in result["components"]["schemas"].values():
        for described in schema.get("properties", {}).values():
            text = described.get("oneOf", [{}])[0]
            if text.get("pattern") == SOME_CHARACTERS:
                del described["oneOf"]
                described.update(text, pattern=ANY_CHARACTERS)
    return result


class ApiSchemaView(SpectacularAPIView):
    """OpenAPI 3, in YAML or JSON as asked for."""

    permission_classes = [AllowAny]


# Swagger UI writes style attributes; its scripts come from files, the start-up script included.
@method_decorator(csp_update({"style-src": [SELF, UNSAFE_INLINE]}), name="dispatch")
class ApiDocsView(SpectacularSwaggerSplitView):
    """Swagger UI, served from this host alone."""

    permission_classes = [AllowAny]
    url_name = "api-schema"
