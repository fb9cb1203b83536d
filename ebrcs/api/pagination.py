"""How lists are cut into pages in the API."""

from __future__ import annotations

from rest_framework import pagination


class PageNumberPagination(pagination.PageNumberPagination):
    """Twenty rows a page; the client may ask for up to 100 with `page_size`."""

    page_size_query_param = "page_size"
    max_page_size = 100
