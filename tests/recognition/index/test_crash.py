"""kill -9 in the middle of registrations: nothing acknowledged is lost and nothing is half there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.recognition.index.crash import LIFE_REGISTRATIONS
from tests.recognition.index.scratch import ROOT, scratch_shop

TRIALS = 100
CONTROL_TRIALS = 60


def crash(folder: Path, *arguments: str) -> dict[str, Any]:
    with scratch_shop(folder) as env:
        command = [sys.executable, "-m", "tests.recognition.index.crash", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, timeout=240, check=False
        )
    result: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (1 if result["damage"] else 0)
    return result


@pytest.mark.crash
def test_killed_registrations_are_whole_or_not_there(tmp_path: Path) -> None:
    result = crash(tmp_path, "--trials", str(TRIALS))
    assert result["damage"] == []
    assert result["trials"] == TRIALS
    assert LIFE_REGISTRATIONS < result["acknowledged"] <= result["registered"]


@pytest.mark.crash
def test_killed_registrations_without_transaction_and_lock_are_found_damaged(tmp_path: Path) -> None:
    result = crash(tmp_path, "--trials", str(CONTROL_TRIALS), "--unprotected")
    assert result["damage"]
