"""Registers what checkout shows in Django admin, which looks for the admin of an app here."""

from checkout.lanes import admin as lane_admin
from checkout.lanes import store_admin
from checkout.review import event_admin, session_admin

__all__ = ["event_admin", "lane_admin", "session_admin", "store_admin"]
