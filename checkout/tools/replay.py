"""A client that plays recorded frames to a running server, as a shopper's browser would."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from checkout.payloads import Cart
from checkout.tools.replay_explain import Lives
from recognition.vision.photos.folders import photos_in

HTTP_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 60.0
READY_TIMEOUT_S = 180.0
READY_PAUSE_S = 0.5
EMPTY_CART: Cart = {"items": [], "total_items": 0, "total_amount": None, "currency": "", "unresolved": []}


class ReplayFailed(Exception):
    """The visit could not be played; the message says why."""


@dataclass(frozen=True)
class Visit:
    """Frames in the order of their names, and the true cart, None where it is unknown."""

    name: str
    frames: list[Path]
    truth: dict[str, int] | None = None


@dataclass
class Report:
    """The result of a played visit.

    Attributes
    ----------
    problems : error answers, counted by code
    lives : of its items, where requested
    failure : why it could not be played or paid to the end; None otherwise
    """

    visit: Visit
    cart: Cart
    answered: int
    dropped: int
    problems: Counter[str]
    order: dict[str, Any] | None = None
    lives: Lives | None = None
    failure: str | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Return the pieces in the cart by product name."""
        return {line["name"]: line["quantity"] for line in self.cart["items"]}

    @property
    def is_right(self) -> bool | None:
        """Whether the whole cart equals the truth; None where that is unknown."""
        return None if self.visit.truth is None else self.counts == self.visit.truth


def visits_find(folder: Path) -> list[Visit]:
    """Return the visits in a folder of frames, or of such folders, with their truth.

    The truth is read from ``truth.json`` in the folder or else in its parent.
    """
    if not folder.is_dir():
        raise ReplayFailed(f"{folder} is not a folder.")
    truth_path = next(
        (path for path in (folder / "truth.json", folder.parent / "truth.json") if path.is_file()), None
    )
    truths = truths_read(truth_path) if truth_path else {}
    below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    visits = [
        Visit(each.resolve().name, frames, truths.get(each.resolve().name))
        for each in (folder, *below)
        if (frames := photos_in(each))
    ]
    if not visits:
        raise ReplayFailed(f"{folder} holds no JPEG, PNG or WebP frames, nor do the folders in it.")
    return visits


def truths_read(path: Path) -> dict[str, dict[str, int]]:
    """Return the true cart of each visit."""
    try:
        return {visit["name"]: dict(visit["cart"]) for visit in json.loads(path.read_text())["visits"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ReplayFailed(f"{path} does not list visits with their carts: {error!r}") from error


def is_web_address(url: str) -> bool:
    """Whether a server can be reached at this URL, as far as its form tells."""
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return False
    has_host = bool(parts.hostname) and not re.search(r"[\s\x00-\x1f]", url)
    return parts.scheme in {"http", "https"} and has_host and port_is_valid


@dataclass
class ReplayClient:
    """Plays visits to one server.

    Parameters
    ----------
    url : of the server, e.g. http://localhost:8000
    fps : frames per second at which the visits were recorded
    in_flight : frames that may be sent and not answered yet; with 1 no frame is ever dropped
    mode, zone : how and where items count; the server's defaults if not given
    explain : whether to request the life of each item
    """

    url: str
    token: str = ""
    fps: float = 10.0
    in_flight: int = 2
    mode: str | None = None
    zone: list[float] | None = None
    explain: bool = False

    def __post_init__(self) -> None:
        self.url = self.url.strip()
        if not is_web_address(self.url):
            raise ReplayFailed(
                f"{self.url} is not the URL of a server: it must start with http:// or https://, then a host"
            )
        if not (0 < self.fps < math.inf and self.in_flight >= 1):
            raise ReplayFailed("--fps must be above 0 and --in-flight at least 1.")
        self.url = self.url.rstrip("/")

    def log_in(self, username: str, password: str) -> None:
        """Get a token for a shopper."""
        credentials = {"username": username, "password": password}
        self.token = self.call("POST", "/api/auth/login", credentials)["access"]

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the REST API and return its answer."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}{path}", data, headers, method=method)  # noqa: S310 - http or https only
        try:
            with urlopen(request, timeout=HTTP_TIMEOUT_S) as response:  # noqa: S310 - http or https only
                return cast("dict[str, Any]", json.loads(response.read() or b"{}"))
        except HTTPError as error:
            body_text = error.read(2000).decode(errors="replace")
            raise ReplayFailed(f"{method} {path} was answered with {error.code}: {body_text}") from error
        except (URLError, OSError, HTTPException, ValueError) as error:
            raise ReplayFailed(f"{self.url} does not answer as this shop does: {error}") from error

    def play(self, visit: Visit, *, confirm: bool = False) -> Report:
        """Play one visit in a session of its own, and confirm or cancel it.

        A cart that cannot be paid is reported as a failure of the visit, with the cart as it is.
        """
        session = f"/api/sessions/{self.call('POST', '/api/sessions')['session_id']}"
        report = asyncio.run(self._play(visit, session))
        report.cart = cast("Cart", self.call("GET", f"{session}/billing"))
        if confirm and report.cart["items"]:
            try:
                report.order = self.call("POST", f"{session}/billing/confirm")
            except ReplayFailed as error:
                report.failure = str(error)
        if report.order is None:
            self.call("DELETE", session)
        return report

    def play_all(self, visits: Sequence[Visit], *, confirm: bool = False) -> Iterator[Report]:
        """Play visits one at a time; one that fails is reported, and the others are played."""
        for visit in visits:
            try:
                yield self.play(visit, confirm=confirm)
            except ReplayFailed as error:
                yield Report(visit, EMPTY_CART, 0, 0, Counter(), failure=str(error))

    async def _play(self, visit: Visit, session: str) -> Report:
        ticket = (await asyncio.to_thread(self.call, "POST", f"{session}/ticket"))["ticket"]
        address = f"ws{self.url[4:]}{session.replace('/sessions/', '/ws/checkout/')}?ticket={ticket}"
        try:
            async with connect(address) as socket:
                await asyncio.to_thread(self._wait_until_ready)
                player = Player(socket, visit, self.fps, self.in_flight)
                await player.set_up(self._setup_commands())
                return await player.play()
        except ConnectionClosed as error:
            raise ReplayFailed(f"The server closed the socket: {error}") from error
        except (OSError, InvalidHandshake) as error:
            raise ReplayFailed(f"The socket at {self.url} cannot be opened: {error}") from error
        except TimeoutError as error:
            raise ReplayFailed(f"A frame was not answered within {ANSWER_TIMEOUT_S:.0f} s.") from error

    def _setup_commands(self) -> list[dict[str, Any]]:
        """Return the commands to send before the first frame."""
        commands: list[dict[str, Any]] = []
        if self.mode is not None:
            commands.append({"type": "mode.set", "mode": self.mode})
        if self.zone is not None:
            commands.append({"type": "zone.set", "zone": self.zone})
        if self.explain:
            commands.append({"type": "debug.set", "on": True})
        return commands

    def _wait_until_ready(self) -> None:
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        while True:
            try:
                self.call("GET", "/readyz")
            except ReplayFailed:
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(READY_PAUSE_S)
            else:
                return


@dataclass
class Player:
    """Sends the frames of a visit at their pace, never more than `in_flight` ahead of the answers.

    Attributes
    ----------
    settled : number of the newest frame that was answered; those before it were answered or dropped
    answered : frames with an answer of their own
    dropped : frames that a newer one replaced, as the server reports, or that it asked not to be sent
    pace_s : how long the server asks to wait from one frame to the next
    """

    socket: ClientConnection
    visit: Visit
    fps: float
    in_flight: int
    sent: int = 0
    settled: int = 0
    answered: int = 0
    dropped: int = 0
    pace_s: float = 0.0
    problems: Counter[str] = field(default_factory=Counter)
    lives: Lives | None = None

    async def set_up(self, commands: Sequence[dict[str, Any]]) -> None:
        """Send commands, waiting for the answer to each."""
        for command in commands:
            if command["type"] == "debug.set":
                self.lives = Lives()
            await self.socket.send(json.dumps(command))
            answer = {"type": ""}
            while answer["type"] not in {"error", command["type"].replace(".set", ".changed")}:
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    answer = json.loads(await self.socket.recv())
            if answer["type"] == "error":
                raise ReplayFailed(f"{command['type']} was refused: {answer['detail']}")

    async def play(self) -> Report:
        """Play all frames, the last one twice: its second answer means that all before it was stored.

        Where the server asks for fewer, frames in between are left out, as a camera would do; but none where
        each waits for the answer to the one before.
        """
        started_s, sent_s = time.monotonic(), -math.inf
        last = len(self.visit.frames) - 1
        for index, path in enumerate([*self.visit.frames, self.visit.frames[-1]]):
            due_s = started_s + index / self.fps
            if self.in_flight > 1 and index < last and due_s < sent_s + self.pace_s - 0.5 / self.fps:
                self.dropped += 1
                continue
            sent_s = due_s
            frame = await asyncio.to_thread(path.read_bytes)
            await self._receive_until(due_s, waiting_max=self.in_flight - 1)
            await self.socket.send(frame)
            self.sent += 1
        await self._receive_until(0.0, waiting_max=0)
        return Report(self.visit, EMPTY_CART, self.answered, self.dropped, self.problems, lives=self.lives)

    async def _receive_until(self, due_s: float, *, waiting_max: int) -> None:
        """Receive messages until the next frame is due and few enough answers are missing."""
        while True:
            missing = self.sent - self.settled
            left_s = due_s - time.monotonic()
            if left_s <= 0 and missing <= waiting_max:
                return
            timeout_s = ANSWER_TIMEOUT_S if missing > waiting_max else left_s
            try:
                async with asyncio.timeout(timeout_s):
                    self._take(json.loads(await self.socket.recv()))
            except TimeoutError:
                if missing > waiting_max:
                    raise

    def _take(self, message: dict[str, Any]) -> None:
        if self.lives is not None:
            self.lives.take(message, after_frame=self.settled)
        if message["type"] == "error":
            self.problems[message["code"]] += 1
        if "frame" in message:
            self.answered += 1
            self.dropped += message["dropped"]
            self.pace_s = message.get("pace_ms", 0) / 1000
            self.settled = message["frame"]
