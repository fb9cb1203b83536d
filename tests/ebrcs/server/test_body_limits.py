"""How large a body may be, by address; at the servers and at the proxy alike."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.conf import settings as project_settings
from pytest_django.fixtures import Settings

from ebrcs.server.body_limits import body_limit, client_share

MIB = 2**20
ID = uuid4()
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


def test_limits_follow_the_settings(settings: Settings) -> None:
    settings.IMAGE_MAX_BYTES = 3 * MIB
    assert (body_limit("/api/recognize"), body_limit("/api/products")) == (4 * MIB, 61 * MIB)


def test_no_body_may_exceed_what_one_client_may_have_in_flight(settings: Settings) -> None:
    assert (settings.UPLOADS_MAX_BYTES, client_share()) == (2**30, 2**29)
    settings.UPLOADS_MAX_BYTES = 20 * MIB
    assert (body_limit("/api/products"), body_limit("/healthz")) == (10 * MIB, MIB)


def caddy_limit(path: str) -> int:
    """Return the limit the proxy gives an address: the matchers here are `path`, `path_regexp` and `not`."""
    text = (project_settings.BASE_DIR / "Caddyfile").read_text()
    found = []
    for name, limit in re.findall(r"request_body @(\w+) \{\s+max_size (\d+)", text):
        block = re.search(rf"^\t@{name} (?:\{{\n(.*?)^\t\}}|(.*?)$)", text, re.MULTILINE | re.DOTALL)
        assert block is not None
        lines = [line.strip() for line in (block[1] or block[2]).splitlines()]
        if all(matches(line, path) for line in lines):
            found.append(int(limit))
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
