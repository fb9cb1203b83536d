"""`/metrics`: who may read it, and which samples it has."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from unittest import mock
from urllib.error import HTTPError

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import User
from checkout.cart import services
from checkout.models import CheckoutSession
from ebrcs import metrics
from ebrcs.env import Environment
from ebrcs.metrics import REGISTRY, ReplicaLag
from ebrcs.monitoring import metrics_page
from orders.models import Order
from tests.checkout.serving import Server
from tests.ebrcs.scraping import sample_names, samples, scrape

TOKEN = "a-token-of-this-test-1"

SAMPLES = """
ebrcs_answer_seconds_bucket{le} ebrcs_answer_seconds_count ebrcs_answer_seconds_sum
ebrcs_batch_pictures_bucket{le} ebrcs_batch_pictures_count ebrcs_batch_pictures_sum
ebrcs_embed_seconds_bucket{le} ebrcs_embed_seconds_count ebrcs_embed_seconds_sum
ebrcs_search_seconds_bucket{le} ebrcs_search_seconds_count ebrcs_search_seconds_sum
ebrcs_verify_seconds_bucket{le} ebrcs_verify_seconds_count ebrcs_verify_seconds_sum
ebrcs_frames_total{outcome} ebrcs_lanes_connected ebrcs_open_sockets ebrcs_orders ebrcs_queue_pictures
ebrcs_replica_lag_seconds ebrcs_replica_lag_seq ebrcs_sessions{status}
process_cpu_seconds_total process_max_fds process_open_fds process_resident_memory_bytes
process_start_time_seconds process_virtual_memory_bytes
python_info{implementation,major,minor,patchlevel,version}
"""


@pytest.fixture(autouse=True)
def _counts_stand_still(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Leave the database alone where a test is about who may read the page."""
    needs_database = request.node.get_closest_marker("django_db") or "server" in request.fixturenames
    if not needs_database:
        monkeypatch.setattr(metrics_page.DatabaseCounts, "collect", lambda counts: iter(()))


def status_of(client: Client, **environ: str) -> int:
    return client.get("/metrics", **environ).status_code  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_read_them_without_a_token(client: Client, address: str) -> None:
    answer = client.get("/metrics", REMOTE_ADDR=address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "no-store" in answer["Cache-Control"]
    assert "ebrcs_queue_pictures" in answer.content.decode()


@pytest.mark.parametrize(
    "address", ["10.0.0.7", "192.0.2.1", "2001:db8::1", "::ffff:10.0.0.7", "", "localhost"]
)
def test_another_machine_may_not(client: Client, address: str) -> None:
    answer = client.get("/metrics", REMOTE_ADDR=address)
    assert (answer.status_code, answer.content.decode()) == (
        403,
        "Only this machine may read the metrics, unless EBRCS_METRICS_TOKEN is set.\n",
    )


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Port",
        "X-Real-IP",
        "Forwarded",
        "Via",
        "CF-Connecting-IP",
        "True-Client-IP",
        "X-Client-IP",
    ],
)
def test_a_proxy_on_this_machine_does_not_pass_for_it(client: Client, header: str) -> None:
    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 403
    assert client.get("/metrics", headers={header: ""}).status_code == 403


def test_a_machine_with_a_proxy_in_front_needs_a_token_for_itself(client: Client, settings: Settings) -> None:
    assert status_of(client) == 200
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    assert status_of(client) == 403
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 0}
    settings.BEHIND_HTTPS = True
    assert status_of(client) == 403
    settings.METRICS_TOKEN = TOKEN
    assert status_of(client, HTTP_AUTHORIZATION=f"Bearer {TOKEN}") == 200


def test_with_a_token_everyone_needs_it(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN
    for address in ("127.0.0.1", "192.0.2.1"):
        for authorization in (f"Bearer {TOKEN}", f"bearer  {TOKEN}"):
            assert status_of(client, REMOTE_ADDR=address, HTTP_AUTHORIZATION=authorization) == 200
        assert status_of(client, REMOTE_ADDR=address) == 401
    forwarded = {"HTTP_X_FORWARDED_FOR": "192.0.2.1", "HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}
    assert status_of(client, **forwarded) == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        TOKEN,
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}2",
        f"Bearer {TOKEN[:-1]}",
        "Bearer \u00fc",
    ],
)
def test_a_wrong_token_is_refused(client: Client, settings: Settings, authorization: str) -> None:
    settings.METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", headers={"Authorization": authorization})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
    assert answer.content.decode() == "The metrics need the token of EBRCS_METRICS_TOKEN.\n"


def test_a_token_is_compared_in_constant_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.METRICS_TOKEN = TOKEN
    compare = mock.Mock(return_value=False)
    monkeypatch.setattr(metrics_page, "hmac", SimpleNamespace(compare_digest=compare))
    assert metrics_page.token_matches("Bearer guess") is False
    compare.assert_called_once_with(b"guess", TOKEN.encode())


@pytest.mark.parametrize("token", ["short", "x" * 201, "with a blank in the middle", "\u00fcber" * 8])
def test_a_token_that_can_be_guessed_or_cannot_be_sent_is_refused_at_the_start(token: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        Environment({"X": token}).token("X")
    assert str(refused.value) == "X: 16 to 200 printable ASCII characters without blanks are needed"


def test_a_token_has_16_to_200_characters_or_is_not_set() -> None:
    for token in ("", "x" * 16, "~!" * 100):
        assert Environment({"X": token}).token("X") == token


def test_they_are_only_read(client: Client) -> None:
    assert client.head("/metrics").status_code == 200
    assert client.post("/metrics").status_code == 405


@pytest.mark.django_db
def test_the_samples_have_these_names(client: Client) -> None:
    metrics.replica_lag.note(last_seq=3, applied_seq=3)
    text = client.get("/metrics").content.decode()
    expected = set(SAMPLES.split())
    if not Path("/proc/self/stat").exists():  # a system that says nothing of its processes there
        expected = {name for name in expected if not name.startswith("process_")}
    assert sample_names(text) == expected


@pytest.mark.django_db
def test_every_status_and_outcome_is_there_from_the_start(client: Client) -> None:
    found = samples(client.get("/metrics").content.decode())
    for status in ("active", "completed", "expired"):
        assert found[f'ebrcs_sessions{{status="{status}"}}'] == 0
    assert found["ebrcs_orders"] == 0
    for outcome in ("answered", "refused", "late", "dropped"):
        assert f'ebrcs_frames_total{{outcome="{outcome}"}}' in found


@pytest.mark.django_db
def test_two_queries_count_sessions_and_orders(
    client: Client, shopper: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sessions = [services.session_start(user=shopper) for _ in range(4)]
    for each in sessions[:3]:
        CheckoutSession.objects.filter(pk=each.pk).update(status="expired")
    finished = CheckoutSession.objects.create(user=shopper, status="completed")
    Order.objects.create(
        number="1", user=shopper, session=finished, total_items=1, total_amount="2.50", currency="EUR"
    )
    with django_assert_num_queries(2):
        found = samples(client.get("/metrics").content.decode())
    assert found['ebrcs_sessions{status="active"}'] == 1
    assert found['ebrcs_sessions{status="expired"}'] == 3
    assert found['ebrcs_sessions{status="completed"}'] == 1
    assert found["ebrcs_orders"] == 1


@pytest.mark.django_db
def test_without_the_database_the_rest_is_still_there(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise OperationalError("no connection")

    monkeypatch.setattr(Order.objects, "count", fail)
    answer = client.get("/metrics")
    names = sample_names(answer.content.decode())
    assert answer.status_code == 200
    assert "ebrcs_queue_pictures" in names
    assert not names & {"ebrcs_orders", "ebrcs_sessions{status}"}
    assert "The metrics leave out the database: no connection" in caplog.text


def test_the_lag_is_unknown_until_the_replica_has_looked_at_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(metrics, "time", SimpleNamespace(monotonic=lambda: now_s))

    def lag() -> list[list[float]]:
        return [[sample.value for sample in family.samples] for family in replica.collect()]

    replica = ReplicaLag()
    assert lag() == [[], []]
    replica.note(last_seq=7, applied_seq=2)
    assert lag() == [[5], []]
    replica.note(last_seq=7, applied_seq=7)
    now_s = 102.5
    assert lag() == [[0], [2.5]]
    replica.note(last_seq=9, applied_seq=7)
    now_s = 103.0
    assert lag() == [[2], [3.0]]
    replica.note(last_seq=0, applied_seq=9)
    assert lag() == [[0], [0]]


def test_times_and_batches_are_counted_in_these_buckets() -> None:
    families = {family.name: family for family in REGISTRY.collect()}

    def bounds(name: str) -> list[str]:
        found = families[name].samples
        return [sample.labels["le"] for sample in found if sample.name.endswith("_bucket")]

    steps = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
    seconds = [*map(str, steps), "+Inf"]
    for step in ("embed", "search", "verify", "answer"):
        assert bounds(f"ebrcs_{step}_seconds") == seconds
    assert bounds("ebrcs_batch_pictures") == ["1.0", "2.0", "4.0", "8.0", "16.0", "32.0", "+Inf"]


@pytest.fixture
def frames_before() -> dict[str, float]:
    return {outcome: frames(outcome) for outcome in metrics.OUTCOMES}


def frames(outcome: str) -> float:
    return REGISTRY.get_sample_value("ebrcs_frames_total", {"outcome": outcome}) or 0.0


@pytest.mark.parametrize(
    ("code", "outcome", "timed"),
    [(None, "answered", 1), ("late_frame", "late", 0), ("bad_frame", "refused", 0)],
)
def test_a_frame_counts_by_its_outcome(
    frames_before: dict[str, float], code: str | None, outcome: str, timed: int
) -> None:
    before = REGISTRY.get_sample_value("ebrcs_answer_seconds_count") or 0.0
    metrics.frame_count(code=code, answer_s=0.03, dropped=2)
    counted = {name: frames(name) - value for name, value in frames_before.items()}
    assert counted == {**dict.fromkeys(metrics.OUTCOMES, 0), outcome: 1, "dropped": 2}
    assert REGISTRY.get_sample_value("ebrcs_answer_seconds_count") == before + timed


def test_a_running_server_refuses_what_came_through_a_proxy(server: Server) -> None:
    assert scrape(server)["ebrcs_queue_pictures"] == 0
    with pytest.raises(HTTPError, match="403"):
        scrape(server, **{"X-Forwarded-For": "127.0.0.1"})


def test_a_scrape_leaves_no_cookie(client: Client) -> None:
    assert not client.get("/metrics").cookies
