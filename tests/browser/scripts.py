"""Runs scripts of tests beside a shop's server, all in one process: Django takes seconds to start."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import traceback

import django
from django.db import connections


def serve() -> None:
    """Run the script on each line of the input, as JSON; answer with what it printed, and how it failed."""
    answers, sys.stdout = sys.stdout, sys.stderr
    django.setup()
    for line in sys.stdin:
        printed, failure = io.StringIO(), ""
        try:
            with contextlib.redirect_stdout(printed):
                exec(json.loads(line), {})  # noqa: S102 - a test's own words
        except Exception:  # noqa: BLE001 - whatever it is, the test is told
            failure = traceback.format_exc()
        connections.close_all()
        print(json.dumps([printed.getvalue(), failure]), file=answers, flush=True)


if __name__ == "__main__":
    serve()
