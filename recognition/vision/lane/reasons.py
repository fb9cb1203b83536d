"""Why a lane decided or did something: a code with parameters, put into a sentence where it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

Param: TypeAlias = "str | int | tuple[str, ...] | Reason"


class ReasonCode(StrEnum):
    """Every reason a lane gives, with the parameters it carries.

    Parameters called ``product_id`` or ``product_ids`` are product ids, ``because`` is another
    reason, ``track`` is the number of another track; the rest are counts.
    """

    # what a track was found to be
    NOT_LOOKED_AT = "not_looked_at"
    TOO_FEW_VIEWS = "too_few_views"  # views
    VIEWS_DISAGREE = "views_disagree"  # views
    STILL_UNKNOWN = "still_unknown"
    VIEWS_ACCEPT = "views_accept"  # accepting, views
    NO_PRODUCT = "no_product"  # views
    NO_PRODUCT_SURE = "no_product_sure"  # products, views
    VERIFIED = "verified"  # because
    VERIFICATION_UNDECIDED = "verification_undecided"  # because
    SHOWS_COUNTED_ITEM = "shows_counted_item"  # track
    # why the cart changed
    LIES_IN_VIEW = "lies_in_view"  # because
    MOVED_IN = "moved_in"
    MOVED_OUT = "moved_out"
    TAKEN_AWAY = "taken_away"
    CHOSEN = "chosen"
    BARCODE = "barcode"  # barcode
    # what happened to a track
    ACCEPTED = "accepted"  # product_id, because
    AMBIGUOUS = "ambiguous"  # product_ids, because
    UNKNOWN = "unknown"  # because
    ADDED = "added"  # product_id, because
    REMOVED = "removed"  # product_id, because
    IDENTIFIED = "identified"  # product_id, because
    CONFIRMED = "confirmed"  # product_id, because
    CONTRADICTED = "contradicted"  # product_id, because
    FOUND_AGAIN = "found_again"  # track
    COUNTED_AS = "counted_as"  # track
    LOOKS_LIKE_COUNTED = "looks_like_counted"  # product_id, track
    EXCHANGED = "exchanged"  # product_id
    ENTERED_ZONE = "entered_zone"
    LEFT_ZONE = "left_zone"
    CAME_TO_REST = "came_to_rest"
    MOVED_AGAIN = "moved_again"
    GONE = "gone"


@dataclass(frozen=True)
class Reason:
    """One reason.

    Attributes
    ----------
    code : a `ReasonCode`, or a code of the cart's own
    params : what the sentence needs, by name
    """

    code: str
    params: Mapping[str, Param] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """Return the reason as JSON takes it: ``{"code": …, "params": {…}}``, nested reasons likewise."""
        return {
            "code": str(self.code),
            "params": {name: _plain(value) for name, value in self.params.items()},
        }

    @classmethod
    def of_payload(cls, payload: Mapping[str, Any]) -> Reason:
        """Return the reason of a payload.

        Raises
        ------
        KeyError
            Where it has no code.
        """
        return cls(
            payload["code"],
            {name: _rich(value) for name, value in payload.get("params", {}).items()},
        )

    def product_ids(self) -> set[str]:
        """Return the ids of all products that the reason names."""
        found: set[str] = set()
        for name, value in self.params.items():
            if isinstance(value, Reason):
                found |= value.product_ids()
            elif name == "product_id":
                found.add(str(value))
            elif name == "product_ids" and isinstance(value, tuple):
                found.update(value)
        return found


@dataclass(frozen=True)
class LifeEvent:
    """Something that happened to a track in a frame."""

    frame: int
    reason: Reason


def because(code: ReasonCode, **params: Param) -> Reason:
    """Return the reason with a code and its parameters."""
    return Reason(code, params)


def _plain(value: Param) -> Any:
    if isinstance(value, Reason):
        return value.payload()
    return list(value) if isinstance(value, tuple) else value


def _rich(value: Any) -> Param:
    if isinstance(value, Mapping):
        return Reason.of_payload(value)
    return tuple(value) if isinstance(value, list) else value
