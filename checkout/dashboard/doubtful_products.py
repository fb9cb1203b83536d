"""The products that recognition got wrong, or asked about, most often."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Case, Count, F, Q, When

from catalog.models import Product
from catalog.selectors import pictures_by_product
from checkout.models import ScanEvent
from checkout.review.disputes import DISPUTES
from orders.periods import Period

Action = ScanEvent.Action
DOUBTFUL_PRODUCTS_MAX = 8


@dataclass(frozen=True)
class DoubtfulProduct:
    """A product, and how often recognition of it was disputed, in each way, or asked about."""

    product: Product
    picture: str | None
    corrected: int
    undone: int
    disagreed: int
    asked: int


def doubtful_products(*, period: Period) -> list[DoubtfulProduct]:
    """Return the products that were corrected, undone, contradicted or asked about most, in three queries.

    Where barcode and picture disagree, the product in doubt is the one the picture was taken for. Undoing
    counts only if it undid an addition.
    """
    kinds = (Action.ANSWER, *DISPUTES)  # those of the index
    against = ~Q(action=Action.UNDO) | Q(about__action=Action.ADD)
    rows = list(
        ScanEvent.objects.filter(period.within("created_at"), against, action__in=kinds)
        .values(
            suspect=Case(When(action=Action.DISAGREE, then=F("other_product_id")), default=F("product_id"))
        )
        .annotate(
            count=Count("pk"),
            corrected=Count("pk", filter=Q(action=Action.CORRECT)),
            undone=Count("pk", filter=Q(action=Action.UNDO)),
            disagreed=Count("pk", filter=Q(action=Action.DISAGREE)),
            asked=Count("pk", filter=Q(action=Action.ANSWER)),
        )
        .filter(suspect__isnull=False)
        .order_by("-count", "suspect")[:DOUBTFUL_PRODUCTS_MAX]
    )
    products: dict[UUID, Product] = Product.objects.in_bulk([row["suspect"] for row in rows])
    pictures = pictures_by_product(products)
    return [
        DoubtfulProduct(
            product=products[row["suspect"]],
            picture=pictures.get(row["suspect"]),
            corrected=row["corrected"],
            undone=row["undone"],
            disagreed=row["disagreed"],
            asked=row["asked"],
        )
        for row in rows
    ]
