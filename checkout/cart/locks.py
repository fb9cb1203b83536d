"""Every row lock of checkout, in the order they are taken: the session, then nothing else.

Whatever changes a cart locks the row of its session first, so changes of one cart queue up and those of
different carts never wait for each other. SQLite has no row locks; there every transaction begins IMMEDIATE,
which is the same promise for the whole database.
"""

from __future__ import annotations

from django.db.models import QuerySet

from checkout.models import CheckoutSession


def sessions_for_update() -> QuerySet[CheckoutSession]:
    """Return sessions locked until the transaction ends; rows that refer to them can still be inserted."""
    return CheckoutSession.objects.select_for_update(no_key=True)
