"""The sentences the checkout page's scripts speak, in the shopper's language."""

from __future__ import annotations

from django.utils.translation import gettext as _


def page_texts() -> dict[str, str]:
    """Return each sentence by its key; {words} in braces are filled in by the page."""
    return {
        "items_one": _("{count} item"),
        "items_other": _("{count} items"),
        "no_price": _("no price"),
        "no_total": _("no total"),
        "show_product": _("Show a product to the camera."),
        "looking": _("Looking…"),
        "not_ready": _("Recognition is not ready yet. Meanwhile you can add by hand."),
        "label_candidate": _("Looking…"),
        "label_ambiguous": _("Which one?"),
        "label_unknown": _("Not known"),
        "added": _("Added: {name}"),
        "added_many": _("Added: {count} × {name}"),
        "removed": _("Removed: {name}"),
        "undone": _("Undone: {name}"),
        "synced": _("The cart was brought up to date."),
        "quantity_of": _("{name}: {count} in the cart"),
        "fewer": _("One fewer: {name}"),
        "more": _("One more: {name}"),
        "remove": _("Remove: {name}"),
        "connecting": _("Connecting…"),
        "connected": _("Connected"),
        "reconnecting": _("Connection lost. Trying again…"),
        "offline": _("No network. The cart is safe."),
        "ended": _("This visit has ended."),
        "elsewhere": _("This visit belongs to someone else."),
        "slow_down": _("Too fast: pausing for a moment."),
        "camera_number": _("Camera {count}"),
        "clip_playing": _("Playing a clip"),
        "searching": _("Searching…"),
        "found_one": _("{count} product found"),
        "found_other": _("{count} products found"),
        "found_none": _("Nothing found. Try a shorter word."),
        "search_failed": _("The search did not work. Please try again."),
        "paying": _("Paying…"),
        "pay": _("Pay"),
        "pay_failed": _("The payment did not go through and nothing was charged. Please try again."),
        "not_sent": _("Not connected: please try again in a moment."),
        "error_empty_cart": _("The cart is empty."),
        "error_items_without_price": _(
            "These products have no price yet, please remove them or ask the shop keeper: {names}"
        ),
        "error_items_not_for_sale": _(
            "These products are not for sale any more, please remove them: {names}"
        ),
        "error_no_such_product": _("No product has this barcode. Try its name."),
        "error_no_such_question": _("This question is already answered."),
        "error_bad_barcode": _("This is not a complete barcode. Please check the digits."),
        "error_quantity_out_of_range": _("So many of one product cannot be sold here."),
        "error_session_not_active": _("This visit has ended."),
        "error_other": _("That did not work: {detail}"),
    }
