"""A shop of its own for processes started by a test: data folder, database, and a line of talk with each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from django.conf import settings

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def scratch_shop(folder: Path, *, redis: bool = False) -> Iterator[dict[str, str]]:
    """Migrate an empty shop on the database server of the test run and yield its environment."""
    env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    env |= {"EBRCS_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "ebrcs.settings", "OMP_NUM_THREADS": "1"}
    env["EBRCS_LOG_LEVEL"] = "WARNING"
    if not redis:
        env.pop("REDIS_URL", None)
    name = f"ebrcs_scratch_{uuid.uuid4().hex[:12]}"
    postgres = "postgresql" in settings.DATABASES["default"]["ENGINE"]
    if postgres:
        server = os.environ["DATABASE_URL"].rsplit("/", 1)[0]
        env["DATABASE_URL"] = f"{server}/{name}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
    try:
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=ROOT, env=env, check=True, timeout=120)
        yield env
    finally:
        if postgres:
            with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


class ShopProcess:
    """A process of `tests.recognition.index.shop_process`, asked one line at a time."""

    def __init__(self, env: dict[str, str], poll_s: str = "1") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.recognition.index.shop_process", poll_s],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, command: str, **arguments: Any) -> Any:
        """Send a command and return its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=30)
