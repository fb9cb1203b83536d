"""Tables for spreadsheets, and the button of an admin list that writes what the list shows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets take for the beginning of a formula, in either width of the letters."""

Row = TypeVar("Row", bound=Model)


def csv_lines(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield the lines of a table after one of column names, led by the mark by which spreadsheets know UTF-8.

    Text that a spreadsheet might take for a formula is led by an apostrophe (OWASP, CSV injection); numbers
    are written as they are, times by the clock of the shop, and what is absent is empty.
    """
    yield "\ufeff" + _line(columns)
    for row in rows:
        yield _line(_cell(value) for value in row)


def csv_response(filename: str, lines: Iterable[str]) -> HttpResponse:
    """Return the lines as a file to be kept."""
    response = HttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


class CsvExport(admin.ModelAdmin[Row], Generic[Row]):
    """A list with a button that exports every row its filters and its search leave, on all pages."""

    change_list_template = "admin/export_change_list.html"
    csv_filename = "table.csv"

    def csv_lines(self, queryset: QuerySet[Row]) -> Iterator[str]:
        """Yield the table of these rows."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        """Add the export."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name=name), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Tell the page where the export is."""
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_export")
        answer: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), "export_url": address}
        )
        return answer

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """Answer with the table; where the filters say nothing sensible, with the list, which says so."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            queryset = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            base = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
            return HttpResponseRedirect(f"{base}?e=1")
        return csv_response(self.csv_filename, self.csv_lines(queryset))


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return timezone.localtime(value, timezone.get_default_timezone()).isoformat(timespec="seconds")
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def _line(values: Iterable[object]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerow(values)
    return stream.getvalue()
