"""Every error of the API has one shape, whoever raised it; pages get pages."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import OperationalError
from django.http import Http404
from django.test import Client, RequestFactory
from redis.exceptions import ConnectionError as RedisConnectionError
from rest_framework import exceptions
from rest_framework.parsers import JSONParser
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from ebrcs.api.parsers import BodyTooLarge, BoundedJSONParser
from ebrcs.error_views import bad_request, permission_denied, server_error
from ebrcs.errors import EbrcsError
from ebrcs.rate_limits import TooManyRequests


class CartEmpty(EbrcsError):
    code = "empty_cart"
    status = 409
    title = "The cart is empty"


def answer_to(error: Exception) -> Response:
    """Return the answer of a view that raises."""

    class View(APIView):
        permission_classes = []

        def get(self, request: Any) -> Response:
            raise error

    response = View.as_view()(APIRequestFactory().get("/api/x"))
    assert isinstance(response, Response)
    response.render()
    assert response["Content-Type"] == "application/problem+json"
    assert response.data["status"] == response.status_code
    assert response.data["type"] == f"urn:ebrcs:problem:{response.data['code']}"
    return response


@pytest.mark.parametrize(
    ("error", "status", "code", "detail"),
    [
        (CartEmpty("Show a product first."), 409, "empty_cart", "Show a product first."),
        (CartEmpty(), 409, "empty_cart", "The cart is empty"),
        (exceptions.NotFound(), 404, "not_found", "Not found."),
        (Http404("secret"), 404, "not_found", "No such address or object."),
        (PermissionDenied("secret"), 403, "permission_denied", "This is not allowed"),
        (exceptions.ParseError("no JSON"), 400, "parse_error", "no JSON"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated", None),
        (exceptions.UnsupportedMediaType("x/y"), 415, "unsupported_media_type", None),
        (exceptions.ValidationError({"a": {"b": [[], ["wrong"]]}}), 400, "invalid", "b: wrong"),
        (exceptions.ValidationError("wrong"), 400, "invalid", "wrong"),
        (exceptions.ValidationError([]), 400, "invalid", "Some values are not allowed"),
        (ModelValidationError({"name": ["blank"]}), 400, "invalid", "name: blank"),
        (ModelValidationError("whole"), 400, "invalid", "whole"),
        (SuspiciousOperation("secret"), 400, "bad_request", "The request is not understood"),
        (RedisConnectionError("secret"), 503, "cache_unavailable", "The shared cache does not answer."),
        (OperationalError("secret"), 503, "database_unavailable", "The database does not answer."),
        (ZeroDivisionError("secret"), 500, "internal_error", "The error was recorded."),
    ],
)
def test_an_exception_becomes_a_problem(error: Exception, status: int, code: str, detail: str | None) -> None:
    response = answer_to(error)
    assert (response.status_code, response.data["code"]) == (status, code)
    assert detail is None or response.data["detail"] == detail
    assert b"secret" not in response.content


def test_the_data_of_an_error_helps_but_never_replaces_the_facts() -> None:
    response = answer_to(CartEmpty("x", items=["a"], limit=Decimal("1.50"), status=200, code="y"))
    assert (response.data["items"], response.data["limit"]) == (["a"], Decimal("1.50"))
    assert (response.status_code, response.data["code"]) == (409, "empty_cart")


def test_a_wait_stands_in_the_header() -> None:
    ours = answer_to(TooManyRequests(scope="login", limit=1, period_s=60, retry_after_s=9))
    theirs = answer_to(exceptions.Throttled(wait=7.2))
    assert (ours.status_code, ours["Retry-After"], ours.data["retry_after_s"]) == (429, "9", 9)
    assert (theirs.status_code, theirs.data["code"]) == (429, "too_many_requests")
    assert 7 <= int(theirs["Retry-After"]) <= 8
    assert answer_to(OperationalError())["Retry-After"] == "5"


def test_what_nobody_foresaw_is_logged_with_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    answer_to(ZeroDivisionError("a fault of ours"))
    answer_to(CartEmpty())
    assert [record.exc_info is not None for record in caplog.records if record.name.startswith("ebrcs")] == [
        True
    ]
    assert "a fault of ours" in caplog.text


@pytest.mark.django_db
def test_an_unknown_address_is_a_problem_below_api_and_a_page_elsewhere(client: Client) -> None:
    below = client.get("/api/nothing")
    elsewhere = client.get("/nothing")
    assert (below.status_code, below["Content-Type"]) == (404, "application/problem+json")
    assert below.json()["code"] == "not_found"
    assert elsewhere.status_code == 404
    assert elsewhere["Content-Type"].startswith("text/html")


@pytest.mark.django_db
def test_a_foreign_host_is_a_problem_below_api(client: Client) -> None:
    answer = client.get("/api/orders", headers={"host": "evil.example"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_errors_outside_views_are_problems_below_api() -> None:
    request = RequestFactory().get("/api/x")
    for answer, status in [
        (bad_request(request, SuspiciousOperation("secret")), 400),
        (permission_denied(request, PermissionDenied("secret")), 403),
        (server_error(request), 500),
    ]:
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
        assert b"secret" not in answer.content  # type: ignore[attr-defined]


@pytest.mark.parametrize(("path", "kind"), [("/api/x", "application/problem+json"), ("/x", "text/html")])
def test_a_database_that_is_away_is_said_to_be_away(path: str, kind: str) -> None:
    try:
        raise OperationalError("secret")
    except OperationalError:
        answer = server_error(RequestFactory().get(path))
    assert answer.status_code == 503
    assert answer["Content-Type"].startswith(kind)
    assert answer["Retry-After"] == "5"


def test_json_is_bounded_and_endless_nesting_refused_on_which_the_frameworks_parser_fails() -> None:
    deep = b"[" * 100_000
    with pytest.raises(exceptions.ParseError):
        BoundedJSONParser().parse(BytesIO(deep))
    with pytest.raises(RecursionError):  # control
        JSONParser().parse(BytesIO(deep), parser_context={})
    large = b'"' + b"x" * 2**20 + b'"'
    with pytest.raises(BodyTooLarge):
        BoundedJSONParser().parse(BytesIO(large))
    assert len(JSONParser().parse(BytesIO(large), parser_context={})) == 2**20  # control
    assert BoundedJSONParser().parse(BytesIO('{"a":"é"}'.encode())) == {"a": "é"}
