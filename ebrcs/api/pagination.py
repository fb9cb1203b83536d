"""How lists are cut into pages in the API."""

from __future__ import annotations

from typing import Any

from rest_framework import pagination
from rest_framework.views import APIView


class PageNumberPagination(pagination.PageNumberPagination):
    """Twenty rows a page; the client may ask for up to 100 with `page_size`."""

    page_size_query_param = "page_size"
    max_page_size = 100

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Describe the parameters as they are read: a page that does not exist is refused, a size is not."""
        return [
            {
                "name": self.page_query_param,
                "in": "query",
                "description": "A page, from 1.",
                "schema": {"type": "integer", "minimum": 1},
            },
            {
                "name": self.page_size_query_param,
                "in": "query",
                "description": f"Rows, 1 to {self.max_page_size}; anything else means {self.page_size}.",
                "schema": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            },
        ]
