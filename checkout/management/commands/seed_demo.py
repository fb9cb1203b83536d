"""`manage.py seed_demo`: a shop to try, with a dozen products, two accounts and a clip."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from tqdm import tqdm

from accounts.models import User
from checkout.demo.seed import SeedCounts, demo_seed


class Command(BaseCommand):
    help = "Add a demo shop: accounts admin/admin123 and user1/user123, twelve products and a clip."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-new", action="store_true", help="do nothing if there are accounts already")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["if_new"] and User.objects.exists():
            if options["json"]:
                self.stdout.write(json.dumps(asdict(SeedCounts(users=0, products=0, frames=0))))
            return
        bars: dict[str, tqdm[Any]] = {}

        def report(step: str, done: int, total: int) -> None:
            bar = bars.setdefault(step, tqdm(total=total, desc=step, disable=options["json"] or None))
            bar.update(done - bar.n)

        seeded = demo_seed(report=report)
        for bar in bars.values():
            bar.close()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(seeded)))
        else:
            self.stdout.write(
                f"Added {seeded.users} accounts, {seeded.products} products and a demo clip. "
                "Log in as user1/user123 to shop, as admin/admin123 to manage."
            )
