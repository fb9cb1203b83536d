from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from checkout.tools.replay import ReplayClient, ReplayFailed, visits_find
from checkout.tools.replay_report import report_json, report_lines, summary_line


class Command(BaseCommand):
    help = "Replay recorded sessions against a running server and print the receipts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("frames", type=Path, help="a folder of frames, or a folder of such folders")
        parser.add_argument("--url", default="http://localhost:8000")
        parser.add_argument("--username", default="user1")
        parser.add_argument("--password", default="user123")
        parser.add_argument(
            "--token", default="", help="access token to use instead of username and password"
        )
        parser.add_argument(
            "--fps", type=float, default=10.0, help="frame rate of the recording (default 10)"
        )
        parser.add_argument(
            "--in-flight", type=int, default=2, help="unanswered frames allowed (default 2); 1 drops none"
        )
        parser.add_argument("--mode", choices=("scan", "cart", "tray"), help="counting mode")
        parser.add_argument(
            "--zone", type=float, nargs=4, metavar=("X", "Y", "W", "H"), help="scan area, 0 to 1"
        )
        parser.add_argument("--explain", action="store_true", help="print why each item was counted")
        parser.add_argument(
            "--confirm", action="store_true", help="pay for each session instead of cancelling it"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            visits = visits_find(options["frames"])
            wanted = ("url", "token", "fps", "in_flight", "mode", "zone", "explain")
            client = ReplayClient(**{name: options[name] for name in wanted})
            if not client.token:
                client.log_in(options["username"], options["password"])
            reports = list(client.play_all(visits, confirm=options["confirm"]))
        except ReplayFailed as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report_json(reports), ensure_ascii=False, indent=2))
        else:
            self.stdout.write("\n".join([*report_lines(reports), summary_line(reports)]))
        if failures := [report for report in reports if report.failure]:
            raise CommandError(f"{len(failures)} of {len(reports)} visits failed: {failures[0].failure}")
