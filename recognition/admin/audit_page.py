"""The page of Django admin on how well each product is recognized."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from catalog.models import Product, ProductImage
from recognition.index.state import state_current
from recognition.tools.catalog_audit import CheckState, catalog_audit

CHECKS_PER_PAGE = 30


@dataclass(frozen=True)
class ShownLookAlike:
    """A product another one was taken for, with both photos."""

    product: Product
    count: int
    score: float
    picture: ProductImage | None
    matched: ProductImage | None


@dataclass(frozen=True)
class ShownCheck:
    """What the page shows of one product."""

    product: Product
    photo: ProductImage | None
    found: dict[str, Any]
    looks_like: list[ShownLookAlike]
    grade: str
    advice: str

    @property
    def bars(self) -> list[tuple[str, str, int]]:
        """What the photos were decided to show: kind, label, and number of photos."""
        found = self.found
        wrongly = found["wrongly_added"]
        return [
            ("added", _("added correctly"), found["accepted"] - wrongly),
            ("wrong", _("added as the wrong product"), wrongly),
            ("asked", _("shopper asked"), found["ambiguous"]),
            ("unknown", _("not recognized"), found["unknown"]),
        ]


@require_http_methods(["GET", "HEAD", "POST"])
def check_page(request: HttpRequest) -> HttpResponse:
    """Show what the last check found, or start a new one."""
    _permit(request)
    if request.method == "POST":
        catalog_audit.start()
        return redirect("admin:catalog_product_check")
    state = catalog_audit.state()
    page = Paginator(state["products"], CHECKS_PER_PAGE).get_page(request.GET.get("p"))
    context = {
        **admin.site.each_context(request),
        "title": _("Recognition check"),
        "opts": Product._meta,
        "state": state,
        "failure": _(state["failure"]) if state["failure"] else "",
        "at": datetime.fromtimestamp(state["at_s"], tz=UTC),
        "outdated": state["status"] == "done" and state["seq"] != state_current().last_seq,
        "summary": _summary(state),
        "page": page,
        "checks": _shown(list(page.object_list)),
    }
    return TemplateResponse(request, "admin/recognition/audit.html", context)


@require_safe
def check_progress(request: HttpRequest) -> HttpResponse:
    """Return the progress of the check as JSON."""
    _permit(request)
    state = catalog_audit.state()
    return JsonResponse({name: state[name] for name in ("status", "done", "total")})


def _permit(request: HttpRequest) -> None:
    if not request.user.has_perm("catalog.view_product"):
        raise PermissionDenied


def _summary(state: CheckState) -> dict[str, int]:
    products = state["products"]
    checked = sum(each["checked"] for each in products)
    return {
        "products": len(products),
        "weak": sum(each["advice"] != "fine" for each in products),
        "checked": checked,
        "right": sum(each["right"] for each in products),
        "wrongly_added": sum(each["wrongly_added"] for each in products),
    }


def _shown(found: list[dict[str, Any]]) -> list[ShownCheck]:
    """Fetch names and photos of a page at once; products and photos deleted since are left out."""
    likes = [like for each in found for like in each["looks_like"]]
    wanted = {each["product"] for each in (*found, *likes)}
    products = {
        str(product.pk): product
        for product in Product.objects.filter(pk__in=wanted).prefetch_related("images")
    }
    shown = {like[side] for like in likes for side in ("picture", "matched")}
    images = {str(image.pk): image for image in ProductImage.objects.filter(pk__in=shown)}
    return [_shown_one(each, products, images) for each in found if each["product"] in products]


def _shown_one(
    found: dict[str, Any], products: dict[str, Product], images: dict[str, ProductImage]
) -> ShownCheck:
    product = products[found["product"]]
    looks_like = [
        ShownLookAlike(
            products[like["product"]],
            like["count"],
            like["score"],
            images.get(like["picture"]),
            images.get(like["matched"]),
        )
        for like in found["looks_like"]
        if like["product"] in products
    ]
    return ShownCheck(
        product=product,
        photo=product.first_photo,
        found=found,
        looks_like=looks_like,
        grade=_grade(found),
        advice=_advice(found, looks_like),
    )


def _grade(found: dict[str, Any]) -> str:
    if found["advice"] == "fine":
        return "good"
    return "weak" if found["wrongly_added"] or found["right"] < 0.5 * found["checked"] else "fair"


def _advice(found: dict[str, Any], looks_like: list[ShownLookAlike]) -> str:
    other = looks_like[0].product.name if looks_like else _("another product")
    advice = {
        "one_photo": _(
            "One photo is not enough to check. Add two to four more of other sides, in the checkout's light."
        ),
        "added_wrongly": _(
            "Was added as %(other)s, which looks very similar. Add photos of the sides that differ."
        ),
        "looks_like": _("Looks like %(other)s. Add photos of the sides that differ."),
        "few_photos": _("Add one to three photos from other sides: shoppers may show any of them."),
        "other_sides": _(
            "The photos have little in common. Add more of the sides that only one photo shows."
        ),
        "often_asked": _(
            "Shoppers will often be asked to confirm this product. Add more photos to avoid that."
        ),
        "fine": _("No action needed."),
    }
    return advice[found["advice"]] % {"other": other}
