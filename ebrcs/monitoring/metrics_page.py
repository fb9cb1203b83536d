"""`/metrics` for Prometheus: what this process measured, and what the database holds at the moment.

Whoever reads it learns how busy a shop is, so it is not public. Without `EBRCS_METRICS_TOKEN` only this
machine may read it, and only directly: behind a proxy every peer is the proxy, which may run on this machine,
and a server that believes forwarding headers reports whatever address a client made up. A proxy that adds no
header and that no setting names cannot be told from this machine: set the token there.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
from collections.abc import Iterator

from django.conf import settings
from django.db import Error
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from checkout.models import CheckoutSession
from ebrcs.metrics import REGISTRY
from ebrcs.rate_limits import proxies_trusted
from orders.models import Order

logger = logging.getLogger(__name__)
FORWARDING_HEADERS = ("FORWARDED", "VIA", "X_REAL_IP", "CF_CONNECTING_IP", "TRUE_CLIENT_IP", "X_CLIENT_IP")


class DatabaseCounts(Collector):
    """Rows of the shop, counted at the scrape by two queries: the same numbers from every process."""

    def collect(self) -> Iterator[Metric]:
        """Yield sessions by status and orders; nothing while the database does not answer."""
        try:
            found = dict(CheckoutSession.objects.order_by().values_list("status").annotate(Count("pk")))
            placed = Order.objects.count()
        except Error as error:
            logger.warning("The metrics leave out the database: %s", error)
            return
        sessions = GaugeMetricFamily("ebrcs_sessions", "Checkout sessions by status.", labels=["status"])
        for status in CheckoutSession.Status.values:
            sessions.add_metric([status], found.get(status, 0))
        yield sessions
        yield GaugeMetricFamily("ebrcs_orders", "Orders placed.", value=placed)


REGISTRY.register(DatabaseCounts())


@never_cache
@require_safe
def metrics_page(request: HttpRequest) -> HttpResponse:
    """Answer with every metric in Prometheus's text format, or refuse."""
    if settings.METRICS_TOKEN:
        if not token_matches(request.META.get("HTTP_AUTHORIZATION", "")):
            challenge = {"WWW-Authenticate": 'Bearer realm="metrics"'}
            return _refusal(401, "The metrics need the token of EBRCS_METRICS_TOKEN.", challenge)
    elif not comes_from_this_machine(request):
        return _refusal(403, "Only this machine may read the metrics, unless EBRCS_METRICS_TOKEN is set.")
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def token_matches(authorization: str) -> bool:
    """Whether an Authorization header carries the token; compared in constant time."""
    scheme, _, token = authorization.partition(" ")
    known = settings.METRICS_TOKEN.encode()
    return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(errors="replace"), known)


def comes_from_this_machine(request: HttpRequest) -> bool:
    """Whether a program on this machine asks directly: a loopback address, and no sign of a proxy."""
    behind_proxy = settings.BEHIND_HTTPS or proxies_trusted() > 0
    if behind_proxy or any(_forwards(name) for name in request.META):
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _forwards(name: str) -> bool:
    header = name.removeprefix("HTTP_")
    return header != name and (header.startswith("X_FORWARDED") or header in FORWARDING_HEADERS)


def _refusal(status: int, sentence: str, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(
        f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8", headers=headers
    )
