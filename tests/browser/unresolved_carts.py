"""Carts with items that the camera could not tell, as the server sends them."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from typing import Any

from checkout.demo.clip import clip_plan
from checkout.demo.drawing import product_photo
from tests.pictures import encoded

UNRESOLVED = ("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb")
PACKS = [showing.pack for showing in clip_plan()[:4]]


@cache
def picture(number: int, view: int = 0) -> str:
    """Return the photo of a pack as an address."""
    return (
        "data:image/jpeg;base64,"
        + b64encode(encoded(product_photo(PACKS[number], view), quality=80)).decode()
    )


def choices() -> list[dict[str, Any]]:
    """Return products that an item may be, the second without a price."""
    return [
        {
            "product_id": f"{number + 1}" * 8 + "-1111-4111-8111-111111111111",
            "name": PACKS[number].name,
            "image": picture(number),
            "price": ("2.50", None, "12.00")[number],
        }
        for number in range(3)
    ]


def unresolved(number: int, kind: str = "unknown", *, track: int | None = None) -> dict[str, Any]:
    """Return an open item; an unknown one resembles three products, the others none or two."""
    offered = {"unknown": 3, "unanswered": 2}.get(kind, 0)
    return {
        "id": UNRESOLVED[number],
        "kind": kind,
        "track": track,
        "image": picture(3, number),
        "choices": choices()[:offered],
        "created_at": "2026-01-01T12:00:00Z",
    }


def cart(quantity: int = 0, open_items: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return a cart with so many pieces of one product, and what is open."""
    first = choices()[0]
    line = {
        "product_id": first["product_id"],
        "name": first["name"],
        "image": first["image"],
        "quantity": quantity,
        "unit_price": "2.50",
        "avg_score": 0.8,
        "source": "vision",
    }
    return {
        "items": [line] if quantity else [],
        "total_items": quantity,
        "total_amount": f"{2.5 * quantity:.2f}" if quantity else None,
        "currency": "EUR",
        "unresolved": open_items or [],
    }


def updated(action: str, now: dict[str, Any], **more: object) -> dict[str, Any]:
    """Return the message that follows a change."""
    first = choices()[0]
    event = {"id": "e" * 8, "action": action, "source": "vision", "quantity": 1, "undoable": action == "add"}
    named = {"product_id": first["product_id"], "name": first["name"]}
    if action in {"unresolved", "dismiss"}:
        named = {"product_id": None, "name": ""}
    return {"type": "cart.updated", "event": event | named | more, "cart": now}
