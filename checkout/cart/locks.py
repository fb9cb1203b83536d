"""Every row lock of checkout, in the order they are taken: the session, then the products of a change.

Whatever changes a cart locks the row of its session first, so changes of one cart queue up and those of
different carts never wait for each other. SQLite has no row locks; there every transaction begins IMMEDIATE,
which is the same promise for the whole database.
"""

from __future__ import annotations

from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from catalog.models import Product
from checkout.errors import ProductNotFound
from checkout.models import CheckoutSession


def sessions_for_update() -> QuerySet[CheckoutSession]:
    """Return sessions locked until the transaction ends; rows that refer to them can still be inserted."""
    return CheckoutSession.objects.select_for_update(no_key=True)


def product_keep(*, product_id: UUID) -> Product:
    """Return a product, on sale or not, which nobody can delete until the transaction ends.

    Whatever names a product in a new row reads it here, unless a line of the cart names it already. Foreign
    keys are checked at commit, too late to tell the caller anything. Django does not offer the lock that a
    foreign key takes itself, and that any number of carts hold at once: FOR KEY SHARE.

    Raises `ProductNotFound`.
    """
    lock = " FOR KEY SHARE" if connection.vendor == "postgresql" else ""
    key = Product._meta.pk.get_db_prep_value(product_id, connection)
    found = list(Product.objects.raw(f"SELECT * FROM products WHERE id = %s{lock}", [key]))  # noqa: S608
    if not found:
        raise ProductNotFound(f"There is no product {product_id}.", product_id=str(product_id))
    return found[0]
