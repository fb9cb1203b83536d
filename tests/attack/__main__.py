"""`python -m tests.attack`: attack a checkout of the project, print a table, exit with 1 if a goal is missed.

It gets a database, a data folder and two servers of its own, which are removed at the end. Needs PostgreSQL
(`DATABASE_URL`, any database of the server) and a Redis database (`REDIS_URL`) that nothing else uses.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import psycopg

from tests.attack.attacker import attacks_known
from tests.attack.attacks import Attack
from tests.attack.report import Row, percentile, table
from tests.attack.servers import ServerFailed, Shop, shop_open
from tests.attack.witness import Experience, Witness

# The first answers of a server take several times as long as the later ones.
WARM_UP_S, CALM_FIRST_S, CALM_S = 20.0, 15.0, 3.0
RECOVERY_S = 30.0
SHORTEST_S = 2.0
ACCOUNTS_EACH = 4
DATABASE_URL, REDIS_URL = "postgresql://postgres@127.0.0.1:5432/postgres", "redis://127.0.0.1:6379/15"


class Campaign:
    """All attacks, one after the other, on one shop."""

    def __init__(self, shop: Shop, seconds: float) -> None:
        self.shop, self.seconds = shop, seconds
        self.calm_ms: list[float] = []
        self.witness = self._witness()
        time.sleep(WARM_UP_S)
        time.sleep(CALM_FIRST_S)
        self.calm_ms += self.witness.between(time.monotonic() - CALM_FIRST_S, time.monotonic()).answer_ms

    def _witness(self) -> Witness:
        seeded = self.shop.seeded
        witness = Witness.start(self.shop.servers[0].port, seeded["bystander"], seeded["frames"])
        if not witness.recovered(RECOVERY_S):
            witness.stop()
            raise ServerFailed("The bystander is not served.")
        return witness

    def run(self, attack: Attack, number: int) -> Row:
        """Run an attack, and start servers that it broke anew."""
        attacker = subprocess.Popen(
            [sys.executable, "-m", "tests.attack.attacker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            return self._attacked(attack, attacker, self._target(attack, number))
        finally:
            attacker.kill()
            attacker.wait()

    def _attacked(self, attack: Attack, attacker: subprocess.Popen[str], target: dict[str, Any]) -> Row:
        assert attacker.stdin is not None
        assert attacker.stdout is not None
        attacker.stdin.write(json.dumps(target) + "\n")
        attacker.stdin.flush()
        line = attacker.stdout.readline()
        time.sleep(CALM_S)
        start_s = time.monotonic()
        calm = self.witness.between(start_s - CALM_S, start_s)
        # All calm seconds so far: three alone hold too few frames for a percentile.
        self.calm_ms += calm.answer_ms
        server = self.shop.servers[0]
        with server.watched() as growth:
            if line.strip() == "ready":
                attacker.stdin.write("go\n")
                attacker.stdin.flush()
                line = attacker.stdout.readline()
            time.sleep(max(0.0, start_s + SHORTEST_S - time.monotonic()))
            end_s = time.monotonic()
            recovered = self.witness.recovered(RECOVERY_S)
        during = self.witness.between(start_s, end_s)
        told = json.loads(line or '{"answers": {}, "broken": ["the attacker died"], "notes": []}')
        row = self._row(attack, calm, during)
        row.memory_mb, row.disk_mb = growth.memory_mb, growth.disk_mb
        row.answers.update(told["answers"])
        row.broken += told["broken"] + self._violations(attack.after)
        row.notes += [note for note in told["notes"] if note]
        if not recovered:
            row.broken.append(f"the bystander is not served {RECOVERY_S:.0f} s later")
            self._start_anew()
        return row

    def _row(self, attack: Attack, calm: Experience, during: Experience) -> Row:
        return Row(
            name=attack.name,
            goal=attack.goal,
            before_ms=percentile(self.calm_ms, 0.95),
            during_ms=percentile(during.answer_ms, 0.95),
            stall_before_ms=calm.stall_ms,
            stall_ms=during.stall_ms,
            memory_mb=0.0,
            disk_mb=0.0,
            bystander=during.answers,
        )

    def _target(self, attack: Attack, number: int) -> dict[str, Any]:
        """Return what the attacker's process has to know; it gets an address and accounts of its own."""
        seeded, first = self.shop.seeded, number * ACCOUNTS_EACH % len(self.shop.seeded["attackers"])
        return {
            "name": attack.name,
            "target": {
                "ports": [server.port for server in self.shop.servers],
                "seconds": self.seconds,
                "address": f"127.0.{number + 1}.1",
                "attackers": seeded["attackers"][first:] + seeded["attackers"][:first],
                **{name: seeded[name] for name in ("admin", "products", "doomed", "frames")},
            },
        }

    def _violations(self, questions: Sequence[str]) -> list[str]:
        """Return which rules the data breaks."""
        with psycopg.connect(self.shop.database_url) as connection:
            found = [(question, connection.execute(question).fetchall()) for question in questions]
        return [f"{len(rows)} rows: {question}" for question, rows in found if rows]

    def _start_anew(self) -> None:
        self.witness.stop()
        self.shop.restart()
        self.witness = self._witness()

    def close(self) -> None:
        """End the bystander."""
        self.witness.stop()


def say(text: str, to: TextIO = sys.stdout) -> None:
    """Write a line at once."""
    to.write(text + "\n")
    to.flush()


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make attack", description=__doc__)
    parser.add_argument(
        "--project", type=Path, default=Path.cwd(), help="the checkout to attack; default: this one"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="TEXT", help="attacks whose name contains this"
    )
    parser.add_argument(
        "--seconds", type=float, default=6.0, help="how long each attack goes on (default: 6)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    return parser.parse_args(words)


def main() -> int:
    """Attack, print, and return how the process ends."""
    asked = arguments()
    chosen = [
        (number, attack)
        for number, attack in enumerate(attacks_known().values())
        if not asked.only or any(text in attack.name for text in asked.only)
    ]
    if not chosen:
        say("\n  ".join(["No attack is named so. There are:", *attacks_known()]))
        return 2
    rows: list[Row] = []
    database_url, redis_url = (
        os.environ.get("DATABASE_URL", DATABASE_URL),
        os.environ.get("REDIS_URL", REDIS_URL),
    )
    try:
        with shop_open(asked.project.resolve(), database_url, redis_url) as shop:
            campaign = Campaign(shop, asked.seconds)
            try:
                for number, attack in chosen:
                    rows.append(campaign.run(attack, number))
                    say(f"{attack.name}: {'; '.join(rows[-1].faults()) or 'within'}", to=sys.stderr)
            finally:
                campaign.close()
    except ServerFailed as error:
        say(f"The attack ended early: {error}", to=sys.stderr)
    say(table(rows))
    if asked.json:
        asked.json.write_text(json.dumps([row.payload() for row in rows], indent=1) + "\n")
    complete = len(rows) == len(chosen)
    return 0 if complete and not any(row.faults() for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
