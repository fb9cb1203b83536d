"""The texts of a lane's scripts, in the shopper's language."""

from __future__ import annotations

from django.utils.translation import gettext as _


def lane_texts() -> dict[str, str]:
    """Return each text by its key; the page fills in the placeholders in braces."""
    return {
        "watched": _("{name} can see this camera"),
        "help_called": _("Staff has been called"),
        "help_coming": _("{name} is coming"),
        "help_failed": _("Not connected, so nobody was called. Please try again in a moment."),
        "approved": _("{name} has approved it. You can go on."),
        "idle_left_one": _("{count} second left"),
        "idle_left_other": _("{count} seconds left"),
        "staff_digits_one": _("{count} digit entered"),
        "staff_digits_other": _("{count} digits entered"),
        "staff_hello": _("Hello, {name}"),
        "staff_locks": _("Locks in {time}"),
        "staff_refused": _("Number or PIN is wrong."),
        "staff_wait": _("Too many tries. Please wait a minute."),
        "staff_offline": _("No answer from the server. Please try again."),
        "staff_locked": _("Locked. Please enter your PIN again."),
        "staff_done": _("Done."),
        "staff_saved": _("Saved for this lane."),
        "staff_close_lane": _("Close lane"),
        "staff_open_lane": _("Open lane"),
        "staff_unresolved": _("Item {number}: not recognized"),
    }
