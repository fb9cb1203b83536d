"""Admits sockets a few at a time, so that a crowd at the gate leaves the database to those who are inside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

from checkout.live.access import FLOODING, Admission, SocketRefused, admission_read
from checkout.live.limits.flooders import flood_wait_s
from checkout.live.limits.gate import Opening
from checkout.live.limits.token_buckets import TokenBuckets
from checkout.live.threads import in_database

# Half of the database threads: the others always are there for carts.
AT_ONCE = 4
OF_ACCOUNT_AT_ONCE = 2
# Fifty lanes of one account come back twice at once, and go on with five a second.
ACCOUNT_BURST, ACCOUNT_PER_SECOND = 100, 5.0


class Admitted(Protocol):
    """What is known about an accepted socket, of any kind."""

    @property
    def user_id(self) -> UUID:
        """The account it is admitted for."""


A = TypeVar("A", bound=Admitted)


class Admissions:
    """Whose turn it is to be admitted; belongs to one event loop."""

    def __init__(self) -> None:
        self.accounts = TokenBuckets(ACCOUNT_BURST, ACCOUNT_PER_SECOND)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._turns_of: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()

    async def admit(self, scope: Any) -> Admission:
        """Admit a client to the socket of a session when it is its turn, or raise `SocketRefused`."""
        return await self.admit_by(admission_read, scope)

    async def admit_by(self, read: Callable[[Any], A], scope: Any) -> A:
        """Admit a client as `read` says when it is its turn, or raise `SocketRefused`.

        The gate knows floods by the session of a socket; those of a socket that has none are known by the
        account, once that is known.
        """
        opening: Opening = scope.get("opening", Opening(address="", session=""))  # without the gate, nobody's

        def read_of_account(scope: Any) -> A:
            admission = read(scope)
            if not opening.session:
                opening.session = f"account {admission.user_id}"
                if flood_wait_s(address=opening.address, session=opening.session):
                    opening.is_noted = True
                    raise SocketRefused(FLOODING, "The account flooded a socket before.")
            return admission

        async with self._turns:
            admission = await in_database(read_of_account, scope)
        if self.accounts.take(admission.user_id, time.monotonic()):
            opening.is_noted = True  # it came too often, but did not flood
            raise SocketRefused(FLOODING, "The account opens too many sockets.")
        opening.is_admitted = True
        return admission

    @asynccontextmanager
    async def turn(self, user_id: UUID) -> AsyncIterator[None]:
        """Wait for a turn to prepare what an admitted socket needs."""
        of_account = self._turns_of.setdefault(user_id, asyncio.Semaphore(OF_ACCOUNT_AT_ONCE))
        async with of_account, self._turns:
            yield


admissions = Admissions()
