"""Pairs devices with lanes by codes that work once, and revokes their keys.

Of codes and keys only hashes are kept. A key goes with the logins of its device: whenever it changes, the
password mark of the lane's account changes too, by which login sessions, tokens and sockets end.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import User
from checkout.cart.announce import session_closed_announce
from checkout.errors import PairingRefused
from checkout.lanes.alerts import alerts_pass
from checkout.lanes.announce import lane_announce, staff_announce
from checkout.lanes.log import lane_event_record
from checkout.models import Alert, CheckoutSession, Lane, LaneEvent, PairingCode
from ebrcs.rate_limits import rate_limit_check

CODE_LIFETIME = timedelta(minutes=10)
CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without letters that are read as digits, and U."""
CODE_CHARACTERS = 8
LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})
KEY_BYTES = 32


def pairing_code_make(*, lane: Lane, by: User) -> str:
    """Return a new code for a lane, as XXXX-XXXX; unused older ones of the lane are void from now on."""
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_CHARACTERS))
    with transaction.atomic():
        Lane.objects.select_for_update(no_key=True).get(pk=lane.pk)
        now = timezone.now()
        PairingCode.objects.filter(lane=lane, used_at__isnull=True).delete()
        PairingCode.objects.create(
            lane=lane, code_hash=_code_hash(code), created_by=by, expires_at=now + CODE_LIFETIME
        )
    return f"{code[:4]}-{code[4:]}"


def lane_pair(*, code: str, address: str) -> tuple[Lane, str]:
    """Pair a device with the lane of a code, and return the lane and the key of the device.

    Of several callers with one code exactly one gets the lane: the use of a code is one conditional update.
    The device that was paired before loses its key, and is logged out. Raises `PairingRefused` for a code
    that is unknown, used or too old, or of somebody who no longer works there, and `TooManyRequests` for an
    address that tries too often.
    """
    rate_limit_check("pair", f"address:{address}")
    code_hash = _code_hash(code_normalized(code))
    key = secrets.token_urlsafe(KEY_BYTES)
    with transaction.atomic():
        made = PairingCode.objects.select_related("created_by").filter(code_hash=code_hash).first()
        if made is None:
            raise PairingRefused
        lane = _lane_lock(made.lane_id)
        if not made.created_by.works_at(lane.store_id):
            raise PairingRefused
        now = timezone.now()
        unused = PairingCode.objects.filter(code_hash=code_hash, used_at__isnull=True, expires_at__gt=now)
        if not unused.update(used_at=now):
            raise PairingRefused
        _logins_end(lane)
        lane.key_hash = key_hash(key)
        lane.paired_at = now
        lane.last_seen_at = None
        lane.save(update_fields=["key_hash", "paired_at", "last_seen_at"])
        lane_event_record(lane=lane, kind=LaneEvent.Kind.PAIRED, actor=made.created_by)
    return lane, key


def key_revoke(*, lane: Lane, by: User) -> None:
    """Revoke the key of a lane: its device is logged out, and its sockets close at once.

    Codes that were made for the lane and not used are void. Revoking again changes nothing.
    """
    with transaction.atomic():
        locked = _lane_lock(lane.pk)
        PairingCode.objects.filter(lane=locked, used_at__isnull=True).delete()
        if locked.key_hash is not None:
            _logins_end(locked)
            locked.key_hash = None
            locked.save(update_fields=["key_hash"])
            lane_event_record(lane=locked, kind=LaneEvent.Kind.REVOKED, actor=by)
            alerts_pass(lane=locked, kinds=[Alert.Kind.OFFLINE])
    lane.key_hash = None


def lane_by_key(key: str) -> Lane | None:
    """Return the lane that a key belongs to, with its store and its account; None for any other text."""
    if not key:
        return None
    wanted = key_hash(key)
    lane = Lane.objects.select_related("store", "account").filter(key_hash=wanted).first()
    if lane is None or not constant_time_compare(lane.key_hash or "", wanted):
        return None
    return lane if lane.account.is_active else None


def code_normalized(code: str) -> str:
    """Return a code as it was made, however it was typed."""
    return code[:64].strip().upper().translate(LOOK_ALIKES)


def key_hash(key: str) -> str:
    """Return what is kept of a key; its 256 random bits need no salt."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


def _code_hash(code: str) -> str:
    # Keyed: forty bits would be guessed quickly by whoever reads the table.
    return salted_hmac("checkout.lanes.pairing", code, algorithm="sha256").hexdigest()


def _lane_lock(lane_id: UUID) -> Lane:
    lanes = Lane.objects.select_related("store", "account")
    return lanes.select_for_update(of=("self",), no_key=True).get(pk=lane_id)


def _logins_end(lane: Lane) -> None:
    """Log the device of a locked lane out everywhere; its sockets are told after the commit."""
    lane.account.set_unusable_password()
    lane.account.save(update_fields=["password"])
    visits = CheckoutSession.objects.filter(user=lane.account_id, status=CheckoutSession.Status.ACTIVE)
    visit_ids = list(visits.values_list("pk", flat=True))
    transaction.on_commit(partial(_sockets_close, lane.pk, lane.store_id, visit_ids), robust=True)


def _sockets_close(lane_id: UUID, store_id: UUID, visit_ids: list[UUID]) -> None:
    lane_announce(lane_id=lane_id, notice={"type": "lane.revoked"})
    for visit_id in visit_ids:
        session_closed_announce(session_id=visit_id)  # they look at their login then
    staff_announce(store_id=store_id)
