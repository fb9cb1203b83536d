"""How many bytes of bodies a process holds at the moment: they fill memory and the temporary folder."""

from __future__ import annotations

from collections import Counter

from django.conf import settings

from ebrcs.server.body_limits import client_share


class BodiesInFlight:
    """Counts what was received and not yet answered, in all and by client. Not for several threads.

    What has arrived counts, not what was announced: a client would hold room for others by a mere header.
    """

    def __init__(self) -> None:
        self.total = 0
        self.by_client: Counter[str] = Counter()

    def fits(self, client: str, size: int) -> bool:
        """Whether so many bytes more may be received from a client."""
        return (
            self.total + size <= settings.UPLOADS_MAX_BYTES
            and self.by_client[client] + size <= client_share()
        )

    def add(self, client: str, size: int) -> None:
        """Count bytes received, or given back where negative."""
        self.total += size
        self.by_client[client] += size
        if self.by_client[client] <= 0:
            del self.by_client[client]


bodies_in_flight = BodiesInFlight()
