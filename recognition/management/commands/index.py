"""`manage.py index`: the maintenance of the index."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from ebrcs.errors import EbrcsError
from recognition.vision.encoders.errors import EncoderError
from recognition.vision.encoders.registry import ENCODER_NAMES


class Command(BaseCommand):
    help = "Show, verify, rebuild, compact or save the index."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        actions.add_parser("status", help="rows, encoder and files; exit 1 when it cannot be used")
        verify = actions.add_parser("verify", help="check rows, log, photos and files; exit 1 on damage")
        verify.add_argument(
            "--remove-orphans", action="store_true", help=("delete photo files that no row refers to")
        )
        rebuild = actions.add_parser("rebuild", help="embed all photos again, then switch over")
        rebuild.add_argument("--encoder", choices=ENCODER_NAMES, help="default: the encoder of the index")
        actions.add_parser("compact", help="drop the rows of deleted photos and renumber")
        actions.add_parser("snapshot", help="write the index files now")
        for action in actions.choices.values():
            action.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found, failed = getattr(self, f"_{options['action']}")(options)
        except (EbrcsError, EncoderError, OSError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(found))
        else:
            for name, value in found.items():
                lines = value or ["none"] if isinstance(value, list) else [_line(value)]
                self.stdout.write(f"{name}: " + "\n  ".join(map(str, lines)))
        if failed:
            raise SystemExit(1)

    def _status(self, options: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        from recognition.index.status import index_status

        status = index_status()
        return asdict(status), not status.usable

    def _verify(self, options: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        from recognition.index.verify import index_verify

        found = index_verify(remove_orphans=options["remove_orphans"])
        return {"sound": found.sound, **asdict(found)}, not found.sound

    def _rebuild(self, options: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        from recognition.index.maintenance import index_rebuild
        from recognition.index.state import state_current

        name = options["encoder"] or state_current().encoder or settings.ENCODER
        with tqdm(unit="photo", disable=options["json"] or None) as bar:

            def progress(advance: int, total: int) -> None:
                bar.total = total
                bar.update(advance)

            change = index_rebuild(encoder_name=name, progress=progress)
        return asdict(change) | self._snapshot(options)[0], False

    def _compact(self, options: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        from recognition.index.maintenance import index_compact

        return asdict(index_compact()) | self._snapshot(options)[0], False

    def _snapshot(self, options: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        from recognition.index.files import IndexFiles

        files = IndexFiles()
        written = files.save()
        status = files.status()
        return {"written": written, "files": asdict(status)}, bool(status.problem)


def _line(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{name} {part}" for name, part in value.items() if part != "")
