"""Registers what `checkout.review` shows in Django admin, which looks for the admin of an app here."""

from checkout.review import event_admin, session_admin

__all__ = ["event_admin", "session_admin"]
