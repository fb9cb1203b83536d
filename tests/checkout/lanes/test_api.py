"""Lanes over REST: paired, logged in, told their settings; others are refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from checkout.lanes.pairing import key_revoke, pairing_code_make
from checkout.lanes.visits import lane_visit
from checkout.models import CheckoutSession, Lane, LaneEvent
from tests.checkout.lanes.makers import lane_make
from tests.checkout.serving import bearer
from tests.checkout.shop import product_make, session_with

pytestmark = pytest.mark.django_db


def post(client: Client, path: str, body: Any, **headers: str) -> Any:
    return client.post(path, body, content_type="application/json", headers=headers)


def test_a_program_pairs_and_gets_tokens_for_its_key(client: Client, lane: Lane, staff: User) -> None:
    code = pairing_code_make(lane=lane, by=staff)
    paired = post(client, "/api/lane/pair", {"code": code})
    assert paired.status_code == 201
    assert paired.json()["lane"] == {
        "id": str(lane.pk),
        "name": "Lane 1",
        "code": "1",
        "store": lane.store.name,
        "mode": "scan",
        "zone": None,
        "camera_label": "",
        "language": lane.store.language,
        "sound": True,
        "is_open": True,
        "store_is_open": True,
        "idle_after_s": 60,
        "idle_countdown_s": 20,
        "receipt_leaves_after_s": 20,
    }
    key = paired.json()["key"]
    tokens = post(client, "/api/lane/token", {"key": key})
    assert tokens.status_code == 200
    authorization = f"Bearer {tokens.json()['access']}"
    seen = client.get("/api/lane", headers={"Authorization": authorization})
    assert (seen.status_code, seen.json()) == (200, paired.json()["lane"])
    key_revoke(lane=lane, by=staff)
    assert client.get("/api/lane", headers={"Authorization": authorization}).status_code == 401
    again = post(client, "/api/lane/token", {"key": key})
    assert (again.status_code, again.json()["code"]) == (403, "lane_key_refused")
    renewed = post(client, "/api/auth/refresh", {"refresh": tokens.json()["refresh"]})
    assert renewed.status_code == 401


def test_a_code_works_once(client: Client, lane: Lane, staff: User) -> None:
    code = pairing_code_make(lane=lane, by=staff)
    assert post(client, "/api/lane/pair", {"code": code}).status_code == 201
    before = Lane.objects.values().get()
    again = post(client, "/api/lane/pair", {"code": code})
    assert (again.status_code, again.json()["code"]) == (403, "pairing_refused")
    assert Lane.objects.values().get() == before


@pytest.mark.parametrize(
    "body", [{}, {"code": ""}, {"code": 12345678}, {"code": None}, {"code": "A" * 65}, {"code": "\x00"}, []]
)
def test_malformed_pairing_is_refused(body: Any, client: Client, lane: Lane) -> None:
    answer = post(client, "/api/lane/pair", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_too_many_tries_are_told_to_wait(client: Client, lane: Lane) -> None:
    answers = [post(client, "/api/lane/pair", {"code": "0000-0000"}) for _ in range(25)]
    last = answers[-1]
    assert (last.status_code, last.json()["code"]) == (429, "too_many_requests")
    assert int(last.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("role", ["user", "staff", "admin"])
def test_others_are_no_lanes(role: str, client: Client, lane: Lane) -> None:
    user = User.objects.create_user("other", role=role, store=lane.store)
    for answer in (
        client.get("/api/lane", headers=bearer(user)),
        post(client, "/api/lane/visit/end", {"reason": "idle"}, **bearer(user)),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_a_lane")
    assert client.get("/api/lane").status_code == 401


def test_a_lane_ends_its_own_visit_and_no_other(client: Client, lane: Lane) -> None:
    milk = product_make("Milk")
    visit = lane_visit(lane=lane)
    visit.billing_items.create(product=milk, quantity=1, source="barcode")
    other = lane_visit(lane=lane_make("Lane 2", "2"))
    answer = post(client, "/api/lane/visit/end", {"reason": "start_over"}, **bearer(lane.account))
    assert answer.status_code == 200
    active = CheckoutSession.objects.get(lane=lane, status="active")
    assert answer.json() == {"session_id": str(active.pk)}
    assert active != visit
    other.refresh_from_db()
    assert other.status == "active"
    assert LaneEvent.objects.get().reason == "start_over"


@pytest.mark.parametrize("body", [{}, {"reason": "staff"}, {"reason": 1}, {"reason": None}])
def test_a_visit_ends_for_a_known_reason_only(body: Any, client: Client, lane: Lane) -> None:
    visit = lane_visit(lane=lane)
    answer = post(client, "/api/lane/visit/end", body, **bearer(lane.account))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    visit.refresh_from_db()
    assert visit.status == "active"


def test_a_page_of_the_lane_needs_the_csrf_token(lane: Lane) -> None:
    page = Client(enforce_csrf_checks=True)
    page.force_login(lane.account)
    answer = page.post("/api/lane/visit/end", {"reason": "idle"}, content_type="application/json")
    assert answer.status_code == 403
    assert page.get("/api/lane").status_code == 200


def test_a_shopper_cannot_reach_a_visit_of_a_lane(client: Client, lane: Lane, shopper: User) -> None:
    visit = lane_visit(lane=lane)
    session_with(shopper, product_make("Milk"))
    assert client.get(f"/api/sessions/{visit.pk}", headers=bearer(shopper)).status_code == 404
