"""`manage.py recognize IMAGE`: recognize single pictures."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ebrcs.errors import EbrcsError
from recognition.services.recognizing import PictureAnswer
from recognition.tools.picture_files import recognize_files


class Command(BaseCommand):
    help = "Recognize the products in photos. A folder stands for every photo in it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
        parser.add_argument("--top", type=int, default=3, help="how many products to list (default 3)")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["top"] < 1:
            raise CommandError("--top must be at least 1.")
        try:
            results = recognize_files(options["images"], top=options["top"])
        except (EbrcsError, OSError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps([asdict(result) for result in results]))
            return
        for result in results:
            self.stdout.write(summary_line(result))


def summary_line(answer: PictureAnswer) -> str:
    """Put on one line what was decided and the numbers behind it."""
    matches = [
        f"{match.name} {match.score:.3f}"
        + (f" (artwork agrees on {match.agreeing:.0%}, {match.inliers} points)" if match.inliers else "")
        for match in answer.matches
    ]
    sure = f"{answer.sureness:.0%} sure of {answer.sureness_needed:.0%} needed"
    numbers = f"confidence {answer.confidence:+.2f}, margin {answer.margin:.3f}"
    return f"{answer.name}: {answer.state}, {sure} ({numbers}): {', '.join(matches) or 'no match'}"
