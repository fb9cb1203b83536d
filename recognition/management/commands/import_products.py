"""`manage.py import_products FOLDER|CSV`: register many products at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from ebrcs.errors import EbrcsError
from recognition.tools.import_sources import ImportRow, entries_read
from recognition.tools.importing import products_import


class Command(BaseCommand):
    help = (
        "Import products from a folder of product folders, or from a CSV with name, price, barcode, photos."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "source", type=Path, help="a folder with one folder of photos per product, or a .csv file"
        )
        parser.add_argument("--shots", type=int, help="use at most this many photos per product")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["shots"] is not None and options["shots"] < 1:
            raise CommandError("--shots must be at least 1.")
        try:
            entries = entries_read(options["source"], shots=options["shots"])
        except EbrcsError as error:
            raise CommandError(str(error)) from error
        with tqdm(total=len(entries), desc="products", disable=options["json"] or None) as bar:

            def report(entry: ImportRow) -> None:
                bar.set_postfix_str(entry.name)
                bar.update()

            summary = products_import(entries, report=report)
        if options["json"]:
            self.stdout.write(json.dumps({**vars(summary), "photo_ms": summary.photo_ms}))
        else:
            self.stdout.write("\n".join(summary.lines()))
        for name, reason in summary.refused.items():
            self.stderr.write(f"Refused {name}: {reason}")
        if summary.refused:
            raise CommandError(f"{len(summary.refused)} of {len(entries)} products were refused.")
