"""Makes lanes and changes their settings."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Store, User
from checkout.lanes.alerts import alerts_pass
from checkout.lanes.announce import lane_announce, staff_announce
from checkout.lanes.log import lane_event_record
from checkout.lanes.selectors import lane_settings
from checkout.models import Alert, Lane, LaneEvent

ZONE_SIDES = 4
ROUNDING = 1e-3
SETTINGS = (
    "name",
    "code",
    "is_open",
    "mode",
    "zone",
    "camera_label",
    "language",
    "sound",
    "idle_after_s",
    "idle_countdown_s",
    "receipt_leaves_after_s",
)


@transaction.atomic
def lane_create(*, store: Store, name: str, code: str, **settings: Any) -> Lane:
    """Make a lane with an account of its own, in which nobody can log in by a password.

    Raises `IntegrityError` for a code that another lane of the store has.
    """
    lane_id = uuid4()
    account = User.objects.create_user(f"lane-{lane_id.hex[:12]}", None, is_device=True)
    lane = Lane.objects.create(id=lane_id, store=store, name=name, code=code, account=account, **settings)
    transaction.on_commit(partial(staff_announce, store_id=store.pk), robust=True)
    return lane


@transaction.atomic
def lane_settings_change(*, lane: Lane, by: User | None, **fields: Any) -> Lane:
    """Change settings of a lane, and tell its page; what is the same already is neither logged nor told.

    Two changes at once are made one after the other. Raises `ValidationError` for a value that is not
    allowed, and `TypeError` for a field that is no setting; then nothing changes.
    """
    if unknown := set(fields) - set(SETTINGS):
        raise TypeError(f"No settings of a lane: {', '.join(sorted(unknown))}.")
    locked = Lane.objects.select_related("store").select_for_update(of=("self",), no_key=True).get(pk=lane.pk)
    changed = [name for name in SETTINGS if name in fields and getattr(locked, name) != fields[name]]
    if not changed:
        return locked
    for name in changed:
        setattr(locked, name, fields[name])
    if "zone" in changed:
        locked.zone = zone_checked(locked.zone)
    locked.full_clean(exclude=[field.name for field in Lane._meta.fields if field.name not in changed])
    locked.save(update_fields=changed)
    reason = ", ".join(f"{name}: {getattr(locked, name)}" for name in changed)
    lane_event_record(lane=locked, kind=LaneEvent.Kind.SETTINGS, actor=by, reason=reason)
    if not locked.is_open:
        alerts_pass(lane=locked, kinds=[Alert.Kind.OFFLINE])
    notice = {"type": "lane.settings", "settings": lane_settings(locked)}
    transaction.on_commit(partial(lane_announce, lane_id=locked.pk, notice=notice), robust=True)
    transaction.on_commit(partial(staff_announce, store_id=locked.store_id), robust=True)
    return locked


def zone_checked(zone: Any) -> list[float] | None:
    """Return a scan area as four numbers, None for the whole picture, or raise `ValidationError`."""
    if zone is None:
        return None
    refusal = ValidationError(
        {"zone": "Four numbers from 0 to 1: x, y, width, height of a part of the picture."}
    )
    if not isinstance(zone, list | tuple) or len(zone) != ZONE_SIDES:
        raise refusal
    if not all(isinstance(side, int | float) and not isinstance(side, bool) for side in zone):
        raise refusal
    x, y, width, height = (float(side) for side in zone)
    # NaN compares as false.
    if not (0 <= x < 1 and 0 <= y < 1 and 0 < width <= 1 and 0 < height <= 1):
        raise refusal
    if x + width > 1 + ROUNDING or y + height > 1 + ROUNDING:
        raise refusal
    return [x, y, min(width, 1 - x), min(height, 1 - y)]


@transaction.atomic
def lane_delete(*, lane: Lane) -> None:
    """Delete a lane that has had no visit, with its account; its page is logged out.

    Raises `ProtectedError` for a lane with visits, which may be closed instead.
    """
    account_id = lane.account_id
    transaction.on_commit(
        partial(lane_announce, lane_id=lane.pk, notice={"type": "lane.revoked"}), robust=True
    )
    transaction.on_commit(partial(staff_announce, store_id=lane.store_id), robust=True)
    lane.delete()
    User.objects.filter(pk=account_id).delete()
