"""Bounds how many HTTP requests a process works on at once; the others wait, and take turns.

Every request runs in a thread with a database connection of its own, so without a bound as many callers as
there are decide how many of both there are. Requests that wait are served round robin: one address after the
other, and the clients of an address one after the other, so that a client that sends hundreds of requests
waits for itself. A client is an address with a credential (session cookie or `Authorization` header): lanes
behind one router share an address, and whoever makes credentials up only divides the share of their own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, ClassVar, NamedTuple, cast

from django.conf import settings

from ebrcs.errors import EbrcsError
from ebrcs.fair_queue import FairQueue, Flow
from ebrcs.log_context import Application, Receive, Send
from ebrcs.rate_limits import client_address_of_scope
from ebrcs.server.credentials import credential_of_scope
from ebrcs.server.refusals import headers_encoded, refusal_answer
from ebrcs.server.request_threads import RequestThreads

# A client uses at most this share of the requests at once, an address at most twice as much.
CLIENT_SHARE = 0.125
CLIENT_WAITING_MAX = 400
ADDRESS_WAITING_MAX = 800
WAITING_MAX = 2_000
WAIT_MAX_S = 60.0
RETRY_AFTER_S = 2
# Asked for by whoever watches the process, also while shoppers wait; they have their own, smaller bound.
MONITORING_PATHS = {"/healthz", "/readyz", "/metrics"}


class Client(NamedTuple):
    """Whose requests wait for each other; the credential is not checked."""

    address: str
    credential: bytes


class RequestsWaiting(EbrcsError):
    """The client has so many requests waiting that no more are taken."""

    code: ClassVar[str] = "too_many_requests"
    status: ClassVar[int] = 429
    title: ClassVar[str] = "Too many requests"


class ServerBusy(EbrcsError):
    """Too many requests wait, or this one has waited for too long."""

    code: ClassVar[str] = "server_busy"
    status: ClassVar[int] = 503
    title: ClassVar[str] = "Too many requests at the moment"


class RequestSlots:
    """A bounded number of slots, handed out in turns; used by one event loop, so it needs no lock.

    Parameters
    ----------
    slots : how many are taken at once at most
    """

    def __init__(self, slots: int) -> None:
        self.free = slots
        self.client_max = max(1, round(slots * CLIENT_SHARE))
        self.address_max = max(1, round(2 * slots * CLIENT_SHARE))
        self.running: Counter[Client | str] = Counter()
        self.waiting: Counter[Client | str] = Counter()
        self.queue: FairQueue[asyncio.Future[None]] = FairQueue()

    @property
    def waiting_total(self) -> int:
        """How many wait."""
        return len(self.queue)

    async def take(self, client: Client) -> None:
        """Wait for a slot; raises `RequestsWaiting` or `ServerBusy` where too many wait, or for too long."""
        if self.waiting[client] >= CLIENT_WAITING_MAX or self.waiting[client.address] >= ADDRESS_WAITING_MAX:
            raise RequestsWaiting(_detail("You have too many requests waiting."), retry_after_s=RETRY_AFTER_S)
        if self.waiting_total >= WAITING_MAX:
            raise ServerBusy(_detail("Too many requests are waiting."), retry_after_s=RETRY_AFTER_S)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.queue.put(Flow(client.address, client), turn)
        _count(self.waiting, client, 1)
        self._hand_out()
        try:
            async with asyncio.timeout(WAIT_MAX_S):
                await turn
        except BaseException as error:
            if turn.cancelled():
                self.queue.remove(Flow(client.address, client), turn)
                _count(self.waiting, client, -1)
                self._hand_out()  # the request behind it may run
            else:  # granted in the moment in which the wait ended
                self.give_back(client)
            if isinstance(error, TimeoutError):
                busy = _detail(f"The request waited for {WAIT_MAX_S:.0f} s.")
                raise ServerBusy(busy, retry_after_s=RETRY_AFTER_S) from None
            raise

    def give_back(self, client: Client) -> None:
        """Free a slot for whoever is next."""
        self.free += 1
        _count(self.running, client, -1)
        self._hand_out()

    def _hand_out(self) -> None:
        while self.free and (found := self.queue.take(self._may_run)):
            flow, turn = found
            client = cast("Client", flow.source)
            self.queue.charge(flow, 1)
            self.free -= 1
            _count(self.waiting, client, -1)
            _count(self.running, client, 1)
            turn.set_result(None)

    def _may_run(self, flow: Flow, turn: asyncio.Future[None]) -> bool:
        client = cast("Client", flow.source)
        has_room = self.running[client.address] < self.address_max and self.running[client] < self.client_max
        return has_room and not turn.cancelled()


class RequestLimits:
    """An ASGI application that passes a request on when its turn has come, or refuses it.

    The turn comes after the last part of the body: a client that sends slowly holds nothing. The slot is
    given back when the application has ended. A server that gives a request up does not end it halfway: then
    its thread would go on without a slot, and its database connection would be lost to the pool.
    """

    def __init__(self, application: Application) -> None:
        self.application = application
        self.slots = RequestSlots(settings.REQUESTS_AT_ONCE)
        self.monitoring_slots = RequestSlots(settings.MONITORING_REQUESTS_AT_ONCE)
        self.threads = RequestThreads()
        self.serving: set[asyncio.Task[None]] = set()  # the event loop itself keeps no task alive

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        slots = self.monitoring_slots if scope["path"] in MONITORING_PATHS else self.slots
        client = client_of_scope(scope)
        is_running = False

        async def receive_in_turn() -> dict[str, Any]:
            nonlocal is_running
            message: dict[str, Any] = await receive()
            if is_running or message["type"] != "http.request" or message.get("more_body"):
                return message
            try:
                await slots.take(client)
            except EbrcsError as refusal:
                await refuse(scope, refusal, send)
                return {"type": "http.disconnect"}
            is_running = True
            return message

        async def serve() -> None:
            try:
                async with self.threads.lent():
                    await self.application(scope, receive_in_turn, send)
            finally:
                if is_running:
                    slots.give_back(client)

        task = asyncio.create_task(serve())
        self.serving.add(task)
        task.add_done_callback(self.serving.discard)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if not is_running:
                task.cancel()
            raise


def client_of_scope(scope: Any) -> Client:
    """Return whose request this is, as far as can be said without asking the database."""
    return Client(client_address_of_scope(scope), credential_of_scope(scope))


async def refuse(scope: dict[str, Any], refusal: EbrcsError, send: Send) -> None:
    """Answer that the request was not worked on."""
    answer = refusal_answer(refusal, scope["path"])
    await send(
        {"type": "http.response.start", "status": answer.status_code, "headers": headers_encoded(answer)}
    )
    await send({"type": "http.response.body", "body": answer.content})


def _detail(fact: str) -> str:
    return f"{fact} Try again in {RETRY_AFTER_S} s."


def _count(counter: Counter[Client | str], client: Client, change: int) -> None:
    """Count for the client and for its address, and forget whoever is at zero."""
    for key in (client, client.address):
        counter[key] += change
        if not counter[key]:
            del counter[key]
