"""Says in the reader's language why things happened; the engine and scan events keep it in English."""

from __future__ import annotations

import re

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

KEPT_IN = "en"
"""The language of the reasons as they are kept, and as programs are told them."""

SHAPES = (
    # What led to a change of the cart, or to saying what an item is.
    _("%(sure)s of %(views)s views accept it"),
    _("no product in enough of %(views)s views"),
    _("%(products)s products named in %(views)s views, none sure"),
    _("settled by a closer look; %(reason)s"),
    _("left open by a closer look; %(reason)s"),
    _("it lies in view; %(reason)s"),
    _("it moved in"),
    _("it moved out"),
    _("it was taken out of view"),
    _("barcode %(code)s"),
    _("chosen by the shopper"),
    _("corrected by the shopper"),
    _("set by hand"),
    _("add taken back"),
    _("remove taken back"),
    _("correct taken back"),
    # What happened to an item, line by line.
    _("frame %(frame)s: %(event)s"),
    _("accepted %(product)s (%(reason)s)"),
    _("ambiguous %(choices)s (%(reason)s)"),
    _("unknown (%(reason)s)"),
    _("%(product)s or %(choices)s"),
    _("add %(product)s (%(reason)s)"),
    _("remove %(product)s (%(reason)s)"),
    _("%(product)s barcode %(code)s"),
    _("%(product)s chosen by the shopper"),
    _("%(product)s confirmed (%(reason)s)"),
    _("%(product)s said instead (%(reason)s)"),
    _("found again as track %(track)s"),
    _("is what was counted as track %(track)s"),
    _("shows what track %(track)s was counted for"),
    _("looks like %(product)s, which track %(track)s was counted as"),
    _("exchanged for %(product)s"),
    _("moved into the zone"),
    _("moved out of the zone"),
    _("lies still"),
    _("is moved"),
    _("gone"),
)
# A slot as `re.escape` writes it.
SLOT = re.compile(r"%\\\((\w+)\\\)s")
# These slots hold words that have a shape themselves, the others a number or an id.
WORDED = {"reason", "event", "choices"}


def _pattern(shape: str) -> re.Pattern[str]:
    """Return what recognises a sentence of a shape, with a group for each of its slots."""

    def group(slot: re.Match[str]) -> str:
        return f"(?P<{slot[1]}>.+)" if slot[1] in WORDED else rf"(?P<{slot[1]}>\S+)"

    return re.compile(SLOT.sub(group, re.escape(shape)))


PATTERNS = {shape: _pattern(shape) for shape in SHAPES}


def reworded(sentence: str) -> str:
    """Return a reason in the active language; one of no known shape stays as it is."""
    for shape, pattern in PATTERNS.items():
        if found := pattern.fullmatch(sentence):
            return gettext(shape) % {slot: reworded(words) for slot, words in found.groupdict().items()}
    return sentence
