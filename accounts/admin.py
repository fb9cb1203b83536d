"""Users in Django admin: created, given a role, shut out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import BaseUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.forms import DistinctNameForm
from accounts.models import User
from accounts.services import tokens_revoke_all


class UserCreateForm(DistinctNameForm, BaseUserCreationForm[User]):
    """A new user with a role."""

    class Meta:
        model = User
        fields = ("username", "role")


class UserEditForm(DistinctNameForm, UserChangeForm[User]):
    """An existing user; the password is changed on a page of its own."""

    class Meta:
        model = User
        fields = ("username", "role", "is_active", "password")


admin.site.unregister(Group)  # rights come from roles alone


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User]):
    """Shoppers and admins; there are no groups or single permissions."""

    form = UserEditForm
    add_form = UserCreateForm
    list_display = ("username", "role", "is_active", "created_at", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username",)
    ordering = ("username",)
    filter_horizontal = ()
    readonly_fields = ("created_at", "last_login")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Permissions"), {"fields": ("role", "is_active")}),
        (_("Important dates"), {"fields": ("created_at", "last_login")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "role", "password1", "password2")}),
    )

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm[User], change: bool) -> None:
        """Save a user; one who is shut out loses every refresh token, for good."""
        super().save_model(request, obj, form, change)
        if change and not obj.is_active:
            tokens_revoke_all(user=obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Forbid deletion: visits and receipts name their user, who can be shut out instead."""
        return False
