"""Passwords that Django's own rules let through."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.password_validation import get_password_validators, validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from accounts import password_rules
from accounts.models import User


@pytest.mark.django_db
@pytest.mark.parametrize("password", [" " * 8, "\t" * 8 + " \u3000", "a b a b a b", "\u3164" * 8, "aab!aab!"])
def test_few_different_characters_are_no_password(client: Client, password: str) -> None:
    body = {"username": "newcomer", "password": password}
    answer = client.post("/api/auth/signup", body, content_type="application/json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["password"])
    said = "Your password must contain at least 4 different characters."
    assert said in answer.json()["errors"]["password"]
    page = client.post("/signup/", {"username": "newcomer", "password1": password, "password2": password})
    assert said in page.content.decode()
    assert not User.objects.exists()


def test_four_different_characters_are_enough() -> None:
    assert password_rules.CHARACTERS_MIN == 4
    validate_password("ab!cab!c")
    with pytest.raises(ValidationError):
        validate_password("ab!! ab!")


@pytest.mark.parametrize("password", [" " * 8, "\u3164" * 8])
def test_control_django_takes_eight_blanks(password: str) -> None:
    own = "accounts.password_rules.DistinctCharactersValidator"
    others = [each for each in settings.AUTH_PASSWORD_VALIDATORS if each["NAME"] != own]
    validate_password(password, password_validators=get_password_validators(others))
