"""Users in Django admin: created, given a role, a store and a PIN, shut out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import BaseUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from accounts.errors import PinInvalid
from accounts.forms import DistinctNameForm
from accounts.models import User
from accounts.pins import PIN_DIGITS_MAX, pin_clear, pin_set, pin_validate
from accounts.services import tokens_revoke_all

STORE_NEEDED = _("Choose the store where this member of staff works.")
PIN_FORBIDDEN = _(
    "Use 6 to 12 digits that aren't all the same and aren't in a row, such as 123456 or 654321."
)


class RoleForm(DistinctNameForm):
    """A form on a user whose store goes with the role: members of staff need one, shoppers have none."""

    def clean(self) -> dict[str, Any]:
        """Ask for the store of a member of staff."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("role") == User.Role.STAFF and not cleaned.get("store") and "store" not in self.errors:
            self.add_error("store", forms.ValidationError(STORE_NEEDED, code="store_needed"))
        if cleaned.get("role") == User.Role.USER and "store" in cleaned:
            cleaned["store"] = None
        return cleaned


class UserCreateForm(RoleForm, BaseUserCreationForm[User]):
    """A new user with a role."""

    class Meta:
        model = User
        fields = ("username", "role", "store")


class UserEditForm(RoleForm, UserChangeForm[User]):
    """An existing user; the password is changed on a page of its own, and a PIN is never shown again."""

    new_pin = forms.CharField(
        label=_("New PIN"),
        required=False,
        strip=True,
        max_length=PIN_DIGITS_MAX,
        widget=forms.PasswordInput(attrs={"inputmode": "numeric", "autocomplete": "new-password"}),
        help_text=_(
            "With the staff number it unlocks a lane. 6 to 12 digits; it isn't shown again. Empty: no change."
        ),
    )
    clear_pin = forms.BooleanField(label=_("Remove the PIN"), required=False)

    class Meta:
        model = User
        fields = ("username", "role", "store", "is_active", "password")

    def clean(self) -> dict[str, Any]:
        """Refuse a PIN that is easy to guess, or for somebody who may not have one."""
        cleaned = super().clean()
        pin = cleaned.get("new_pin")
        if not pin:
            return cleaned
        try:
            pin_validate(pin)
        except PinInvalid:
            self.add_error("new_pin", forms.ValidationError(PIN_FORBIDDEN, code="pin"))
        if cleaned.get("role") == User.Role.USER or not cleaned.get("is_active"):
            text = _("Only members of staff and admins who can log in have a PIN.")
            self.add_error("new_pin", forms.ValidationError(text, code="pin_role"))
        if cleaned.get("clear_pin"):
            text = _("Either set a new PIN or remove it.")
            self.add_error("clear_pin", forms.ValidationError(text, code="pin_twice"))
        return cleaned


admin.site.unregister(Group)  # rights come from roles alone


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User]):
    """Shoppers, staff, admins and the accounts of devices; there are no groups or single permissions."""

    form = UserEditForm
    add_form = UserCreateForm
    list_display = ("username", "role", "store", "staff_number", "is_active", "is_device", "last_login")
    list_filter = ("role", "store", "is_active", "is_device")
    list_select_related = ("store",)
    search_fields = ("username", "staff_number")
    ordering = ("username",)
    filter_horizontal = ()
    readonly_fields = ("created_at", "last_login", "staff_number", "has_pin", "is_device")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Permissions"), {"fields": ("role", "store", "is_active")}),
        (_("At a lane"), {"fields": ("staff_number", "has_pin", "new_pin", "clear_pin")}),
        (_("Important dates"), {"fields": ("created_at", "last_login")}),
    )
    device_fieldsets = (
        (
            None,
            {
                "fields": ("username", "is_device", "is_active"),
                "description": _("A lane logs in to it by its key. It has neither a password nor a role."),
            },
        ),
        (_("Important dates"), {"fields": ("created_at", "last_login")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "role", "store", "password1", "password2")}),
    )

    @admin.display(description=_("has a PIN"), boolean=True)
    def has_pin(self, user: User) -> bool:
        """Say whether there is a PIN, which nobody can see."""
        return bool(user.pin)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show of a device's account what there is: neither a password nor a role."""
        return self.device_fieldsets if obj and obj.is_device else super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep the name of a device's account, which nobody types."""
        fields = super().get_readonly_fields(request, obj)
        return (*fields, "username") if obj and obj.is_device else fields

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Use a form without rules on roles and PINs for a device's account."""
        if obj and obj.is_device:
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change=change, **kwargs)

    @method_decorator(sensitive_post_parameters("new_pin"))
    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Change a user; a PIN stays out of reports of errors."""
        return super().change_view(request, *args, **kwargs)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Change a password, other than that of a device, which has none."""
        user = self.get_object(request, id)
        if user is not None and user.is_device:
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm[User], change: bool) -> None:
        """Save a user; one who is shut out loses every refresh token, for good."""
        super().save_model(request, obj, form, change)
        if change and not obj.is_active:
            tokens_revoke_all(user=obj)
        if form.cleaned_data.get("clear_pin"):
            pin_clear(user=obj)
        if pin := form.cleaned_data.get("new_pin"):
            pin_set(user=obj, pin=pin)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Forbid deletion: visits and receipts name their user, who can be shut out instead."""
        return False
