"""Opens, hands out, escalates and resolves alerts: what members of staff are called for at a lane.

Of several members of staff exactly one gets an alert. Each step is one conditional update, so none of them
needs a lock, and each that changed something is announced to the consoles of the store and to the lane.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from checkout.errors import AlertNotFound, AlertOver, AlertTaken
from checkout.lanes.announce import lane_announce, staff_announce
from checkout.models import Alert, CheckoutSession, Lane

Kind = Alert.Kind
OF_A_VISIT = (Kind.HELP, Kind.UNRESOLVED, Kind.APPROVAL, Kind.PAYMENT, Kind.DISMISSALS)
"""What is over with the visit it was opened in; a lane that is offline stays so."""
OF_OPEN_ITEMS = (Kind.UNRESOLVED, Kind.APPROVAL)
"""What is over once no item of the visit is open any more."""
TRIES = 3


def alert_open(*, lane: Lane, kind: str, session: CheckoutSession | None = None) -> Alert:
    """Return the alert of a kind that is open at a lane, or open it; one, whoever asks at the same time."""
    for _ in range(TRIES):
        # Of two callers the constraint lets one insert; the other reads what that one has inserted, unless
        # it was resolved in between.
        try:
            alert, is_new = unresolved_alerts().get_or_create(
                lane=lane, kind=Kind(kind), resolved_at=None, defaults={"session": session}
            )
            break
        except Alert.DoesNotExist:
            continue
    else:
        alert, is_new = Alert.objects.create(lane=lane, kind=Kind(kind), session=session), True
    if is_new:
        _announce(alert.lane_id, lane.store_id)
    return alert


def alert_acknowledge(*, alert_id: UUID, by: User) -> Alert:
    """Give an alert to one member of staff; taking it again changes nothing.

    Raises `AlertTaken` with the name of who has it, `AlertOver` for one that was resolved, and
    `AlertNotFound` for one of a store at which the caller does not work.
    """
    alert = alert_get(alert_id=alert_id, by=by)
    free = unresolved_alerts().filter(pk=alert_id, acknowledged_at__isnull=True)
    is_taken = bool(free.update(acknowledged_at=timezone.now(), acknowledged_by=by))
    alert = alert_get(alert_id=alert_id, by=by)
    if is_taken:
        _announce(alert.lane_id, alert.lane.store_id)
    elif alert.resolved_at is not None:
        raise AlertOver(id=str(alert_id))
    elif alert.acknowledged_by_id != by.pk:
        raise AlertTaken(alert_id=alert_id, by=str(alert.acknowledged_by))
    return alert


def alert_resolve(*, alert_id: UUID, by: User | None) -> Alert:
    """Note that an alert is over, by a member of staff or (None) by itself; again changes nothing.

    Raises `AlertNotFound` for an alert of a store at which the caller does not work.
    """
    alert = alert_get(alert_id=alert_id, by=by)
    if unresolved_alerts().filter(pk=alert_id).update(resolved_at=timezone.now(), resolved_by=by):
        _announce(alert.lane_id, alert.lane.store_id)
        alert.refresh_from_db()
    return alert


def alerts_pass(*, lane: Lane, kinds: Collection[str], session_id: UUID | None = None) -> int:
    """Resolve the open alerts of some kinds at a lane by themselves, but those of other visits; how many."""
    alerts = unresolved_alerts().filter(lane=lane, kind__in=list(kinds))
    if session_id is not None:
        alerts = alerts.filter(Q(session=session_id) | Q(session__isnull=True))
    passed = alerts.update(resolved_at=timezone.now())
    if passed:
        _announce(lane.pk, lane.store_id)
    return passed


def alerts_escalate(*, now: datetime) -> int:
    """Mark the alerts that nobody took for too long, each once, and return how many; safe to run anywhere."""
    waiting = unresolved_alerts().filter(
        acknowledged_at__isnull=True, escalated_at__isnull=True, opened_at__lt=escalates_before(now)
    )
    escalated = 0
    for alert in waiting.select_related("lane"):
        if waiting.filter(pk=alert.pk).update(escalated_at=now):
            escalated += 1
            _announce(alert.lane_id, alert.lane.store_id)
    return escalated


def escalates_before(now: datetime) -> datetime:
    """Return the time before which an alert must have been opened to have waited for too long."""
    return now - timedelta(seconds=settings.ALERT_ESCALATES_AFTER_S)


def alerts_open(*, store_ids: Collection[UUID] | None) -> QuerySet[Alert]:
    """Return the unresolved alerts of some stores (None: of all), the oldest first."""
    alerts = unresolved_alerts().select_related("lane", "acknowledged_by")
    if store_ids is not None:
        alerts = alerts.filter(lane__store__in=list(store_ids))
    return alerts.order_by("opened_at", "pk")


def alert_get(*, alert_id: UUID, by: User | None) -> Alert:
    """Return an alert, resolved or not, for a member of staff of its store, or raise `AlertNotFound`."""
    alert = Alert.objects.select_related("lane", "acknowledged_by").filter(pk=alert_id).first()
    if alert is None or (by is not None and not by.works_at(alert.lane.store_id)):
        raise AlertNotFound(f"Your stores have no alert {alert_id}.", id=str(alert_id))
    return alert


def lane_alerts(*, lane_id: UUID) -> list[dict[str, Any]]:
    """Return what the page of a lane is told of its unresolved alerts, the oldest first."""
    alerts = unresolved_alerts().filter(lane=lane_id).select_related("acknowledged_by")
    return [
        {
            "kind": alert.kind,
            "opened_at": alert.opened_at.isoformat(),
            "taken_by": None if alert.acknowledged_by is None else alert.acknowledged_by.username,
        }
        for alert in alerts.order_by("opened_at", "pk")
    ]


def unresolved_alerts() -> QuerySet[Alert]:
    """Return the alerts that are not over."""
    return Alert.objects.filter(resolved_at__isnull=True)


def _announce(lane_id: UUID, store_id: UUID) -> None:
    # Robust: what was committed stays committed, and consoles look by themselves as well.
    transaction.on_commit(partial(_notify, lane_id, store_id), robust=True)


def _notify(lane_id: UUID, store_id: UUID) -> None:
    staff_announce(store_id=store_id)
    lane_announce(lane_id=lane_id, notice={"type": "lane.alerts", "alerts": lane_alerts(lane_id=lane_id)})
