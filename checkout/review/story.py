"""The timeline of a visit: what happened, in order, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from checkout.cart.reasons import stored_reason_say
from checkout.models import CheckoutSession, ScanEvent

Event = TypeVar("Event", bound=ScanEvent)
Action = ScanEvent.Action
HEADLINES = {
    Action.ADD: gettext_lazy("Added: %(quantity)d × %(name)s"),
    Action.REMOVE: gettext_lazy("Removed: %(quantity)d × %(name)s"),
    Action.QUESTION: gettext_lazy("Asked which one it is"),
    Action.UNKNOWN: gettext_lazy("Not recognized"),
    Action.ANSWER: gettext_lazy("Answered: %(name)s"),
    Action.CORRECT: gettext_lazy("Corrected: %(name)s taken off, %(other)s put in its place"),
    Action.UNDO: gettext_lazy("Undone"),
    Action.DISAGREE: gettext_lazy("The barcode says %(name)s, the picture looks like %(other)s"),
    Action.UNRESOLVED: gettext_lazy("Left view unresolved"),
    Action.DISMISS: gettext_lazy("Unresolved item given up"),
    Action.SETTLE: gettext_lazy("Unresolved item settled by the camera"),
    Action.APPROVE: gettext_lazy("Approved by staff"),
    Action.END: gettext_lazy("Visit ended by staff"),
    Action.RESET: gettext_lazy("Lane reset by staff"),
    Action.CAMERA: gettext_lazy("Camera restarted by staff"),
}
CERTAIN = (Action.ADD, Action.REMOVE, Action.APPROVE, Action.END, Action.RESET, Action.CAMERA)


@dataclass(frozen=True)
class TimelineEntry:
    """One scan event as it is shown.

    Attributes
    ----------
    reason : what led to it, empty where nothing is known
    after : since the visit began
    is_doubt : whether something was asked, answered, not recognized, disputed or unresolved
    picture_id : the event whose picture is shown: its own, or that of the unresolved item it is about
    """

    event: ScanEvent
    headline: str
    reason: str
    after: timedelta
    is_doubt: bool
    picture_id: UUID | None

    @property
    def has_picture(self) -> bool:
        """Whether a picture is shown."""
        return self.picture_id is not None

    @property
    def after_text(self) -> str:
        """The time since the visit began, as minutes and seconds."""
        seconds = max(0, round(self.after.total_seconds()))
        return f"{seconds // 60}:{seconds % 60:02d}"


def events_with_products(events: QuerySet[Event]) -> QuerySet[Event]:
    """Read events with the products they name, but without their pictures."""
    found: Any = (
        events.select_related("product", "other_product", "about__product", "about__other_product")
        .defer("thumbnail", "about__thumbnail")
        .annotate(
            has_picture=Q(thumbnail__isnull=False),
            about_has_picture=Q(about__thumbnail__isnull=False),
        )
    )
    return cast("QuerySet[Event]", found)


def timeline_of(*, session: CheckoutSession) -> list[TimelineEntry]:
    """Return the timeline of a visit, in one query."""
    events = events_with_products(ScanEvent.objects.filter(session=session)).order_by("created_at", "id")
    return [
        TimelineEntry(
            event=event,
            headline=headline(event),
            reason=stored_reason_say(event.reason),
            after=event.created_at - session.created_at,
            is_doubt=event.action not in CERTAIN,
            picture_id=_picture_id(event),
        )
        for event in events
    ]


def _picture_id(event: ScanEvent) -> UUID | None:
    if getattr(event, "has_picture", False):
        return event.pk
    about = event.about
    seen = getattr(event, "about_has_picture", False)
    return about.pk if about is not None and about.action == Action.UNRESOLVED and seen else None


def headline(event: ScanEvent) -> str:
    """Name an event in a few words."""
    if event.action == Action.UNDO and event.about is not None:
        return _("Undone: %(what)s") % {"what": headline(event.about)}
    text = HEADLINES[Action(event.action)]
    if event.action == Action.CORRECT and event.other_product is None:
        text = gettext_lazy("Corrected: %(name)s taken off")
    return str(text) % {
        "name": _name(event.product),
        "other": _name(event.other_product),
        "quantity": event.quantity,
    }


def _name(product: object) -> str:
    return _("a product that was deleted") if product is None else str(product)
