from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from checkout.replay import ReplayClient, ReplayFailed, visits_find
from checkout.replay_report import report_json, report_lines, summary_line


class Command(BaseCommand):
    help = "Play recorded visits to a running server as a shopper's camera would, and print the receipts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("frames", type=Path, help="a folder of frames, or of such folders")
        parser.add_argument("--url", default="http://localhost:8000")
        parser.add_argument("--username", default="user1")
        parser.add_argument("--password", default="user123")
        parser.add_argument("--token", default="", help="an access token, instead of name and password")
        parser.add_argument("--fps", type=float, default=10.0, help="pace of the recording")
        parser.add_argument("--in-flight", type=int, default=2, help="frames not yet answered; 1 loses none")
        parser.add_argument("--confirm", action="store_true", help="pay each visit instead of cancelling it")
        parser.add_argument("--json", action="store_true", help="print JSON for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            visits = visits_find(options["frames"])
            client = ReplayClient(options["url"], options["token"], options["fps"], options["in_flight"])
            if not client.token:
                client.log_in(options["username"], options["password"])
            reports = [client.play(visit, confirm=options["confirm"]) for visit in visits]
        except ReplayFailed as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report_json(reports), ensure_ascii=False, indent=2))
        else:
            self.stdout.write("\n".join([*report_lines(reports), summary_line(reports)]))
