"""Products by the dozen: from a folder of class folders, or from a CSV with prices and barcodes."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from catalog.gtin import gtin_variants
from catalog.images import photo_read
from catalog.models import Product, ProductImage
from ebrcs.errors import EbrcsError
from recognition.photos.coach import measured_wait, product_warnings
from recognition.services import Registration, Upload, product_images_add, product_register
from recognition.vision.photos.folders import folders_below, photos_in

MEASURING_WAIT_S = 60.0
"""How long an import waits at its end until all photos are compared with each other."""

CSV_COLUMNS = ("name", "price", "barcode", "description", "photos")


class ImportSourceUnusable(EbrcsError):
    """The folder or table cannot be read as products at all."""

    code = "import_source_unusable"
    title = "Nothing can be imported from there"


@dataclass(frozen=True)
class ImportRow:
    """One product to import, as its source describes it."""

    name: str
    photos: tuple[Path, ...]
    price: Decimal | None = None
    barcode: str | None = None
    description: str = ""


@dataclass
class ImportSummary:
    """What an import did: counts, refusals and warnings by product name, and where a photo's time went."""

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
        """Put it into words: the counts on one line, then a line for each product that has warnings."""
        times = ", ".join(f"{step} {spent:.1f}" for step, spent in self.photo_ms.items())
        yield (
            f"Added {self.products_added} products and {self.photos_added} photos; "
            f"{self.photos_known} photos were known. Milliseconds a photo: {times or 'none'}."
        )
        for name, warnings in self.warnings.items():
            said = Counter(str(warning["detail"]) for warning in warnings)
            words = [f"{detail} ({count} photos)" if count > 1 else detail for detail, count in said.items()]
            yield f"{name}: {' '.join(words)}"

    @property
    def photo_ms(self) -> dict[str, float]:
        """Mean milliseconds a photo took, by step."""
        return {step: spent / max(1, self.photos_added) for step, spent in self.timing_ms.items()}


def entries_read(source: Path, *, shots: int | None = None) -> list[ImportRow]:
    """Read what is to be imported.

    A folder: every folder below it that holds photos is a product, named as the folder. A CSV: one product
    a line, `photos` being file or folder names relative to the table, separated by semicolons. At most
    `shots` photos of each product are taken, the first in the order of their names. Hidden files and folders
    are passed over.

    Raises
    ------
    ImportSourceUnusable
        When there is no such folder or table, no photo in it, or a line that cannot be understood.
    """
    if source.is_dir():
        entries = list(_folder_entries(source))
    elif source.is_file() and source.suffix.lower() == ".csv":
        try:
            entries = list(_csv_entries(source))
        except (UnicodeDecodeError, csv.Error) as error:
            raise ImportSourceUnusable(
                f'{source} is no table in UTF-8: spreadsheets save one as "CSV UTF-8" ({error}).'
            ) from error
    else:
        raise ImportSourceUnusable(f"{source} is neither a folder of product folders nor a .csv file.")
    if not entries:
        raise ImportSourceUnusable(
            f"{source} holds no product: no folder in it contains a JPEG, PNG or WebP."
        )
    return [ImportRow(**{**vars(entry), "photos": entry.photos[:shots]}) for entry in entries]


def _folder_entries(source: Path) -> Iterator[ImportRow]:
    for folder in folders_below(source):
        if photos := photos_in(folder):
            yield ImportRow(name=folder.name, photos=tuple(photos))


def _csv_entries(source: Path) -> Iterator[ImportRow]:
    with source.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        unknown = set(reader.fieldnames or ()) - set(CSV_COLUMNS)
        missing = {"name", "photos"} - set(reader.fieldnames or ())
        if unknown or missing:
            raise ImportSourceUnusable(
                f"{source}: the first line must name columns out of {', '.join(CSV_COLUMNS)}, with name and "
                f"photos among them; unknown: {sorted(map(str, unknown))}, missing: {sorted(missing)}."
            )
        for row in reader:
            where = f"{source}, line {reader.line_num}"
            if None in row or None in row.values():
                raise ImportSourceUnusable(f"{where}: it has not as many fields as the first line.")
            yield ImportRow(
                name=row["name"].strip(),
                photos=tuple(_csv_photos(source.parent, row["photos"], where)),
                price=_csv_price(row.get("price", ""), where),
                barcode=row.get("barcode", "").strip() or None,
                description=row.get("description", "").strip(),
            )


def _csv_photos(folder: Path, value: str, where: str) -> Iterator[Path]:
    for name in filter(None, (part.strip() for part in value.split(";"))):
        path = folder / name
        if path.is_dir():
            yield from photos_in(path)
        elif path.is_file():
            yield path
        else:
            raise ImportSourceUnusable(f"{where}: there is no photo or folder {name!r}.")


def _csv_price(value: str, where: str) -> Decimal | None:
    try:
        return Decimal(value.strip()) if value.strip() else None
    except InvalidOperation:
        raise ImportSourceUnusable(f"{where}: the price {value!r} is no number such as 2.50.") from None


def products_import(entries: list[ImportRow], *, report: Callable[[ImportRow], None]) -> ImportSummary:
    """Import product by product; one that is refused is named in the summary and keeps no other from it.

    A product that is there already (the same barcode, or, without one, the same name) gets the photos it
    does not have yet, so that an import can be run again after an interruption.
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
    """Say by name what is weak about products, once all are there to be compared with each other."""
    measured_wait(timeout_s=MEASURING_WAIT_S)
    name_of = {product.pk: product.name for product in products}
    found: dict[str, list[dict[str, object]]] = {}
    for product_id, warnings in product_warnings(products).items():
        if warnings:
            found.setdefault(name_of[product_id], []).extend(warning.payload() for warning in warnings)
    return found


def _entry_import(entry: ImportRow, summary: ImportSummary) -> Product | None:
    """Register one product or its new photos; None where it has all of them already."""
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
