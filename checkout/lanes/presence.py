"""Whether lanes are there: what their pages say of themselves, and what follows when they fall silent."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.stores import store_is_open
from checkout.lanes.alerts import alert_open, alerts_escalate, alerts_pass
from checkout.lanes.announce import staff_announce
from checkout.lanes.log import lane_event_record
from checkout.lanes.selectors import OFFLINE_AFTER, lane_is_silent
from checkout.models import Alert, Lane, LaneEvent

SEEN_EVERY = timedelta(seconds=4.5)
"""`last_seen_at` is written for a heartbeat every 5 s, but not for those that come more often: less a jitter,
by which every other one would be left out."""


def lane_seen(*, lane_id: UUID, activity: str, camera_state: str) -> bool:
    """Note what the page of a lane says of itself, and return whether anything was written.

    One query when there is nothing to write: the lane was seen just before, and nothing changed. A lane that
    was silent is logged as online again, by one of several callers, and its alert passes by itself.
    """
    lane = Lane.objects.filter(pk=lane_id).first()
    if lane is None:
        return False
    now = timezone.now()
    is_changed = (lane.activity, lane.camera_state) != (activity, camera_state)
    if not is_changed and lane.last_seen_at is not None and now - lane.last_seen_at < SEEN_EVERY:
        return False
    returns = lane_is_silent(lane, now=now)
    with transaction.atomic():
        as_read = Lane.objects.filter(pk=lane_id, last_seen_at=lane.last_seen_at)
        if not as_read.update(last_seen_at=now, activity=activity, camera_state=camera_state):
            return False  # another page of the lane was noted meanwhile
        if returns:
            lane_event_record(lane=lane, kind=LaneEvent.Kind.ONLINE)
            alerts_pass(lane=lane, kinds=[Alert.Kind.OFFLINE])
        if returns or is_changed:
            transaction.on_commit(partial(staff_announce, store_id=lane.store_id), robust=True)
    return True


def lanes_watch() -> int:
    """Open alerts for lanes that fell silent, escalate those that nobody took; how many lanes fell silent.

    Two queries when nothing is due; several processes may run it at once.
    """
    now = timezone.now()
    fallen_silent = sum(
        _offline_note(lane.pk, now)
        for lane in list(_lanes_missed(now).select_related("store"))
        if store_is_open(lane.store)
    )
    alerts_escalate(now=now)
    return fallen_silent


def _lanes_missed(now: datetime) -> QuerySet[Lane]:
    """Return the open, paired lanes that are silent for too long, but those of which staff were told.

    They were told once of each silence: whoever resolves the alert of a lane that is off is not told again.
    """
    heard_at = Coalesce("last_seen_at", "paired_at")
    told = Alert.objects.filter(
        Q(resolved_at__isnull=True)
        | Q(opened_at__gt=Coalesce(OuterRef("last_seen_at"), OuterRef("paired_at"))),
        lane=OuterRef("pk"),
        kind=Alert.Kind.OFFLINE,
    )
    silent = Lane.objects.alias(heard_at=heard_at).filter(
        key_hash__isnull=False, is_open=True, heard_at__lt=now - OFFLINE_AFTER
    )
    return silent.exclude(Exists(told))


@transaction.atomic
def _offline_note(lane_id: UUID, now: datetime) -> bool:
    """Open the alert of one lane, unless another process does, or it was heard of meanwhile."""
    lanes = _lanes_missed(now).select_for_update(of=("self",), skip_locked=True, no_key=True)
    lane = lanes.filter(pk=lane_id).first()
    if lane is None:
        return False
    alert_open(lane=lane, kind=Alert.Kind.OFFLINE)
    lane_event_record(lane=lane, kind=LaneEvent.Kind.OFFLINE)
    return True
