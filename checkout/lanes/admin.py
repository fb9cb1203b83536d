"""Lanes in Django admin: made, set up, paired, watched, revoked; and the alerts of all lanes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.models import User
from checkout.lanes.admin_forms import LaneForm
from checkout.lanes.alerts import unresolved_alerts
from checkout.lanes.pairing import CODE_LIFETIME, key_revoke, pairing_code_make
from checkout.lanes.selectors import lane_status
from checkout.lanes.services import SETTINGS, lane_create, lane_delete, lane_settings_change
from checkout.lanes.sparklines import HEIGHT, WIDTH, sparklines_of
from checkout.models import Alert, Lane
from ebrcs.admin_site.read_only import ReadOnlyAdmin
from orders.qr import qr_svg

LOG_MAX = 50
# Each with a shape of its own: colours alone do not tell everybody.
STATUSES = {
    "online": ("●", pgettext_lazy("lane", "online")),
    "busy": ("◐", pgettext_lazy("lane", "busy")),
    "needs_help": ("▲", pgettext_lazy("lane", "needs help")),
    "offline": ("○", pgettext_lazy("lane", "offline")),
    "unpaired": ("◇", pgettext_lazy("lane", "not paired")),
}


@admin.register(Lane)
class LaneAdmin(admin.ModelAdmin[Lane]):
    """Lanes by store; one that has had visits is closed instead of deleted."""

    form = LaneForm
    list_display = ("name", "code", "store", "status", "last_seen_at", "is_open")
    list_filter = ("store", "is_open")
    list_select_related = ("store",)
    search_fields = ("name", "code")
    fieldsets = (
        (None, {"fields": ("store", "name", "code", "is_open")}),
        (_("Counting"), {"fields": ("mode", "zone", "camera_label")}),
        (
            _("Kiosk"),
            {"fields": ("language", "sound", "idle_after_s", "idle_countdown_s", "receipt_leaves_after_s")},
        ),
    )
    show_facts = ("status", "paired_at", "last_seen_at", "activity", "camera_state")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lane]:
        """Annotate each lane with whether staff are called to it."""
        calls = unresolved_alerts().filter(lane=OuterRef("pk"))
        return super().get_queryset(request).annotate(needs_help=Exists(calls))

    @admin.display(description=_("status"))
    def status(self, lane: Lane) -> SafeString | str:
        """Show how the lane stands: a shape and a word."""
        name: str = "unpaired"
        if lane.key_hash is not None:
            needs_help = bool(getattr(lane, "needs_help", False))
            name = lane_status(lane, needs_help=needs_help, now=timezone.now())
        shape, word = STATUSES[name]
        return format_html(
            '<span class="lane-status lane-status-{}"><span aria-hidden="true">{}</span> {}</span>',
            name,
            shape,
            word,
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show what is known of a lane's device, once there is a lane."""
        facts = (_("Device"), {"fields": self.show_facts})
        return (*self.fieldsets, facts) if obj else self.fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep a lane in its store."""
        return ("store", *self.show_facts) if obj else ()

    def save_model(self, request: HttpRequest, obj: Lane, form: ModelForm[Lane], change: bool) -> None:
        """Make a lane with its account, or change its settings and tell its page."""
        values = {name: form.cleaned_data[name] for name in SETTINGS if name in form.cleaned_data}
        if change:
            assert isinstance(request.user, User)
            lane_settings_change(lane=obj, by=request.user, **values)
            return
        made = lane_create(store=form.cleaned_data["store"], **values)
        obj.pk, obj.account, obj._state.adding = made.pk, made.account, False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow to delete a lane, on its own page, while it has had no visit."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and obj is not None and not obj.sessions.exists()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Name what goes with a lane; its log and its alerts need no permission of their own."""
        texts, counts, _permissions, protected = super().get_deleted_objects(objs, request)
        return texts, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: Lane) -> None:
        """Delete a lane with its account."""
        lane_delete(lane=obj)

    def get_urls(self) -> list[URLPattern]:
        """Add the pages for pairing and revoking."""
        own = [
            path("<uuid:lane_id>/pair/", self._view(self.pair_view), name="checkout_lane_pair"),
            path("<uuid:lane_id>/revoke/", self._view(self.revoke_view), name="checkout_lane_revoke"),
        ]
        return [*own, *super().get_urls()]

    def _view(self, view: Any) -> Any:
        return self.admin_site.admin_view(require_http_methods(["GET", "HEAD", "POST"])(view))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a lane with its last day and its log."""
        lane = self.get_object(request, object_id)
        story: dict[str, Any] = {}
        if lane is not None:
            story = {
                "sparklines": sparklines_of(lane=lane, now=timezone.now()),
                "sparkline_size": (WIDTH, HEIGHT),
                "log": lane.events.select_related("actor").order_by("-created_at", "-pk")[:LOG_MAX],
            }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **story})

    def pair_view(self, request: HttpRequest, lane_id: UUID) -> HttpResponse:
        """Explain pairing; asked by POST, make a code and show it, as text and as a QR code."""
        lane = self._lane(request, lane_id)
        context: dict[str, Any] = {"title": _("Pair a device")}
        if request.method == "POST":
            assert isinstance(request.user, User)
            code = pairing_code_make(lane=lane, by=request.user)
            address = request.build_absolute_uri(reverse("lane-pair"))
            context |= {
                "code": code,
                "address": address,
                "qr": qr_svg(f"{address}?code={code}"),
                "expires_at": timezone.now() + CODE_LIFETIME,
            }
        return self._page(request, lane, "admin/checkout/lane/pair.html", context)

    def revoke_view(self, request: HttpRequest, lane_id: UUID) -> HttpResponse:
        """Ask before a key is revoked; asked by POST, revoke it."""
        lane = self._lane(request, lane_id)
        if request.method != "POST":
            return self._page(
                request, lane, "admin/checkout/lane/revoke.html", {"title": _("Revoke the key")}
            )
        assert isinstance(request.user, User)
        key_revoke(lane=lane, by=request.user)
        text = _("The key of %(lane)s is revoked. Its device is logged out.") % {"lane": lane.name}
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:checkout_lane_change", args=[lane.pk]))

    def _lane(self, request: HttpRequest, lane_id: UUID) -> Lane:
        lane = self.get_object(request, str(lane_id))
        if lane is None:
            raise Http404
        return lane

    def _page(self, request: HttpRequest, lane: Lane, template: str, context: dict[str, Any]) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": Lane._meta, "lane": lane}
        return TemplateResponse(request, template, {**shared, **context})


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin[Alert]):
    """What staff were called for, the newest first, with who took and who resolved it."""

    list_display = (
        "opened_at",
        "kind",
        "lane",
        "store",
        "acknowledged_by",
        "acknowledged_at",
        "escalated_at",
        "resolved_by",
        "resolved_at",
    )
    list_filter = ("kind", "lane__store", "lane", "opened_at")
    list_select_related = ("lane__store", "acknowledged_by", "resolved_by")
    date_hierarchy = "opened_at"
    show_full_result_count = False
    fields = (
        "lane",
        "session",
        "kind",
        "opened_at",
        "acknowledged_by",
        "acknowledged_at",
        "escalated_at",
        "resolved_by",
        "resolved_at",
    )

    @admin.display(description=_("store"), ordering="lane__store__name")
    def store(self, alert: Alert) -> str:
        """Show the store of the lane."""
        return alert.lane.store.name
