"""Who may open the socket of a lane, and what its page is told of the lane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.logins import Login, login_holds
from checkout.lanes.alerts import lane_alerts
from checkout.lanes.newest_page import page_is_newest
from checkout.lanes.selectors import LaneSettings, lane_settings
from checkout.live.access import FORBIDDEN, NOT_AUTHENTICATED, REPLACED, SocketRefused, login_enter
from checkout.models import Lane


@dataclass(frozen=True)
class LaneAdmission:
    """What is known about the accepted socket of a lane."""

    lane_id: UUID
    store_id: UUID
    user_id: UUID
    login: Login


@dataclass(frozen=True)
class LaneState:
    """What the page of a lane is kept informed of."""

    settings: LaneSettings
    alerts: list[dict[str, Any]]


def lane_admission_read(scope: Any) -> LaneAdmission:
    """Admit the page of a lane, or raise `SocketRefused`."""
    login = login_enter(scope)
    lane = Lane.objects.filter(account=login.account_id).first()
    if lane is None:
        raise SocketRefused(FORBIDDEN, "Only lanes may open this socket.")
    return LaneAdmission(lane.pk, lane.store_id, login.account_id, login)


def lane_state_read(admission: LaneAdmission, page: str) -> LaneState:
    """Return the state of a lane; `SocketRefused` for a page that is logged out or not the newest."""
    if not login_holds(admission.login):
        raise SocketRefused(NOT_AUTHENTICATED, "The lane is logged out, or its key was revoked.")
    if not page_is_newest(lane_id=admission.lane_id, page=page):
        raise SocketRefused(REPLACED, "A newer page of the lane was opened.")
    lane = Lane.objects.select_related("store").get(pk=admission.lane_id)
    return LaneState(lane_settings(lane), lane_alerts(lane_id=lane.pk))
