"""Where Django looks for the admin of this app, which `checkout.review` holds."""

from checkout.review import admin

__all__ = ["admin"]
