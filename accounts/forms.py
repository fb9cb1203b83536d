"""The signup and login forms."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User

NAME_TAKEN = _("This name is taken. Please choose another one.")


class LoginForm(AuthenticationForm):
    """Name and password."""

    error_messages = {
        "invalid_login": _("This name and password do not go together. Please check both."),
        "inactive": _("This account is closed. Please ask the shop keeper."),
    }


class SignupForm(BaseUserCreationForm):  # type: ignore[type-arg]  # Django's forms take no type at run time
    """A new shopper; whatever is sent, it makes no admin."""

    class Meta:
        model = User
        fields = ["username"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].help_text = _("Letters, digits and @ . + - _")
        self.fields["password1"].help_text = _("At least 8 characters, not only digits, nothing too common.")
        self.fields["password2"].label = _("Password again")
        self.fields["password2"].help_text = ""

    def clean_username(self) -> str:
        """Refuse a name that differs from another only in letter case."""
        username: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=username).exists():
            raise ValidationError(NAME_TAKEN, code="taken")
        return username
