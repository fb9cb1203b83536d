"""Reads what is to be imported: a folder of product folders, or a CSV with prices and barcodes."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from ebrcs.errors import EbrcsError
from recognition.vision.photos.folders import folders_below, photos_in

CSV_COLUMNS = ("name", "price", "barcode", "description", "photos")


class ImportSourceUnusable(EbrcsError):
    """The folder or table cannot be read as products."""

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


def entries_read(source: Path, *, shots: int | None = None) -> list[ImportRow]:
    """Read what is to be imported.

    A folder: every folder below it that holds photos is a product, named as the folder. A CSV: one product
    a line, `photos` being file or folder names relative to the table, separated by semicolons. At most
    `shots` photos of each product are taken, the first in the order of their names. Hidden files and folders
    are skipped.

    Raises
    ------
    ImportSourceUnusable
        When there is no such folder or table, it holds no photo, or a line cannot be parsed.
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
        columns = list(reader.fieldnames or ())
        unknown = set(columns) - set(CSV_COLUMNS)
        missing = {"name", "photos"} - set(columns)
        if unknown or missing:
            raise ImportSourceUnusable(
                f"{source}: the first line must name columns out of {', '.join(CSV_COLUMNS)}, with name and "
                f"photos among them; unknown: {sorted(map(str, unknown))}, missing: {sorted(missing)}."
            )
        if twice := sorted({column for column in columns if columns.count(column) > 1}):
            raise ImportSourceUnusable(f"{source}: the first line names {', '.join(twice)} more than once.")
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
        try:
            is_folder, is_photo = path.is_dir(), path.is_file()
        except OSError as error:  # a name that no file system takes, or a folder that may not be read
            raise ImportSourceUnusable(
                f"{where}: {name[:100]!r} cannot be read: {error.strerror}."
            ) from error
        if is_folder:
            yield from photos_in(path)
        elif is_photo:
            yield path
        else:
            raise ImportSourceUnusable(f"{where}: there is no photo or folder {name!r}.")


def _csv_price(value: str, where: str) -> Decimal | None:
    try:
        return Decimal(value.strip()) if value.strip() else None
    except InvalidOperation:
        raise ImportSourceUnusable(f"{where}: the price {value!r} is no number such as 2.50.") from None
