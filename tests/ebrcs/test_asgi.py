"""The ASGI application as a server sees it."""

from __future__ import annotations

import pytest
from channels.testing import HttpCommunicator, WebsocketCommunicator

from ebrcs.asgi import application
from recognition.engine.shared import engine_running


@pytest.mark.parametrize("path", ["/", "/api/ws/nothing", "/nothing"])
async def test_a_socket_nobody_serves_is_accepted_and_closed_with_a_code(path: str) -> None:
    socket = WebsocketCommunicator(application, path)
    connected, _protocol = await socket.connect()
    assert connected
    assert await socket.receive_output() == {
        "type": "websocket.close",
        "code": 4404,
        "reason": "There is nothing here.",
    }


async def test_http_is_served() -> None:
    call = HttpCommunicator(application, "GET", "/healthz", headers=[(b"host", b"localhost")])
    answer = await call.get_response()
    await call.wait()
    assert (answer["status"], answer["body"]) == (200, b'{"status": "alive"}')


def test_tests_start_no_engine_by_importing_the_application() -> None:
    assert engine_running() is None
