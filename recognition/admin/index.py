"""The index in Django admin: one page on its state, its rows and its log."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ebrcs.admin_site.read_only import ReadOnlyAdmin
from recognition.admin.index_report import index_report
from recognition.models import Embedding, IndexEvent, IndexState


@admin.register(IndexState)
class IndexPageAdmin(ReadOnlyAdmin[IndexState]):
    """One page instead of a list: what the index holds, and whether this process and its files are sound."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the report."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("Index"),
            "opts": self.opts,
            "report": index_report(),
            "events_url": reverse("admin:recognition_indexevent_changelist"),
        }
        return TemplateResponse(request, "admin/recognition/index_status.html", context)


@admin.register(Embedding)
class EmbeddingAdmin(ReadOnlyAdmin[Embedding]):
    """Rows of the index."""

    list_display = ("id", "label", "product_image", "encoder_fingerprint", "created_at")
    search_fields = ("label",)
    fields = ("id", "label", "product_image", "encoder_fingerprint", "created_at")
    list_select_related = ("product_image",)
    show_full_result_count = False


@admin.register(IndexEvent)
class IndexEventAdmin(ReadOnlyAdmin[IndexEvent]):
    """The log of the index."""

    list_display = ("seq", "kind", "embedding", "created_at")
    list_filter = ("kind",)
    list_select_related = ("embedding",)
    ordering = ("-seq",)
    show_full_result_count = False
