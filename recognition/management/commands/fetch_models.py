"""`manage.py fetch_models`: download the published weights that an encoder needs."""

from __future__ import annotations

import json
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recognition.vision.encoders.registry import COMPACT, ENCODER_NAMES


class Command(BaseCommand):
    help = "Download and verify the weights of encoders that do not ship with the project."

    def add_arguments(self, parser: CommandParser) -> None:
        names = [name for name in ENCODER_NAMES if name != COMPACT]
        parser.add_argument("encoders", nargs="+", choices=names, metavar="ENCODER", help=", ".join(names))
        parser.add_argument(
            "--source",
            choices=("timm", "facebook"),
            default="timm",
            help="timm: ungated copies of DINOv3 (default); facebook: the gated originals",
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        from recognition.vision.encoders.fetch.download import fetch

        results = fetch(
            options["encoders"],
            models_dir=settings.MODELS_DIR,
            token=os.environ.get("HF_TOKEN"),
            source=options["source"],
            report=self.stderr.write if options["json"] else self.stdout.write,
        )
        if options["json"]:
            rows = [{**vars(result), "folder": str(result.folder or "")} for result in results]
            self.stdout.write(json.dumps(rows))
        missing = [result.repo for result in results if result.problem is not None]
        if missing:
            raise CommandError(f"Not fetched: {', '.join(missing)}.")
