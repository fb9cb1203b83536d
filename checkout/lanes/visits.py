"""The visits of a lane: one at a time, whoever asks."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from checkout.cart import services, sessions
from checkout.cart.selectors import cart_is_empty
from checkout.lanes.alerts import OF_A_VISIT, alerts_pass
from checkout.lanes.announce import staff_announce
from checkout.lanes.log import lane_event_record
from checkout.lanes.selectors import lane_session
from checkout.models import CheckoutSession, Lane, LaneEvent

TRIES = 5
JUST_BEGUN = timedelta(seconds=3)


def lane_visit(*, lane: Lane) -> CheckoutSession:
    """Return the active visit of a lane, or a new one where it has none or it was idle for too long.

    Of several callers at once the constraint lets one insert; the others read what that one has inserted.
    """
    for _ in range(TRIES):
        visit = lane_session(lane)
        if visit is not None:
            visit = services.session_current(session=visit)
            if visit.status == CheckoutSession.Status.ACTIVE:
                return visit
        try:
            return _visit_start(lane)
        except IntegrityError:
            continue
    return _visit_start(lane)


def lane_visit_end(*, lane: Lane, reason: str, actor: User | None = None) -> CheckoutSession:
    """End the active visit of a lane without an order, and return the new one.

    A visit that was paid in the same moment stays paid. What staff were called for in it is over. One that
    has just begun and is empty goes on: a button that is touched twice ends one visit.

    Parameters
    ----------
    reason : "start_over", "idle" or "staff", or what a member of staff says
    actor : who ends it; None for the lane's own page
    """
    visit = lane_session(lane)
    if visit is not None:
        with transaction.atomic():
            visit = sessions.session_lock(visit.pk)
            if visit.status == CheckoutSession.Status.ACTIVE and not _has_just_begun(visit):
                sessions.session_end(visit, CheckoutSession.Status.EXPIRED)
                lane_event_record(
                    lane=lane, kind=LaneEvent.Kind.ENDED, actor=actor, session=visit, reason=reason
                )
    return lane_visit(lane=lane)


@transaction.atomic
def _visit_start(lane: Lane) -> CheckoutSession:
    visit = CheckoutSession.objects.create(user_id=lane.account_id, lane=lane)
    alerts_pass(lane=lane, kinds=OF_A_VISIT)
    transaction.on_commit(partial(staff_announce, store_id=lane.store_id), robust=True)
    return visit


def _has_just_begun(visit: CheckoutSession) -> bool:
    return timezone.now() - visit.created_at < JUST_BEGUN and cart_is_empty(session_id=visit.pk)
