"""Admin pages of rows that nobody changes by hand: receipts, sessions, the log of the index."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

Row = TypeVar("Row", bound=Model)
Parent = TypeVar("Parent", bound=Model)


class NobodyChanges:
    """Takes the rights to add, change and delete from an admin page."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes."""
        return False


class ReadOnlyAdmin(NobodyChanges, admin.ModelAdmin[Row], Generic[Row]):
    """A page that shows."""


class ReadOnlyInline(NobodyChanges, admin.TabularInline[Row, Parent], Generic[Row, Parent]):
    """Rows shown below their parent."""

    extra = 0
    can_delete = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show every field as text, those that no form can hold included."""
        return self.fields or super().get_readonly_fields(request, obj)
