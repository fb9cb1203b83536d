"""Read-only admin pages: receipts, sessions, the log of the index."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

Row = TypeVar("Row", bound=Model)
Parent = TypeVar("Parent", bound=Model)


class ReadOnlyMixin:
    """Denies adding, changing and deleting to everyone."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: rows are written by services only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: rows are written by services only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: rows are kept."""
        return False


class ReadOnlyAdmin(ReadOnlyMixin, admin.ModelAdmin[Row], Generic[Row]):
    """A read-only page."""


class ReadOnlyInline(ReadOnlyMixin, admin.TabularInline[Row, Parent], Generic[Row, Parent]):
    """Read-only rows below their parent."""

    extra = 0
    can_delete = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show every field as text, including those that no form supports."""
        return self.fields or super().get_readonly_fields(request, obj)
