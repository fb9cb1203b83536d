from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from checkout.cart import services


class Command(BaseCommand):
    help = "End checkout sessions idle for longer than EBRCS_SESSION_IDLE_MINUTES."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        expired = services.sessions_expire()
        self.stdout.write(json.dumps({"expired": expired}) if options["json"] else f"{expired} expired")
