"""Many requests at once, and requests that contradict each other."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine
from typing import Any

from tests.attack.attacks import Target, attack
from tests.attack.report import Goal

GETS = 800
CONFIRMS, CARTS = 300, 30
LOGINS, LOGINS_ALLOWED, LOGINS_TAKE_S = 30, 10, 20
RACING = 8
STEP_S = 0.015

# Each returns the rows that must not exist.
ONE_ORDER_EACH = "SELECT session_id FROM orders GROUP BY session_id HAVING count(*) > 1"
ORDERS_ADD_UP = (
    "SELECT orders.id FROM orders LEFT JOIN order_items ON order_id = orders.id GROUP BY orders.id "
    "HAVING orders.total_items <> coalesce(sum(quantity), 0)"
)
ORDERS_CLOSE_SESSIONS = (
    "SELECT orders.id FROM orders JOIN checkout_sessions ON session_id = checkout_sessions.id "
    "WHERE status <> 'completed'"
)
LINES_HAVE_PRODUCTS = (
    "SELECT billing_items.id FROM billing_items LEFT JOIN products ON products.id = product_id "
    "WHERE products.id IS NULL"
)
LINES_HAVE_EVENTS = (
    "SELECT billing_items.id FROM billing_items WHERE NOT EXISTS (SELECT 1 FROM scan_events "
    "WHERE scan_events.session_id = billing_items.session_id "
    "AND scan_events.product_id = billing_items.product_id)"
)


@attack("800 parallel GETs", Goal(answers=frozenset({"200", "429", "503"})))
async def parallel_gets(target: Target) -> None:
    """One shopper who asks for everything at once; being told to wait is an answer."""
    caller = target.caller(0)
    await target.begin()
    await asyncio.gather(*(caller.ask("GET", "/api/products") for _ in range(GETS)))


@attack(
    "300 concurrent confirms",
    Goal(answers=frozenset({"200", "201"})),
    after=(ONE_ORDER_EACH, ORDERS_ADD_UP, ORDERS_CLOSE_SESSIONS),
)
async def confirms(target: Target) -> None:
    """Thirty shoppers who each press ten times, at both servers; each is owed the same order ten times."""
    carts = []
    for number in range(CARTS):
        caller = target.caller(number)
        session = await caller.session()
        await caller.ask(
            "PUT",
            f"/api/sessions/{session}/billing/items/{target.products[0]}",
            json.dumps({"quantity": 2}).encode(),
        )
        carts.append(session)
    target.answers.clear()
    await target.begin()

    async def confirm(number: int) -> tuple[int, str]:
        caller = target.caller(number % CARTS, server=number // CARTS)
        _, content = await caller.ask("POST", f"/api/sessions/{carts[number % CARTS]}/billing/confirm")
        return number % CARTS, str((content or {}).get("order_id", ""))

    orders: dict[int, set[str]] = {}
    for cart, order_id in await asyncio.gather(*(confirm(number) for number in range(CONFIRMS))):
        if order_id:
            orders.setdefault(cart, set()).add(order_id)
    if doubled := sum(len(found) > 1 for found in orders.values()):
        target.broken.append(f"{doubled} carts became two orders")


@attack("30 logins with forged addresses", Goal(answers=frozenset({"401", "429"})))
async def forged_logins(target: Target) -> None:
    """Tries from one address that each pretend another; the proxy appends the true one."""
    caller = target.caller()
    # Tries are counted by the minute of the clock; across two minutes, twice as many would be heard.
    seconds_left = 60 - time.time() % 60
    if seconds_left < LOGINS_TAKE_S:
        await asyncio.sleep(seconds_left)
    await target.begin()
    for number in range(LOGINS):
        body = json.dumps({"username": f"nobody-{number}", "password": "a wrong password"}).encode()
        forged = f"10.{number}.0.1, {target.address}"
        await caller.ask("POST", "/api/auth/login", body, forwarded=forged)
    if (passed := target.answers["401"]) > LOGINS_ALLOWED:
        target.broken.append(f"{passed} of {LOGINS} tries were heard, {LOGINS_ALLOWED} are allowed")


@attack(
    "240 products deleted while added",
    Goal(answers=frozenset({"200", "204", "404", "409", "429"})),
    after=(LINES_HAVE_PRODUCTS, LINES_HAVE_EVENTS),
)
async def deletions(target: Target) -> None:
    """A product is put into a cart at one server while it is deleted at the other."""
    carts = [(caller := target.caller(number), await caller.session()) for number in range(RACING)]
    admin = target.caller(token=target.admin, server=1)
    target.answers.clear()
    await target.begin()

    async def race(number: int) -> None:
        shopper, session = carts[number]
        for turn, product in enumerate(target.doomed[number::RACING]):
            put = shopper.ask("PUT", f"/api/sessions/{session}/billing/items/{product}", b'{"quantity": 1}')
            delete = admin.ask("DELETE", f"/api/products/{product}")
            # Deleting takes longer, and the other has to fall anywhere within it.
            await asyncio.gather(delete, after(put, STEP_S * (turn % 10)))

    await asyncio.gather(*(race(number) for number in range(RACING)))


async def after(act: Coroutine[Any, Any, object], delay_s: float) -> None:
    """Do something a little later."""
    await asyncio.sleep(delay_s)
    await act
