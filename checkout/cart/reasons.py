"""Why things happened, in the reader's language: a sentence for each code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from recognition.vision.lane.reasons import LifeEvent, Param, Reason, ReasonCode, because

ENGLISH = "en"
"""The language of the reason texts that programs get beside the codes."""


class CartReason(StrEnum):
    """What became of the cart and its items; what the camera saw has a `ReasonCode`."""

    CORRECTED = "corrected"
    SET_BY_HAND = "set_by_hand"
    ADD_UNDONE = "add_undone"
    REMOVE_UNDONE = "remove_undone"
    CORRECT_UNDONE = "correct_undone"
    PUT_BACK = "put_back"
    NOT_MINE = "not_mine"
    STILL_OPEN = "still_open"
    SETTLED = "settled"
    BY_STAFF = "by_staff"
    BY_STAFF_BECAUSE = "by_staff_because"


SENTENCES: dict[str, str] = {
    ReasonCode.NOT_LOOKED_AT: _("not looked at yet"),
    ReasonCode.TOO_FEW_VIEWS: _("%(views)s views are too few"),
    ReasonCode.VIEWS_DISAGREE: _("%(views)s views disagree"),
    ReasonCode.STILL_UNKNOWN: _("still unknown"),
    ReasonCode.VIEWS_ACCEPT: _("%(accepting)s of %(views)s views agree"),
    ReasonCode.NO_PRODUCT: _("no product in enough of %(views)s views"),
    ReasonCode.NO_PRODUCT_SURE: _("%(products)s products in %(views)s views, none for certain"),
    ReasonCode.VERIFIED: _("settled by its artwork; %(because)s"),
    ReasonCode.VERIFICATION_UNDECIDED: _("left open by its artwork; %(because)s"),
    ReasonCode.SHOWS_COUNTED_ITEM: _("shows the item that track %(track)s was counted for"),
    ReasonCode.LIES_IN_VIEW: _("lies in view; %(because)s"),
    ReasonCode.MOVED_IN: _("moved in"),
    ReasonCode.MOVED_OUT: _("moved out"),
    ReasonCode.TAKEN_AWAY: _("taken out of view"),
    ReasonCode.CHOSEN: _("chosen by the shopper"),
    ReasonCode.BARCODE: _("barcode %(barcode)s"),
    ReasonCode.ACCEPTED: _("accepted %(product_id)s (%(because)s)"),
    ReasonCode.AMBIGUOUS: _("ambiguous: %(product_ids)s (%(because)s)"),
    ReasonCode.UNKNOWN: _("unknown (%(because)s)"),
    ReasonCode.ADDED: _("added %(product_id)s (%(because)s)"),
    ReasonCode.REMOVED: _("removed %(product_id)s (%(because)s)"),
    ReasonCode.IDENTIFIED: _("identified as %(product_id)s (%(because)s)"),
    ReasonCode.CONFIRMED: _("confirmed as %(product_id)s (%(because)s)"),
    ReasonCode.CONTRADICTED: _("contradicted: %(product_id)s (%(because)s)"),
    ReasonCode.FOUND_AGAIN: _("found again as track %(track)s"),
    ReasonCode.COUNTED_AS: _("is the item counted as track %(track)s"),
    ReasonCode.LOOKS_LIKE_COUNTED: _("looks like %(product_id)s, counted as track %(track)s"),
    ReasonCode.EXCHANGED: _("exchanged for %(product_id)s"),
    ReasonCode.ENTERED_ZONE: _("moved into the zone"),
    ReasonCode.LEFT_ZONE: _("moved out of the zone"),
    ReasonCode.CAME_TO_REST: _("lies still"),
    ReasonCode.MOVED_AGAIN: _("moved again"),
    ReasonCode.GONE: _("gone"),
    CartReason.CORRECTED: _("corrected by the shopper"),
    CartReason.SET_BY_HAND: _("set by hand"),
    CartReason.ADD_UNDONE: _("adding undone"),
    CartReason.REMOVE_UNDONE: _("removing undone"),
    CartReason.CORRECT_UNDONE: _("correction undone"),
    CartReason.PUT_BACK: _("put back"),
    CartReason.NOT_MINE: _("not the shopper's"),
    CartReason.STILL_OPEN: _("still open when the session ended"),
    CartReason.SETTLED: _("found again by the camera"),
    CartReason.BY_STAFF: _("%(who)s (staff)"),
    CartReason.BY_STAFF_BECAUSE: _("%(who)s (staff): %(why)s"),
}
EVENT = _("frame %(frame)s: %(event)s")
CHOICE = _("%(first)s or %(others)s")

CHOSEN = because(ReasonCode.CHOSEN)


def barcode_reason(barcode: str) -> Reason:
    """Return the reason that a barcode gives."""
    return because(ReasonCode.BARCODE, barcode=barcode)


def staff_reason(who: str, why: str = "") -> Reason:
    """Return the reason of what a member of staff did, with their own words for it where they gave any."""
    if why:
        return Reason(CartReason.BY_STAFF_BECAUSE, {"who": who, "why": why})
    return Reason(CartReason.BY_STAFF, {"who": who})


def reason_say(reason: Reason, names: Mapping[str, str] | None = None) -> str:
    """Return the sentence of a reason in the active language.

    Parameters
    ----------
    names : of products by id; an id without a name is shown as it is
    """
    known = names or {}
    params = {name: _param_say(name, value, known) for name, value in reason.params.items()}
    return gettext(SENTENCES[reason.code]) % params


def event_say(event: LifeEvent, names: Mapping[str, str] | None = None) -> str:
    """Return what happened to a track, and in which frame, in the active language."""
    return gettext(EVENT) % {"frame": event.frame, "event": reason_say(event.reason, names)}


def stored_reason_say(stored: Mapping[str, Any] | None) -> str:
    """Return the sentence of a scan event's stored reason; empty where there is none.

    Reasons from before the codes whose sentence could not be parsed are stored as ``{"text": …}`` in English.
    What another version of the shop has stored and this one does not know is shown as it is stored.
    """
    if stored is None:
        return ""
    try:
        return str(stored["text"]) if "text" in stored else reason_say(Reason.of_payload(stored))
    except (KeyError, TypeError, ValueError):
        return json.dumps(stored, ensure_ascii=False)


def _param_say(name: str, value: Param, names: Mapping[str, str]) -> str:
    if isinstance(value, Reason):
        return reason_say(value, names)
    if isinstance(value, tuple):
        text = names.get(value[-1], value[-1]) if value else ""
        for product_id in reversed(value[:-1]):
            text = gettext(CHOICE) % {"first": names.get(product_id, product_id), "others": text}
        return text
    return names.get(str(value), str(value))
