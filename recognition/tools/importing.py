"""Registers many products at once, product by product."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from catalog.gtin import gtin_variants
from catalog.images import photo_read
from catalog.models import Product, ProductImage
from ebrcs.errors import EbrcsError
from recognition.photos.coach import measured_wait, product_warnings
from recognition.services import Registration, Upload, product_images_add, product_register
from recognition.tools.import_sources import ImportRow

IMPORT_MEASURING_WAIT_S = 60.0
"""How long an import waits at its end until all photos are compared with each other."""


@dataclass
class ImportSummary:
    """What an import did: counts, refusals and warnings by product name, and milliseconds by step."""

    products_added: int = 0
    photos_added: int = 0
    photos_known: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    timing_ms: dict[str, float] = field(default_factory=dict)
    warnings: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def count(self, registration: Registration) -> None:
        """Add one registration to the sums."""
        self.photos_added += len(registration.images)
        for step, spent in registration.timing_ms.items():
            self.timing_ms[step] = self.timing_ms.get(step, 0.0) + spent

    def lines(self) -> Iterator[str]:
        """Yield the counts on one line, then a line for each product with warnings."""
        times = ", ".join(f"{step} {spent:.1f}" for step, spent in self.photo_ms.items())
        yield (
            f"Added {self.products_added} products and {self.photos_added} photos; "
            f"{self.photos_known} photos were known. Milliseconds a photo: {times or 'none'}."
        )
        for name, warnings in self.warnings.items():
            said = Counter(str(warning["detail"]) for warning in warnings)
            details = [
                f"{detail} ({count} photos)" if count > 1 else detail for detail, count in said.items()
            ]
            yield f"{name}: {' '.join(details)}"

    @property
    def photo_ms(self) -> dict[str, float]:
        """Mean milliseconds per photo, by step."""
        return {step: spent / max(1, self.photos_added) for step, spent in self.timing_ms.items()}


def products_import(entries: list[ImportRow], *, report: Callable[[ImportRow], None]) -> ImportSummary:
    """Import product by product; one that is refused is named in the summary and does not stop the others.

    A product that exists already (the same barcode, or without one the same name) gets the photos it does not
    have yet, so that an import can be repeated after an interruption.
    """
    summary = ImportSummary()
    touched: list[Product] = []
    for entry in entries:
        report(entry)
        try:
            product = _entry_import(entry, summary)
        except (EbrcsError, OSError) as error:
            summary.refused[entry.name] = str(error)
        else:
            if product is not None:
                touched.append(product)
    summary.warnings = _warnings(touched)
    return summary


def _warnings(products: list[Product]) -> dict[str, list[dict[str, object]]]:
    """Return the warnings by product name, once all products are compared with each other."""
    measured_wait(timeout_s=IMPORT_MEASURING_WAIT_S)
    name_of = {product.pk: product.name for product in products}
    found: dict[str, list[dict[str, object]]] = {}
    for product_id, warnings in product_warnings(products).items():
        if warnings:
            found.setdefault(name_of[product_id], []).extend(warning.payload() for warning in warnings)
    return found


def _entry_import(entry: ImportRow, summary: ImportSummary) -> Product | None:
    """Register one product or its new photos; return None where it has all of them already."""
    uploads = [Upload(filename=photo.name, data=photo.read_bytes()) for photo in entry.photos]
    known = (
        Product.objects.filter(barcode__in=gtin_variants(entry.barcode)).first()
        if entry.barcode
        else Product.objects.filter(name=entry.name).first()
    )
    if known is None:
        registration = product_register(
            name=entry.name,
            uploads=uploads,
            description=entry.description,
            price=entry.price,
            barcode=entry.barcode,
        )
        summary.count(registration)
        summary.products_added += 1
        return registration.product
    stored = set(ProductImage.objects.filter(product=known).values_list("sha256", flat=True))
    fresh = [u for u in uploads if photo_read(u.data, filename=u.filename).sha256 not in stored]
    summary.photos_known += len(uploads) - len(fresh)
    if not fresh:
        return None
    summary.count(product_images_add(product_id=known.pk, uploads=fresh))
    return known
