"""Every address of the API, given every kind of bad input: a problem that says so, never a 500."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import tokens_issue
from catalog.models import Product
from checkout.lanes.visits import lane_visit
from orders.models import Order
from recognition import api as recognition_api
from tests.checkout.lanes.makers import lane_make

pytestmark = pytest.mark.django_db
JSON = "application/json"
NUL_FORM = 'Content-Disposition: form-data; name="{0}"; filename="a\0.png"\r\n\r\na\0b\r\n'
DEEP = "[" * 100_000
HUGE_NUMBER = "9" * 10_000


def everywhere(value: str) -> bytes:
    """Return a JSON object that puts one value into every field any address knows."""
    fields = (
        "username password refresh quantity name description price barcode is_active image images product_id "
        "code key reason staff_number pin action id outcome mode zone camera_label sound expected_unresolved"
    )
    return ("{" + ",".join(f'"{field}":{value}' for field in fields.split()) + "}").encode()


def form(part: str) -> bytes:
    fields = ("name", "description", "price", "barcode", "image", "images")
    return ("".join(f"--x\r\n{part.format(field)}" for field in fields) + "--x--\r\n").encode(
        "utf-8", "replace"
    )


BODIES: dict[str, tuple[str, bytes]] = {
    "nothing": (JSON, b""),
    "no json": (JSON, b"{"),
    "a list": (JSON, b"[]"),
    "null": (JSON, b"null"),
    "a number": (JSON, b"1"),
    "a text": (JSON, b'"x"'),
    "no utf-8": (JSON, b'{"name":"\xff\xfe"}'),
    "utf-16": (JSON, '{"name":"x"}'.encode("utf-16")),
    "endless nesting": (JSON, DEEP.encode()),
    "nested objects": (JSON, everywhere('{"a":{"b":[[]]}}')),
    "nulls": (JSON, everywhere("null")),
    "empty texts": (JSON, everywhere('""')),
    "NUL": (JSON, everywhere('"a\\u0000b"')),
    "unpaired surrogate": (JSON, everywhere('"a\\ud800b"')),
    "control characters": (JSON, everywhere('"\\u0001\\u001b[2J\\u202e"')),
    "overlong": (JSON, everywhere(json.dumps("x" * 20_000))),
    "more than may be read": (JSON, everywhere(json.dumps("x" * 200_000))),
    "NaN": (JSON, everywhere("NaN")),
    "NaN as text": (JSON, everywhere('"NaN"')),
    "infinity": (JSON, everywhere("-Infinity")),
    "infinity as text": (JSON, everywhere('"Infinity"')),
    "a huge decimal": (JSON, everywhere('"1e999999"')),
    "a huge float": (JSON, everywhere("1e999")),
    "a huge integer": (JSON, everywhere("1" + "0" * 4000)),
    "an unreadable integer": (JSON, everywhere(HUGE_NUMBER)),
    "negative": (JSON, everywhere("-1")),
    "more than a database integer": (JSON, everywhere("9223372036854775808")),
    "booleans": (JSON, everywhere("true")),
    "a charset that is none": ("application/json; charset=hex", b'{"name":[]}'),
    "another kind": ("text/plain", b"name=x"),
    "no kind": ("", b"{}"),
    "a nonsense kind": ("\xff/;;=", b"{}"),
    "a plain form": ("application/x-www-form-urlencoded", b"name=%00&quantity=%ff"),
    "a form without boundary": ("multipart/form-data", b"x"),
    "a form with a bad boundary": ("multipart/form-data; boundary=\xe9", b"x"),
    "a form that is none": ("multipart/form-data; boundary=x", b"garbage"),
    "an empty form": ("multipart/form-data; boundary=x", b"--x--\r\n"),
    "a form cut off": ("multipart/form-data; boundary=x", form(NUL_FORM)[:90]),
    "a form of NUL": ("multipart/form-data; boundary=x", form(NUL_FORM)),
    "a form in no charset": ("multipart/form-data; boundary=x; charset=hex", form(NUL_FORM)),
    "a form in another charset": ("multipart/form-data; boundary=x; charset=utf-16", form(NUL_FORM)),
    "a form of bad base64": (
        "multipart/form-data; boundary=x",
        form('Content-Disposition: form-data; name="{0}"\r\nContent-Transfer-Encoding: base64\r\n\r\n!\r\n'),
    ),
    "a form of many fields": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 1100 + b"--x--\r\n",
    ),
    "a form of many files": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\n1\r\n' * 101
        + b"--x--\r\n",
    ),
    "a form with a large field": (
        "multipart/form-data; boundary=x",
        form(f'Content-Disposition: form-data; name="{{0}}"\r\n\r\n{"x" * 1_100_000}\r\n'),
    ),
}


@pytest.fixture
def addresses(keeper: User, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """List every method of every address, with ids of things that exist."""
    unlimited = dict.fromkeys(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "1000000/day")
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": unlimited}
    stand_in = SimpleNamespace(require_ready=lambda: None)
    monkeypatch.setattr(recognition_api, "engine", lambda: stand_in)
    session, visit = keeper.sessions.create(), keeper.sessions.create()
    seen = visit.scan_events.create(action="unresolved", source="vision")
    order = Order.objects.create(number="1", user=keeper, session=session, total_items=1, currency="EUR")
    lane = lane_make()
    shown = lane_visit(lane=lane).scan_events.create(action="add", source="vision", thumbnail=b"jpeg")
    ids = {
        "lane_id": lane.pk,
        "event_id": shown.pk,
        "alert_id": lane.alerts.create(kind="help").pk,
        "product_id": Product.objects.create(name="Oat milk").pk,
        "session_id": visit.pk,
        "unresolved_id": visit.unresolved_items.create(event=seen, kind="unknown").pk,
        "order_id": order.pk,
        "image_id": uuid4(),
    }
    schema: dict[str, Any] = SchemaGenerator().get_schema(public=True)
    found = [
        (method.upper(), re.sub(r"{(\w+)}", lambda match: str(ids[match[1]]), path))
        for path, methods in schema["paths"].items()
        for method in methods
    ]
    assert len(found) >= 21
    return found


@pytest.fixture
def caller(keeper: User) -> Client:
    token = tokens_issue(keeper).access
    return Client(raise_request_exception=False, headers={"authorization": f"Bearer {token}"})


def assert_no_fault(answer: Any, *asked: str) -> None:
    assert answer.status_code < 500, (asked, answer.content[:300])
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json", asked
        body = json.loads(answer.content)
        assert body["status"] == answer.status_code, asked
        assert {"type", "title", "detail", "code"} <= set(body), asked
        assert "Traceback" not in answer.content.decode(), asked


@pytest.mark.parametrize("kind", BODIES)
def test_a_bad_body_is_refused_everywhere(
    addresses: list[tuple[str, str]], caller: Client, kind: str
) -> None:
    content_type, body = BODIES[kind]
    refused = 0
    for method, address in addresses:
        if method in {"POST", "PUT", "PATCH"}:
            answer = caller.generic(method, address, body, content_type=content_type)
            assert_no_fault(answer, method, address)
            refused += answer.status_code >= 400
    assert refused >= 8
    assert [product.name for product in Product.objects.all()] == ["Oat milk"]
    assert [user.username for user in User.objects.filter(is_device=False)] == ["keeper"]


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=x",
        "page=%00",
        f"page={HUGE_NUMBER}",
        "page=1e9&page_size=x",
        "page_size=-1",
        f"page_size={HUGE_NUMBER}",
        "q=%00&barcode=%00",
        "q=%ff%fe",
        "q=" + "x" * 5000,
        "q=" + "%20a" * 60,
        "barcode=%EF%BC%91%EF%BC%92",
        "active=perhaps",
        "format=xml",
        "format=%00",
        "%00=%00",
        "&".join(f"a{number}=1" for number in range(1100)),
        "ticket=%00",
    ],
)
def test_a_bad_query_is_refused_or_ignored_everywhere(
    addresses: list[tuple[str, str]], caller: Client, query: str
) -> None:
    for method, address in addresses:
        if method == "GET":
            assert_no_fault(caller.get(f"{address}?{query}"), address)


@pytest.mark.parametrize(
    "headers",
    [
        {"accept": "application/xml"},
        {"accept": "\xff;;q=x"},
        {"accept-language": "x" * 5000},
        {"authorization": "Bearer \xff"},
        {"authorization": "Bearer " + "e30." * 3},
        {"authorization": "Basic !"},
        {"cookie": "sessionid=\0; csrftoken=\xff"},
        {"x-forwarded-for": "\0"},
        {"content-encoding": "gzip"},
        {"x-http-method-override": "\0"},
    ],
)
def test_bad_headers_cause_no_fault_anywhere(
    addresses: list[tuple[str, str]], caller: Client, headers: dict[str, str]
) -> None:
    for method, address in addresses:
        if method in {"GET", "POST"}:
            answer = caller.generic(method, address, b"{}", content_type=JSON, headers=headers)
            assert_no_fault(answer, method, address)


def test_an_id_that_is_none_does_not_exist(addresses: list[tuple[str, str]], caller: Client) -> None:
    for method, address in addresses:
        for wrong in ("x", "%00", "1", "..%2f..", "x" * 3000, "%ff", str(uuid4()).upper()):
            asked = re.sub(r"[0-9a-f-]{36}", wrong, address)
            if asked != address:
                answer = caller.generic(method, asked, b"{}", content_type=JSON)
                assert_no_fault(answer, method, asked)
                assert answer.status_code >= 400


def test_a_method_not_offered_is_a_405(addresses: list[tuple[str, str]], caller: Client) -> None:
    offered: dict[str, set[str]] = {}
    for method, address in addresses:
        offered.setdefault(address, set()).add(method)
    for address, methods in offered.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
            answer = caller.generic(method, address, b"{}", content_type=JSON)
            assert answer.status_code == 405
            assert answer.json()["code"] == "method_not_allowed"
            assert_no_fault(answer, method, address)


def test_a_name_of_a_file_that_is_none_causes_no_fault(
    addresses: list[tuple[str, str]], caller: Client
) -> None:
    for name in ("../../etc/passwd", "a" * 5000 + ".jpg", "\u202e.jpg", "con", "é\u0301.png"):
        for address in ("/api/products", "/api/recognize"):
            file = SimpleUploadedFile("a.jpg", b"x")
            file._name = name  # type: ignore[attr-defined]
            answer = caller.post(address, {"name": "x", "images": file, "image": file})
            assert_no_fault(answer, address, name)
            assert answer.status_code == 400
