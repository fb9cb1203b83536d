"""The signup and login forms."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User

NAME_TAKEN = _("This username is taken. Please choose another.")


class LoginForm(AuthenticationForm):
    """Name and password."""

    error_messages = {
        "invalid_login": _("Wrong username or password. Please check both."),
        "inactive": _("This account is disabled. Please ask a member of staff."),
    }


class SignupForm(BaseUserCreationForm):  # type: ignore[type-arg]  # Django's forms take no type at run time
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

    def clean_username(self) -> str:
        """Refuse a name that differs from another only in letter case."""
        username: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=username).exists():
            raise ValidationError(NAME_TAKEN, code="taken")
        return username
