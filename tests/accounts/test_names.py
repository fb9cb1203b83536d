"""Nobody takes a name that looks like somebody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from accounts import services
from accounts.errors import UsernameTaken
from accounts.models import User
from accounts.names import skeleton, skeleton_digest
from tests.accounts.test_tokens import at_once
from tests.conftest import PASSWORD

CYRILLIC_SCOPE = "ѕсоре"


def signup(client: Client, username: str) -> tuple[int, str]:
    body = {"username": username, "password": PASSWORD}
    answer = client.post("/api/auth/signup", body, content_type="application/json")
    return answer.status_code, answer.json().get("code", "")


@pytest.mark.parametrize(
    ("name", "alike"),
    [
        ("admin", "аdmin"),  # a Cyrillic letter among Latin ones
        ("scope", CYRILLIC_SCOPE),  # all of it Cyrillic
        ("CAM", "САМ"),
        ("paypal", "PAYPA1"),
        ("alice", "aIice"),
        ("oliver", "0liver"),
        ("milk", "rnilk"),
        ("admin", "ａｄｍｉｎ"),
        ("istanbul", "ıstanbul"),
    ],
)
def test_names_that_look_alike_have_one_skeleton(name: str, alike: str) -> None:
    assert name.casefold() != alike.casefold()
    assert skeleton(name) == skeleton(alike)
    assert skeleton_digest(name) == skeleton_digest(alike)


def test_names_that_differ_to_the_eye_have_different_skeletons() -> None:
    names = ["jose", "josé", "Muller", "Müller", "user2", "user3", "김철수", "김철소", "иван", "ivan"]
    assert len({skeleton(name) for name in names}) == len(names)
    syllables = [chr(code) for code in range(0xAC00, 0xD7A4)]
    assert len({skeleton(syllable) for syllable in syllables}) == len(syllables)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "username", ["김철수", "kim철수", "José.Müller", "Иван", "Ελένη", "山田たろう", "ab_12@x"]
)
def test_names_of_one_alphabet_are_welcome(client: Client, username: str) -> None:
    assert signup(client, username)[0] == 201
    assert client.login(username=username, password=PASSWORD)


@pytest.mark.django_db
@pytest.mark.parametrize("username", ["аdmin", "Ιvan", "김ова", "カタ가나"])
def test_a_name_of_mixed_alphabets_is_refused(client: Client, username: str) -> None:
    assert signup(client, username) == (400, "invalid")
    page = client.post("/signup/", {"username": username, "password1": PASSWORD, "password2": PASSWORD})
    assert page.status_code == 200
    assert "Please use letters of one alphabet." in page.content.decode()
    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("username", [CYRILLIC_SCOPE, "SCOPE", "sc0pe"])
def test_a_look_alike_of_a_name_is_taken(
    client: Client, user_make: Callable[..., User], username: str
) -> None:
    user_make("scope")
    assert signup(client, username) == (409, "username_taken")
    page = client.post("/signup/", {"username": username, "password1": PASSWORD, "password2": PASSWORD})
    assert "This username is taken." in page.content.decode()
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_control_without_skeletons_the_look_alike_gets_an_account(
    client: Client, user_make: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "skeleton_digest", lambda name: None)
    user_make("scope")
    assert signup(client, CYRILLIC_SCOPE) == (201, "")


@pytest.mark.django_db
def test_an_admin_gives_no_user_a_name_that_looks_like_another(client: Client, keeper: User) -> None:
    scope = User.objects.create_user("scope")
    other = User.objects.create_user("other")
    client.force_login(keeper)
    passwords = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    added = client.post(
        "/admin/accounts/user/add/", {"username": CYRILLIC_SCOPE, "role": "user", **passwords}
    )
    assert "This username is taken." in added.content.decode()
    page = f"/admin/accounts/user/{other.pk}/change/"
    renamed = client.post(page, {"username": CYRILLIC_SCOPE, "role": "user", "is_active": "on"})
    assert "This username is taken." in renamed.content.decode()
    assert client.post(page, {"username": "another", "role": "user", "is_active": "on"}).status_code == 302
    other.refresh_from_db()
    assert other.name_skeleton == skeleton_digest("another")
    own = f"/admin/accounts/user/{scope.pk}/change/"
    assert client.post(own, {"username": "Scope", "role": "user", "is_active": "on"}).status_code == 302
    assert User.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_of_twenty_look_alikes_at_once_exactly_one_gets_an_account() -> None:
    names = iter(["scope", CYRILLIC_SCOPE] * 10)

    def call() -> bool:
        try:
            return bool(services.user_signup(username=next(names), password=PASSWORD))
        except UsernameTaken:
            return False

    assert at_once(call) == 1
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_an_operator_may_make_a_look_alike_and_the_database_lets_no_two_hold_a_skeleton() -> None:
    first = User.objects.create_user("scope")
    second = User.objects.create_user(CYRILLIC_SCOPE)
    assert (first.name_skeleton, second.name_skeleton) == (skeleton_digest("scope"), None)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=second.pk).update(name_skeleton=first.name_skeleton)


@pytest.fixture
def old_users(transactional_db: None) -> Iterator[Any]:
    """Return the users of the schema without skeletons."""
    executor = MigrationExecutor(connection)
    before = [("accounts", "0001_initial")]
    executor.migrate(before)
    yield executor.loader.project_state(before).apps.get_model("accounts", "User")
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_accounts_older_than_the_rule_keep_their_names(old_users: Any) -> None:
    old_users.objects.create(username="bam", role="user")
    old_users.objects.create(username="barn", role="user")
    old_users.objects.create(username=CYRILLIC_SCOPE, role="user")
    old_users.objects.create(username="scope", role="admin")

    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())

    found = dict(User.objects.values_list("username", "name_skeleton"))
    assert found == {
        "bam": skeleton_digest("bam"),
        "barn": None,
        "scope": skeleton_digest("scope"),
        CYRILLIC_SCOPE: None,
    }
    barn = User.objects.get(username="barn")
    barn.set_password(PASSWORD)
    barn.save()
    assert Client().login(username="barn", password=PASSWORD)
