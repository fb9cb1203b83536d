"""Stores in Django admin."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import ProtectedError
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Store
from accounts.stores import DAYS, store_is_open
from checkout.lanes.store_forms import StoreForm

IN_USE = _(
    "This store can't be deleted: lanes, users or orders belong to it, and receipts are kept. Close its "
    "lanes instead."
)
LAST_STORE = _("This is the only store. Change it instead of deleting it.")


@admin.register(Store)
class StoreAdmin(admin.ModelAdmin[Store]):
    """Stores, the oldest first: its name stands on the pages of shoppers."""

    form = StoreForm
    list_display = ("name", "phone", "time_zone", "language", "open_now")
    search_fields = ("name", "address", "business_number")
    readonly_fields = ("sells_in",)
    actions = None
    fieldsets = (
        (None, {"fields": ("name", "logo", "address", "phone", "business_number", "receipt_footer")}),
        (_("Place"), {"fields": ("time_zone", "language", "sells_in")}),
        (
            _("Opening hours"),
            {
                "fields": [f"hours_{day}" for day in DAYS],
                "classes": ("opening-hours",),
                "description": _("Hours may last into the next day, such as from 18:00 to 02:00."),
            },
        ),
    )

    @admin.display(description=_("open now"), boolean=True)
    def open_now(self, store: Store) -> bool:
        """Say whether the store is open."""
        return store_is_open(store)

    @admin.display(description=_("currency"))
    def sells_in(self, store: Store) -> str:
        """Say in which currency all stores sell."""
        return settings.CURRENCY

    def save_model(self, request: HttpRequest, obj: Store, form: ModelForm[Store], change: bool) -> None:
        """Save; a logo that was replaced is removed once that is certain."""
        before = Store.objects.filter(pk=obj.pk).values_list("logo", flat=True).first()
        obj.currency = settings.CURRENCY
        super().save_model(request, obj, form, change)
        if before and before != obj.logo.name:
            transaction.on_commit(partial(default_storage.delete, before), robust=True)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete a store to which nothing belongs; say of any other why it stays."""
        refusal = LAST_STORE if Store.objects.count() == 1 else None
        store = self.get_object(request, object_id)
        if store is not None and refusal is None:
            refusal = IN_USE if self._is_in_use(store) else None
        if store is not None and refusal is not None:
            return self._refused(request, store, refusal)
        try:
            return super().delete_view(request, object_id, extra_context)
        except ProtectedError:  # something came to belong to it in between
            assert store is not None
            return self._refused(request, store, IN_USE)

    def delete_model(self, request: HttpRequest, obj: Store) -> None:
        """Delete a store and its logo."""
        logo = obj.logo.name
        super().delete_model(request, obj)
        if logo:
            transaction.on_commit(partial(default_storage.delete, logo), robust=True)

    def _is_in_use(self, store: Store) -> bool:
        return any(related.exists() for related in (store.lanes, store.users, store.orders))

    def _refused(self, request: HttpRequest, store: Store, refusal: Any) -> HttpResponse:
        self.message_user(request, refusal, messages.ERROR)
        return HttpResponseRedirect(reverse("admin:accounts_store_change", args=[store.pk]))
