"""The API describes itself, and the page to try it on needs nobody else's host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client

ADDRESSES = [
    "/api/auth/signup",
    "/api/auth/login",
    "/api/auth/refresh",
    "/api/auth/logout",
    "/api/auth/me",
    "/api/sessions",
    "/api/sessions/{session_id}/ticket",
    "/api/sessions/{session_id}/billing/confirm",
    "/api/orders",
    "/api/products",
    "/api/products/{product_id}/images/{image_id}",
    "/api/recognize",
]
CSP = "Content-Security-Policy"


@pytest.mark.filterwarnings("ignore::DeprecationWarning:drf_spectacular")
def test_the_schema_is_valid_and_complete(tmp_path: Path) -> None:
    path = tmp_path / "schema.yaml"
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(path))
    schema = path.read_text()
    for address in ADDRESSES:
        assert f"  {address}:\n" in schema


@pytest.mark.django_db
def test_the_schema_is_open_to_everyone(client: Client) -> None:
    answer = client.get("/api/schema/?format=json")
    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.")
    assert "bearer" in str(answer.json()["components"]["securitySchemes"])


@pytest.mark.django_db
def test_every_operation_tells_the_shape_of_its_refusals(client: Client) -> None:
    schema = client.get("/api/schema/?format=json").json()
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    reference = {"schema": {"$ref": "#/components/schemas/Problem"}}
    assert len(operations) > 20
    for operation in operations:
        assert operation["responses"]["default"]["content"] == {"application/problem+json": reference}
    problem = schema["components"]["schemas"]["Problem"]
    refusal = client.post("/api/auth/signup", {}, content_type="application/json").json()
    assert set(problem["required"]) < set(refusal) == set(problem["properties"])


@pytest.mark.django_db
def test_the_docs_load_only_own_files(client: Client) -> None:
    answer = client.get("/api/docs/")
    page = answer.content.decode()
    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert answer.status_code == 200
    assert len(files) == 5
    assert all(file.startswith("/") and not file.startswith("//") for file in files)
    for file in files:
        if file.startswith("/static/"):
            assert finders.find(file.removeprefix("/static/"))
        else:
            script = client.get(file.replace("&amp;", "&"))
            assert script["Content-Type"] == "application/javascript"
            assert b"/api/schema/" in script.content
    assert re.search(r"<script>", page) is None


@pytest.mark.django_db
def test_only_the_docs_allow_inline_styles(client: Client) -> None:
    docs, elsewhere = client.get("/api/docs/")[CSP], client.get("/login/")[CSP]
    assert "style-src 'self' 'unsafe-inline'" in docs
    assert "script-src" not in docs
    assert "default-src 'self'" in docs
    assert "unsafe" not in elsewhere
    assert "frame-ancestors 'none'" in elsewhere


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/api/schema/", "/api/docs/"])
@pytest.mark.parametrize(
    "query",
    [
        "format=xml",
        "format=%00",
        "lang=%00",
        "lang=" + "x" * 5000,
        "lang=%22%3E%3Cscript%3Ealert(1)",
        "script",
    ],
)
def test_a_nonsense_question_to_the_docs_causes_no_fault(client: Client, address: str, query: str) -> None:
    answer = client.get(f"{address}?{query}")
    assert answer.status_code in {200, 404}
    assert b"<script>alert" not in answer.content
    if answer.status_code == 404:
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "not_found"
