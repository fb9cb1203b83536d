"""How large a body may be, by address; at the servers and at the proxy alike."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from django.conf import settings as project_settings
from pytest_django.fixtures import Settings

from ebrcs.server.body_limits import body_limit, client_share

MIB = 2**20
CONTENT_LENGTH = "{http.request.header.Content-Length}"
ID = UUID(int=1)
LIMITS = {
    "/": MIB,
    "/healthz": MIB,
    "/login/": MIB,
    "/admin/": MIB,
    "/admin/catalog/product/": MIB,
    f"/admin/catalog/product/{ID}/delete/": MIB,
    "/admin/catalog/product/add/": 401 * MIB,
    f"/admin/catalog/product/{ID}/change/": 401 * MIB,
    "/admin/catalog/product/try/": 21 * MIB,
    "/admin/accounts/store/": MIB,
    "/admin/accounts/store/add/": 21 * MIB,
    f"/admin/accounts/store/{ID}/change/": 21 * MIB,
    f"/admin/accounts/store/{ID}/delete/": MIB,
    "/api/auth/login": 2**18,
    "/api/sessions": 2**18,
    "/api/products": 401 * MIB,
    f"/api/products/{ID}": 2**18,
    f"/api/products/{ID}/images": 401 * MIB,
    f"/api/products/{ID}/images/{ID}": 2**18,
    "/api/recognize": 21 * MIB,
    "/api/nothing": 2**18,
}


@pytest.mark.parametrize(("path", "limit"), LIMITS.items())
def test_every_address_has_its_limit(path: str, limit: int) -> None:
    assert body_limit(path) == limit


@pytest.mark.parametrize("path", LIMITS)
def test_whoever_shows_no_credential_may_send_a_form_and_no_photos(path: str) -> None:
    assert body_limit(path, is_known=False) == (2**18 if path.startswith("/api/") else MIB)


def test_limits_follow_the_settings(settings: Settings) -> None:
    settings.IMAGE_MAX_BYTES = 3 * MIB
    assert (body_limit("/api/recognize"), body_limit("/api/products")) == (4 * MIB, 61 * MIB)


def test_no_body_may_exceed_what_one_client_may_have_in_flight(settings: Settings) -> None:
    assert (settings.UPLOADS_MAX_BYTES, client_share()) == (2**30, 2**29)
    settings.UPLOADS_MAX_BYTES = 20 * MIB
    assert (body_limit("/api/products"), body_limit("/healthz")) == (10 * MIB, MIB)


def caddy_limit(path: str) -> int:
    """Return the limit the proxy gives an address: its matchers are `path`, `path_regexp` and `not`."""
    text = (project_settings.BASE_DIR / "Caddyfile").read_text()
    found = []
    for name in re.findall(r"handle @(\w+) \{\s+import too_large\s+\}", text):
        block = re.search(rf"^\t@{name} \{{\n(.*?)^\t\}}", text, re.MULTILINE | re.DOTALL)
        assert block is not None
        *lines, expression = [line.strip() for line in block[1].splitlines()]
        if all(matches(line, path) for line in lines):
            found.append(int(expression.rpartition(f"int({CONTENT_LENGTH}) > ")[2]))
    assert len(found) == 1, path
    return found[0]


def matches(line: str, path: str) -> bool:
    kind, _, rest = line.partition(" ")
    if kind == "not":
        return not matches(rest, path)
    if kind == "path_regexp":
        return re.search(rest, path) is not None
    assert kind == "path"
    return any(path == word or (word.endswith("*") and path.startswith(word[:-1])) for word in rest.split())


@pytest.mark.parametrize("path", LIMITS)
def test_the_proxy_has_the_same_limits(path: str) -> None:
    assert caddy_limit(path) == body_limit(path)


def test_the_proxy_takes_no_large_body_for_a_failure_of_a_process() -> None:
    # `max_size` fails in the middle of what is passed on; `fail_duration` counts that against the process.
    text = (project_settings.BASE_DIR / "Caddyfile").read_text()
    assert "fail_duration" in text
    assert not re.search(r"^\s*max_size", text, re.MULTILINE)
