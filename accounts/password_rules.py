"""Rules on passwords beyond those of Django."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

CHARACTERS_MIN = 4


class DistinctCharactersValidator:
    """Refuses a password of few different characters, such as eight blanks; blanks do not count."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Raise ValidationError for a password with too few different characters."""
        if len(set("".join(password.split()))) < CHARACTERS_MIN:
            raise ValidationError(self.get_help_text(), code="password_too_uniform")

    def get_help_text(self) -> str:
        """Say what is needed."""
        return _("Your password must contain at least %(min)d different characters.") % {
            "min": CHARACTERS_MIN
        }
