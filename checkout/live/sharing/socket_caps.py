"""How many sockets may be open at once: of an address, of an account, and of a session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

from django.conf import settings

from ebrcs.errors import EbrcsError


class TooManySockets(EbrcsError):
    """As many sockets as are allowed are open already."""

    code: ClassVar[str] = "too_many_sockets"
    status: ClassVar[int] = 429
    title: ClassVar[str] = "Too many open sockets"


@dataclass
class SocketCaps:
    """Counts the open sockets of this process, each of which costs memory, tasks and a query now and then.

    Each process counts for itself: what a process can bear does not depend on the others.
    """

    _open: Counter[tuple[str, Hashable]] = field(default_factory=Counter)

    @contextmanager
    def held(self, kind: str, owner: Hashable, *, replaces: bool = False) -> Iterator[None]:
        """Count a socket of an address, an account or a session while it is open.

        Parameters
        ----------
        replaces : whether it takes the place of one that is still counted and about to close

        Raises
        ------
        TooManySockets
            With the limit, when the owner has no room for another one.
        """
        most: int = {
            "address": settings.SOCKETS_PER_ADDRESS,
            "account": settings.SOCKETS_PER_ACCOUNT,
            "session": settings.SOCKETS_PER_SESSION,
        }[kind]
        if self._open[kind, owner] >= most + replaces:
            raise TooManySockets(f"At most {most} sockets of one {kind} may be open.", limit=most)
        self._open[kind, owner] += 1
        try:
            yield
        finally:
            self._open -= Counter([(kind, owner)])


socket_caps = SocketCaps()
