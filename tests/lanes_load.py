"""Many lanes against one server process: are heartbeats late, and does memory grow?

    python -m tests.lanes_load --lanes 20 --minutes 1

Each lane has the socket of its page, with a heartbeat every five seconds and telemetry every minute, and that
of its visit, with one camera frame a second. The recognizer is a stand-in that answers at once: what is
measured is all the rest. Uses the database of `DATABASE_URL`, by default a new SQLite file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from checkout.models import Lane
    from tests.checkout.serving import Server

HEARTBEAT_S = 5.0
TELEMETRY_S = 60.0
FRAME_S = 1.0
LATE_S = 1.0


@dataclass
class Measured:
    """What all lanes saw: seconds from heartbeats and frames to their answers, and what went wrong."""

    beats_s: list[float] = field(default_factory=list)
    frames_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


async def page_run(address: str, headers: dict[str, str], until_s: float, measured: Measured) -> None:
    """Be the page of a lane: send heartbeats, each followed by a ping, and telemetry."""
    from websockets.asyncio.client import connect

    async with connect(f"{address}/api/ws/lane", additional_headers=headers) as link:
        await answer_of(link, "lane.ready", measured)
        telemetry_due_s = time.monotonic()
        while (began_s := time.monotonic()) < until_s:
            beat = {"type": "heartbeat", "activity": "shopping", "camera": "live"}
            await link.send(json.dumps(beat))
            if began_s >= telemetry_due_s:
                telemetry_due_s += TELEMETRY_S
                await link.send(json.dumps(telemetry_now()))
            await link.send('{"type": "ping"}')
            await answer_of(link, "pong", measured)
            measured.beats_s.append(time.monotonic() - began_s)
            await asyncio.sleep(max(0.0, began_s + HEARTBEAT_S - time.monotonic()))


async def camera_run(
    address: str, headers: dict[str, str], session_id: str, until_s: float, measured: Measured
) -> None:
    """Be the camera of a lane: send a frame a second, each after the answer to the one before."""
    from websockets.asyncio.client import connect

    from tests.pictures import encoded, scene

    frame = encoded(scene(1), quality=90)
    async with connect(f"{address}/api/ws/checkout/{session_id}", additional_headers=headers) as link:
        while (began_s := time.monotonic()) < until_s:
            await link.send(frame)
            while "frame" not in (message := json.loads(await link.recv())):
                if message["type"] == "error":
                    measured.errors.append(message["code"])
            measured.frames_s.append(time.monotonic() - began_s)
            await asyncio.sleep(max(0.0, began_s + FRAME_S - time.monotonic()))


async def answer_of(link: Any, kind: str, measured: Measured) -> None:
    """Wait for a message of a kind; refusals that come before are noted."""
    while (message := json.loads(await link.recv()))["type"] != kind:
        if message["type"] == "error":
            measured.errors.append(message["code"])


def telemetry_now() -> dict[str, Any]:
    """Return the telemetry of this minute."""
    minute = datetime.now(UTC).replace(second=0, microsecond=0).isoformat()
    numbers = {"fps": 1.0, "p50_ms": 30.0, "p95_ms": 60.0, "dropped": 0, "reconnects": 0}
    return {"type": "telemetry", "minute": minute, "camera": "live", **numbers}


async def lanes_run(server: Server, lanes: list[tuple[dict[str, str], str]], minutes: float) -> Measured:
    """Run all lanes, which begin one after the other within one heartbeat."""
    measured, address = Measured(), f"ws://127.0.0.1:{server.port}"
    until_s = time.monotonic() + 60 * minutes

    async def lane_run(number: int, headers: dict[str, str], session_id: str) -> None:
        await asyncio.sleep(HEARTBEAT_S * number / len(lanes))
        await asyncio.gather(
            page_run(address, headers, until_s, measured),
            camera_run(address, headers, session_id, until_s, measured),
        )

    async def memory_note() -> None:
        while time.monotonic() < until_s:
            await asyncio.sleep(min(60.0, max(0.0, until_s - time.monotonic())))
            say(f"memory {server.memory_mb():.1f} MB")

    runs = [lane_run(number, *lane) for number, lane in enumerate(lanes)]
    await asyncio.gather(*runs, memory_note())
    return measured


def lanes_make(number: int) -> list[Lane]:
    """Return so many lanes, each with a device paired."""
    from accounts.models import User
    from accounts.stores import store_default
    from checkout.lanes.pairing import lane_pair, pairing_code_make
    from checkout.lanes.services import lane_create

    mark = f"{time.time_ns() % 10**9}"
    admin = User.objects.create_superuser(f"load-{mark}", "correct horse battery")
    lanes = []
    for each in range(number):
        lane = lane_create(store=store_default(), name=f"Lane {each}", code=f"{mark}-{each}")
        code = pairing_code_make(lane=lane, by=admin)
        lanes.append(lane_pair(code=code, address=f"192.0.2.{each}")[0])
    return lanes


def main() -> None:
    """Make lanes, serve the shop, run the lanes and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lanes", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=1.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{folder}/load.sqlite3")
        os.environ.setdefault("EBRCS_DATA_DIR", folder)
        os.environ.setdefault("EBRCS_SECRET_KEY", "of-the-load-test-only-of-the-load-test-only")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ebrcs.settings")
        django.setup()
        run(options.lanes, options.minutes, Path(folder))


def run(number: int, minutes: float, folder: Path) -> None:
    """Run lanes for some minutes."""
    from django.core.management import call_command
    from django.utils import timezone

    from checkout.lanes.visits import lane_visit
    from checkout.models import Alert, LaneTelemetry
    from tests.checkout.serving import STAND_IN, bearer, served

    call_command("migrate", verbosity=0)
    made = lanes_make(number)
    lanes = [(bearer(lane.account), str(lane_visit(lane=lane).pk)) for lane in made]
    environment = {**STAND_IN, "EBRCS_TEST_WATCH_S": "5"}
    with served("tests.checkout.served:application", folder, **environment) as server:
        asyncio.run(lanes_run(server, lanes[:2], 0.1))  # what is loaded late is loaded now
        at_start_mb = server.memory_mb()
        say(f"memory {at_start_mb:.1f} MB at the start")
        all_are_there = timezone.now() + 2 * timedelta(seconds=HEARTBEAT_S)
        measured = asyncio.run(lanes_run(server, lanes, minutes))
        at_end_mb = server.memory_mb()
    beats_ms = [1000 * value for value in measured.beats_s]
    frames_ms = [1000 * value for value in measured.frames_s]
    late = sum(value > LATE_S for value in measured.beats_s)
    mine = {"lane__in": [lane.pk for lane in made]}
    report = {
        "lanes": number,
        "minutes": minutes,
        "heartbeats": len(beats_ms),
        "late_heartbeats": late,
        "heartbeat_p50_ms": round(statistics.median(beats_ms), 1),
        "heartbeat_p95_ms": round(percentile(beats_ms, 0.95), 1),
        "heartbeat_max_ms": round(max(beats_ms), 1),
        "frames": len(frames_ms),
        "frame_p95_ms": round(percentile(frames_ms, 0.95), 1),
        "telemetry_rows": LaneTelemetry.objects.filter(**mine).count(),
        "offline_alerts": Alert.objects.filter(kind="offline", opened_at__gt=all_are_there, **mine).count(),
        "errors": sorted(set(measured.errors)),
        "memory_start_mb": round(at_start_mb, 1),
        "memory_end_mb": round(at_end_mb, 1),
    }
    say(json.dumps(report, indent=2))


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def percentile(values: list[float], share: float) -> float:
    """Return the nearest-rank percentile."""
    return sorted(values)[max(0, round(share * len(values)) - 1)]


if __name__ == "__main__":
    main()
