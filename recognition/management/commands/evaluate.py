"""`manage.py evaluate`: evaluate recognition over photos or recorded visits."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from ebrcs.errors import EbrcsError
from recognition.tools.evaluate_photos import photos_evaluate, shots_read
from recognition.tools.evaluate_sequences import sequences_evaluate
from recognition.tools.evaluation_report import summary_lines
from recognition.vision.evaluation.progress import StepProgress


class Command(BaseCommand):
    help = "Evaluate recognition over folders of labelled photos, or over recorded visits (--sequences)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "gallery", nargs="?", type=Path, help=("photos to register, one folder per class")
        )
        parser.add_argument(
            "queries", nargs="?", type=Path, help=("photos to recognize, one folder per class")
        )
        parser.add_argument(
            "--impostors", type=Path, metavar="FOLDER", help=("photos of products that are not registered")
        )
        parser.add_argument(
            "--shots", default="1,3,5", help=("photos per class to try, besides all of them (default 1,3,5)")
        )
        parser.add_argument(
            "--report", type=Path, metavar="FILE.html", help=("write an HTML report with the confusions")
        )
        parser.add_argument(
            "--sequences", type=Path, metavar="FOLDER", help="recorded sessions, each with truth.json"
        )
        parser.add_argument(
            "--gallery", dest="visit_gallery", type=Path, metavar="FOLDER", help=("photos to register")
        )
        parser.add_argument("--mode", choices=("scan", "cart", "tray"), help=("counting mode (default scan)"))
        parser.add_argument("--identity", choices=("encoder", "truth"), help="truth: evaluate counting alone")
        parser.add_argument("--encoder", help="default: the configured encoder")
        parser.add_argument("--json", action="store_true", help="print the metrics as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        evaluate = _visits if options["sequences"] else _photos
        try:
            with ExitStack() as bars:
                metrics = evaluate(options, partial(_progress_bar, bars))
        except (EbrcsError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(metrics) if options["json"] else "\n".join(summary_lines(metrics)))
        unreadable = metrics.get("unreadable", {})
        for path, reason in unreadable.items():
            self.stderr.write(f"Left out {path}: {reason}")
        if unreadable:
            raise CommandError(f"{len(unreadable)} photos could not be read and were left out.")


def _visits(options: dict[str, Any], progress: StepProgress) -> dict[str, Any]:
    _refuse(options, ("gallery", "queries", "impostors", "report"), "goes with photos, not with --sequences")
    return sequences_evaluate(
        options["sequences"],
        gallery=options["visit_gallery"],
        mode=options["mode"] or "scan",
        encoder_name=options["encoder"],
        identity=options["identity"] or "encoder",
        progress=progress,
    )


def _photos(options: dict[str, Any], progress: StepProgress) -> dict[str, Any]:
    _refuse(options, ("visit_gallery", "mode", "identity"), "goes with --sequences only")
    if options["queries"] is None:
        raise CommandError("Name GALLERY and QUERIES, two folders of class folders, or --sequences FOLDER.")
    return photos_evaluate(
        options["gallery"],
        options["queries"],
        impostors=options["impostors"],
        shots=shots_read(options["shots"]),
        encoder_name=options["encoder"],
        report=options["report"],
        progress=progress,
    )


def _refuse(options: dict[str, Any], names: tuple[str, ...], reason: str) -> None:
    for name in names:
        if options[name] is not None:
            raise CommandError(f"{name.replace('visit_', '--')} {reason}.")


def _progress_bar(bars: ExitStack, step: str, total: int) -> Callable[[], object]:
    return bars.enter_context(tqdm(total=total, desc=step, disable=None)).update
