"""Starts the shop's server on this machine, and connects to it as clients do."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.request import urlopen

from django.conf import settings
from django.db import connection
from django.test import Client
from rest_framework_simplejwt.tokens import AccessToken
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.sync.client import ClientConnection, connect

from accounts.models import User
from tests.pictures import encoded
from tests.recognition.vision.scenes import Image

START_S = 60.0
PATIENCE_S = 10.0
STAND_IN = {"DJANGO_SETTINGS_MODULE": "tests.checkout.served_settings"}


def database_url() -> str:
    """Return the address of the test database, for another process."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    password = f":{found['PASSWORD']}" if found["PASSWORD"] else ""
    return f"postgresql://{found['USER']}{password}@{found['HOST']}:{found['PORT'] or 5432}/{found['NAME']}"


def port_free() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def socket_options() -> list[str]:
    """Return the server's options for sockets, as `make run` gives them."""
    found = re.search(r"^SOCKET := (.+)$", (settings.BASE_DIR / "Makefile").read_text(), re.MULTILINE)
    assert found is not None
    return found[1].split()


class Link(ClientConnection):
    """A connection that still delivers messages received together with the close.

    When a server closes right after its last message, sending the client's close frame fails, and the library
    then drops messages it has not delivered yet; browsers do not.
    """

    def send_data(self) -> None:
        """Send pending data; once the server is closing, that may fail."""
        try:
            super().send_data()
        except OSError:
            if self.protocol.state is State.OPEN:
                raise


@dataclass
class Server:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]
    data_dir: Path

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def memory_mb(self) -> float:
        """Return the resident memory of the process."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def log(self) -> str:
        return (self.data_dir / f"server-{self.port}.log").read_text()


def server_command(program: str, port: int) -> list[str]:
    """Return how a server is started, but for more options and the application."""
    python = [sys.executable, "-m", program]
    if program == "uvicorn":
        return [*python, "--port", str(port), "--lifespan", "off"]
    return [*python, "-b", "127.0.0.1", "-p", str(port), *socket_options()]


@contextmanager
def served(
    application: str,
    data_dir: Path,
    *,
    program: str = "daphne",
    options: Sequence[str] = (),
    **environment: str,
) -> Iterator[Server]:
    """Serve an ASGI application for a while, with daphne or uvicorn."""
    port = port_free()
    variables = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "ebrcs.settings",
        "DATABASE_URL": database_url(),
        "EBRCS_DATA_DIR": str(data_dir),
        "EBRCS_SECRET_KEY": settings.SECRET_KEY,
        "OMP_NUM_THREADS": "1",
        **environment,
    }
    with (data_dir / f"server-{port}.log").open("wb") as log:
        process = subprocess.Popen(
            [*server_command(program, port), *options, application],
            env=variables,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=settings.BASE_DIR,
        )
    server = Server(port, process, data_dir)
    try:
        wait_until_served(server)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_until_served(server: Server) -> None:
    """Wait until the server answers."""
    deadline_s = time.monotonic() + START_S
    while True:
        try:
            with urlopen(f"{server.origin}/healthz", timeout=5):  # noqa: S310 - this machine
                return
        except OSError:
            if server.process.poll() is not None or time.monotonic() > deadline_s:
                raise AssertionError(f"the server did not start:\n{server.log()}") from None
            time.sleep(0.05)


class SocketClient:
    """One open socket, from the client's side."""

    def __init__(self, link: ClientConnection) -> None:
        self.link = link

    def next(self, kind: str | None = None, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """Return the next message, or the next of a kind."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            message = json.loads(self.link.recv(timeout=max(0.0, deadline_s - time.monotonic())))
            if kind is None or message["type"] == kind:
                return cast("dict[str, Any]", message)

    def command(self, kind: str, **fields: Any) -> None:
        self.link.send(json.dumps({"type": kind, **fields}))

    def frame(self, picture: Image | bytes) -> None:
        self.link.send(picture if isinstance(picture, bytes) else jpeg(picture))

    def show(self, pictures: list[Image], pause_s: float = 0.05) -> list[dict[str, Any]]:
        """Send frames at a steady pace, each after the answer to the one before; return all messages."""
        messages = []
        for picture in pictures:
            due_s = time.monotonic() + pause_s
            self.frame(picture)
            while "frame" not in (message := self.next()):
                messages.append(message)
            messages.append(message)
            time.sleep(max(0.0, due_s - time.monotonic()))
        return messages

    def close_code(self, timeout_s: float = PATIENCE_S) -> int | None:
        """Read until the server closes, and return the code."""
        try:
            while True:
                self.link.recv(timeout=timeout_s)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


def jpeg(picture: Image, quality: int = 90) -> bytes:
    """Return a picture as a camera would send it."""
    return encoded(picture, quality=quality)


@contextmanager
def socket_connect(
    server: Server, session_id: object, *, query: str = "", headers: dict[str, str] | None = None
) -> Iterator[SocketClient]:
    """Open the socket of a session."""
    address = f"ws://127.0.0.1:{server.port}/api/ws/checkout/{session_id}{query}"
    # With an unbounded queue: otherwise a client that does not read would never see the close.
    with connect(
        address, additional_headers=headers or {}, max_queue=None, close_timeout=1, create_connection=Link
    ) as link:
        yield SocketClient(link)


def bearer(user: User) -> dict[str, str]:
    """Return the Authorization header of an API client."""
    return {"Authorization": f"Bearer {AccessToken.for_user(user)}"}


def cookie(user: User) -> dict[str, str]:
    """Return the cookie of a logged-in browser."""
    client = Client()
    client.force_login(user)
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"}
