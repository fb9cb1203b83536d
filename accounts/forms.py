"""The signup and login forms, and the rule on names that every form on a user keeps."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.names import skeleton_digest

NAME_TAKEN = _("This username is taken. Please choose another.")


class LoginForm(AuthenticationForm):
    """Name and password."""

    error_messages = {
        "invalid_login": _("Wrong username or password. Please check both."),
        "inactive": _("This account is disabled. Please ask a member of staff."),
    }


class DistinctNameForm(forms.ModelForm[User]):
    """A form on a user whose name may not look like that of another account."""

    def clean_username(self) -> str:
        """Refuse a name that differs from another only in letter case or in look-alike letters."""
        username: str = self.cleaned_data["username"]
        if username != self.instance.username:
            if User.objects.looks_taken(username, but=self.instance):
                raise ValidationError(NAME_TAKEN, code="taken")
            self.instance.name_skeleton = skeleton_digest(username)
        return username


class SignupForm(DistinctNameForm, BaseUserCreationForm):  # type: ignore[type-arg]  # takes none at run time
    """A new shopper; whatever is sent, it makes no admin."""

    class Meta:
        model = User
        fields = ["username"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].help_text = _("Only letters, digits and @ . + - _")
        self.fields["password1"].help_text = _(
            "At least 8 characters. Not only digits, and not a common password."
        )
        self.fields["password2"].label = _("Confirm password")
        self.fields["password2"].help_text = ""
