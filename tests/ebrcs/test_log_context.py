"""Every log line says which request and which session it belongs to, and no client can forge one."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from channels.testing import HttpCommunicator, WebsocketCommunicator

from accounts.models import User
from checkout.cart import services
from checkout.live.threads import in_database, in_vision
from ebrcs.asgi import application
from ebrcs.log_context import (
    JsonFormatter,
    LogContextFilter,
    TextFormatter,
    request_id,
    request_id_of,
    session_id,
    session_named,
)
from tests.checkout.serving import STAND_IN, Server, bearer, served, socket_connect
from tests.ebrcs.test_checks import manage
from tests.recognition.vision.scenes import RED, Pack, Stage

SESSION = "0f0e0d0c-0b0a-4908-8706-050403020100"
NEW_ID = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
def in_context() -> Iterator[None]:
    """Work on a request and on a session."""
    tokens = request_id.set("request-1"), session_id.set(SESSION)
    yield
    request_id.reset(tokens[0])
    session_id.reset(tokens[1])


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.Formatter, "converter", staticmethod(time.gmtime))


def written(formatter: logging.Formatter, message: str, *arguments: object, failing: bool = False) -> str:
    """Return what a handler writes for a record of a fixed moment."""
    exc_info = None
    if failing:
        try:
            raise ValueError("first\nsecond\r\x1b[31m")
        except ValueError:
            exc_info = sys.exc_info()
    record = logging.LogRecord("shop.client", logging.WARNING, __file__, 1, message, arguments, exc_info)
    record.created, record.msecs = 1_800_000_000.25, 250.0
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(LogContextFilter())
    handler.setFormatter(formatter)
    handler.handle(record)
    return stream.getvalue()


@pytest.mark.usefixtures("in_context", "utc")
def test_a_text_line_says_when_what_and_of_whom() -> None:
    assert written(TextFormatter(), "Frame %d failed.", 7) == (
        f"2027-01-15 08:00:00,250 WARNING shop.client session={SESSION} request=request-1: Frame 7 failed.\n"
    )


@pytest.mark.usefixtures("utc")
def test_a_line_of_no_request_says_so() -> None:
    assert written(TextFormatter(), "Ready.") == (
        "2027-01-15 08:00:00,250 WARNING shop.client session=- request=-: Ready.\n"
    )
    assert json.loads(written(JsonFormatter(), "Ready."))["session"] == "-"


@pytest.mark.usefixtures("utc")
def test_no_text_of_a_client_begins_a_line_or_steers_a_terminal() -> None:
    sent = "a\nb\r\nc\x1b[2Jd\x85e\u2028f\u2029g\x00h\ud800i\tj\u202ek\u2066 \ud55c"
    assert written(TextFormatter(), "Heard %s.", sent) == (
        "2027-01-15 08:00:00,250 WARNING shop.client session=- request=-: "
        r"Heard a\nb\r\nc\x1b[2Jd\x85e\u2028f\u2029g\x00h\ud800i\tj\u202ek\u2066 " + "\ud55c.\n"
    )


@pytest.mark.usefixtures("utc")
def test_the_lines_of_an_exception_are_indented_below_theirs() -> None:
    lines = written(TextFormatter(), "It failed.", failing=True).splitlines()
    assert lines[0] == "2027-01-15 08:00:00,250 WARNING shop.client session=- request=-: It failed."
    assert lines[1] == "    Traceback (most recent call last):"
    assert lines[-2:] == ["    ValueError: first", r"    second\r\x1b[31m"]
    assert all(line.startswith("    ") for line in lines[1:])


def test_a_stack_is_indented_as_text_and_a_member_as_json() -> None:
    record = logging.LogRecord("shop.client", logging.WARNING, __file__, 1, "Slow.", (), None)
    record.stack_info = "Stack (most recent call last):\n  here"
    LogContextFilter().filter(record)
    assert TextFormatter().format(record).splitlines()[1:] == [
        "    Stack (most recent call last):",
        "      here",
    ]
    assert json.loads(JsonFormatter().format(record))["stack"] == record.stack_info


@pytest.mark.usefixtures("in_context")
def test_a_json_line_has_these_members_and_no_others() -> None:
    assert written(JsonFormatter(), "Heard %s.", "a\nb\u2028\ud800\ud55c") == (
        '{"time": "2027-01-15T08:00:00.250+00:00", "level": "WARNING", "logger": "shop.client", '
        f'"session": "{SESSION}", "request": "request-1", '
        r'"message": "Heard a\nb\u2028\ud800\ud55c."}'
        "\n"
    )
    failed = json.loads(written(JsonFormatter(), "It failed.", failing=True))
    assert list(failed) == ["time", "level", "logger", "session", "request", "message", "exception"]
    assert failed["exception"].startswith("Traceback (most recent call last):\n")
    assert failed["exception"].endswith("ValueError: first\nsecond\r\x1b[31m")


@pytest.mark.parametrize("sent", [b"a", b"A-1_b.2", b"x" * 64])
def test_a_request_keeps_the_id_it_came_with(sent: bytes) -> None:
    assert request_id_of([(b"host", b"localhost"), (b"X-Request-ID", sent)]) == sent.decode()


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [b""],
        [b"x" * 65],
        [b"one", b"two"],
        [b"two words"],
        [b"line\nbreak"],
        [b"end\n"],
        [b"\xc3\xa9"],
        [b"a=b"],
        [b'"'],
    ],
)
def test_anything_else_gets_a_new_one(headers: list[bytes]) -> None:
    assert NEW_ID.fullmatch(request_id_of([(b"x-request-id", value) for value in headers]))


@pytest.mark.parametrize(
    "path",
    [
        f"/api/ws/checkout/{SESSION}",
        f"/api/ws/checkout/{SESSION}/",
        f"/checkout/{SESSION.upper()}/",
        f"/api/sessions/{SESSION}",
        f"/api/sessions/{SESSION.replace('-', '')}/billing/confirm",
    ],
)
def test_the_session_is_the_one_the_address_names(path: str) -> None:
    assert session_named(path) == SESSION


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/sessions",
        "/checkout/",
        f"/orders/{SESSION}/",
        f"/checkout/{SESSION}0/",
        f"/checkout/{'-' * 36}",
    ],
)
def test_an_address_that_names_none_has_none(path: str) -> None:
    assert session_named(path) == "-"


async def answered(path: str, *headers: tuple[bytes, bytes]) -> list[bytes]:
    call = HttpCommunicator(application, "GET", path, headers=[(b"host", b"localhost"), *headers])
    answer = await call.get_response()
    await call.wait()
    return [value for name, value in answer["headers"] if name == b"x-request-id"]


async def test_an_answer_carries_the_id() -> None:
    assert await answered("/healthz", (b"x-request-id", b"proxy-17")) == [b"proxy-17"]
    first, second = [await answered("/healthz") for _ in range(2)]
    assert first != second
    assert NEW_ID.fullmatch(first[0].decode())
    assert request_id.get() == session_id.get() == "-"


async def test_a_socket_says_its_id_when_it_opens() -> None:
    socket = WebsocketCommunicator(application, "/nothing", headers=[(b"x-request-id", b"proxy-18")])
    await socket.send_input({"type": "websocket.connect"})
    assert await socket.receive_output() == {
        "type": "websocket.accept",
        "subprotocol": None,
        "headers": [(b"x-request-id", b"proxy-18")],
    }


@pytest.mark.usefixtures("in_context")
async def test_the_threads_a_socket_hops_to_know_its_ids() -> None:
    def ids() -> tuple[str, str]:
        return session_id.get(), request_id.get()

    assert await in_vision(ids) == (SESSION, "request-1")
    assert await in_database(ids) == (SESSION, "request-1")


def test_the_lines_of_a_server_belong_to_their_request_and_session(
    transactional_db: None, tmp_path: Path, shopper: User
) -> None:
    session = services.session_start(user=shopper)
    environment = {**STAND_IN, "EBRCS_LOG_FORMAT": "json"}
    with served("tests.checkout.served:application", tmp_path, **environment) as server:
        (tmp_path / "engine_broken").touch()
        headers = {**bearer(shopper), "X-Request-ID": "socket-1"}
        stage = Stage()
        with socket_connect(server, session.pk, headers=headers) as client:
            client.show([*stage.empty(8), *stage.shown(Pack(RED, (160, 110)), 8)])
        assert page_of(server, "/nothing%0A2027", "page-1") == 404
        # The rest is daphne's own list of requests, which `--verbosity 0` switches off.
        lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    failed = [line for line in lines if line["message"].startswith("Frame ")]
    assert {(line["session"], line["request"]) for line in failed} == {(str(session.pk), "socket-1")}
    assert failed[0]["exception"].endswith("RuntimeError: an unforeseen fault")
    (missing,) = [line for line in lines if line["request"] == "page-1"]
    assert (missing["logger"], missing["level"], missing["session"]) == ("django.request", "WARNING", "-")


def page_of(server: Server, path: str, sent_id: str) -> int:
    asked = Request(f"{server.origin}{path}", headers={"X-Request-ID": sent_id})  # noqa: S310 - this machine
    try:
        with urlopen(asked, timeout=10) as answer:  # noqa: S310 - this machine
            return int(answer.status)
    except HTTPError as refused:
        return refused.code


def test_a_format_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    outcome = manage(tmp_path, "check", EBRCS_LOG_FORMAT="xml")
    assert outcome.stderr == "The settings cannot be used: EBRCS_LOG_FORMAT='xml': allowed are text, json\n"
