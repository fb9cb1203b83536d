"""Listens to the bystander's process, and says how it fared in a span of time."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

PACE_S = 0.05


@dataclass(frozen=True)
class Experience:
    """How the bystander fared.

    Attributes
    ----------
    answer_ms : from each frame sent to the first result for it or a later one; until now where there is none
    stall_ms : the longest answer of /healthz
    answers : what its requests were answered, and what became of its socket
    """

    answer_ms: list[float]
    stall_ms: float
    answers: Counter[str]


@dataclass
class Witness:
    """A bystander's process and everything it told."""

    process: subprocess.Popen[str]
    events: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def start(cls, port: int, token: str, frames: str) -> Witness:
        """Start a bystander at a server."""
        command = [sys.executable, "-m", "tests.attack.victim", str(port), token, frames]
        witness = cls(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        threading.Thread(target=witness._listen, daemon=True).start()
        return witness

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def between(self, start_s: float, end_s: float) -> Experience:
        """Return how the bystander fared in a span of the monotonic clock."""
        events, now_s = list(self.events), time.monotonic()
        results = [event for event in events if event["kind"] == "result"]
        answer_ms, upcoming = [], 0
        for event in events:
            if event["kind"] != "sent":
                continue
            while upcoming < len(results) and results[upcoming]["number"] < event["number"]:
                upcoming += 1
            if start_s <= event["at"] < end_s:
                settled_s = results[upcoming]["at"] if upcoming < len(results) else now_s
                answer_ms.append(1000 * (settled_s - event["at"]))
        asked = [
            event
            for event in events
            if "status" in event and event["at"] >= start_s and event.get("began", event["at"]) < end_s
        ]
        health_ms = [1000 * (event["at"] - event["began"]) for event in asked if event["kind"] == "health"]
        return Experience(answer_ms, max(health_ms, default=0.0), Counter(event["status"] for event in asked))

    def recovered(self, timeout_s: float) -> bool:
        """Wait until frames and requests sent from now on are answered."""
        since_s, deadline_s = time.monotonic(), time.monotonic() + timeout_s
        while time.monotonic() < deadline_s and self.process.poll() is None:
            sent = next((e["number"] for e in self.events if e["kind"] == "sent" and e["at"] > since_s), None)
            shown = sent and any(
                e["kind"] == "result" and e["number"] >= sent for e in self.events[::-1][:200]
            )
            asked = any(e["kind"] == "health" and e["began"] > since_s for e in self.events[::-1][:200])
            if shown and asked:
                return True
            time.sleep(PACE_S)
        return False

    def stop(self) -> None:
        """End the bystander."""
        self.process.kill()
        self.process.wait()
